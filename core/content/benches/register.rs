//! How long it takes to register a pack of 4,000 actions into SQLite: the first time, when nothing
//! has changed, when one file has, and when every file is read again.
//!
//! `cargo bench -p st2-content`

#![expect(clippy::expect_used, reason = "a benchmark that can not run ends")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use st2_content::{ContentSettings, Registrar, Report, Request};
use st2_memory::simulated_ports;
use st2_ports::{Ports, Store, SystemClock};
use st2_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::time::Instant;

const ACTIONS: usize = 4000;

/// Target in milliseconds for the first registration, and for one that finds nothing changed.
const TARGETS_MS: (u128, u128) = (2000, 200);

const RUNNER: &str = "name: noop\nrunner_module: noop_runner\nrunner_parameters: {}\n";

fn action(n: usize, description: &str) -> String {
    let mut text = format!(
        "---\nname: action_{n}\ndescription: {description}\nenabled: true\nrunner_type: noop\n\
         entry_point: action_{n}.py\ntags:\n  - name: team\n    value: net\nparameters:\n"
    );
    for p in 0..8 {
        let written = write!(
            text,
            "  parameter_{p}:\n    type: string\n    description: \"What parameter {p} is for.\"\n    \
             required: {}\n    position: {p}\n",
            p < 2
        );
        written.expect("text");
    }
    text
}

fn write_pack(packs: &Path) {
    let pack = packs.join("bench");
    std::fs::create_dir_all(pack.join("actions")).expect("a folder");
    let head = "name: bench\ndescription: d\nversion: 1.0.0\nauthor: a\nemail: a@example.com\n";
    std::fs::write(pack.join("pack.yaml"), head).expect("a file");
    for n in 0..ACTIONS {
        let actions = pack.join("actions");
        std::fs::write(actions.join(format!("action_{n}.yaml")), action(n, "one")).expect("a file");
        std::fs::write(actions.join(format!("action_{n}.py")), "print()\n").expect("a file");
    }
}

fn registrar(ports: &Ports, folder: &Path) -> Registrar {
    let settings = ContentSettings {
        base_paths: vec![folder.join("packs")],
        configs: folder.join("configs"),
        overrides: folder.join("overrides"),
        runner_metadata: vec![RUNNER.to_owned()],
        ..ContentSettings::default()
    };
    Registrar::new(ports.clone(), settings).expect("settings")
}

async fn measure(what: &str, ports: &Ports, folder: &Path, force: bool) -> u128 {
    // A registrar of its own: nothing is remembered but what is stored.
    let registrar = registrar(ports, folder);
    let request = Request { force, ..Request::default() };
    let start = Instant::now();
    let report: Report = registrar.register(request).await.expect("a store that works");
    let took = start.elapsed().as_millis();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    println!("{what:<22} {took:>6} ms   {} records written", report.written());
    took
}

#[tokio::main]
async fn main() {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    write_pack(&folder.path().join("packs"));
    let (mut ports, _) = simulated_ports(1);
    let path = folder.path().join("bench.db");
    let store = SqliteStore::open(&path, Arc::new(SystemClock)).expect("a store");
    ports.store = Arc::clone(&store) as Arc<dyn Store>;
    println!("{ACTIONS} actions");
    let cold = measure("first time", &ports, folder.path(), false).await;
    let unchanged = measure("unchanged", &ports, folder.path(), false).await;
    let one = folder.path().join("packs/bench/actions/action_7.yaml");
    std::fs::write(one, action(7, "two")).expect("a file");
    measure("one file changed", &ports, folder.path(), false).await;
    measure("every file read again", &ports, folder.path(), true).await;
    let (cold_max, unchanged_max) = TARGETS_MS;
    println!("targets: first time {cold_max} ms, unchanged {unchanged_max} ms");
    let verdict = |met: bool| if met { "met" } else { "missed" };
    println!(
        "first time {}, unchanged {}",
        verdict(cold <= cold_max),
        verdict(unchanged <= unchanged_max)
    );
    store.close().await;
}

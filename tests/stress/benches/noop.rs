//! How many executions of the runner `noop` come to their end in a second, every step of each
//! durable, and how long one takes from its request to its first moment in a runner's hands.
//!
//! `cargo bench -p st2-stress` prints it for the store in memory and for SQLite on disk.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends when it can not run"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use st2_execution::{Executions, Outcome, Request, Settings};
use st2_memory::memory_ports;
use st2_model::{Action, Execution, ExecutionStatus, Notify, Object, RunnerType};
use st2_ports::{
    Filter, Health, Ports, RoutineKind, Service, ServiceContext, SystemClock, SystemIdGen,
};
use st2_runner::{RunContext, Runner, noop::Noop};
use st2_scheduler::{Scheduler, SchedulerConfig};
use st2_sqlite::SqliteStore;
use st2_worker::{Worker, WorkerConfig};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const EXECUTIONS: usize = 20_000;
const REQUESTERS: usize = 64;
const SINGLES: usize = 500;

/// `noop`, and tells when it was called.
struct Told(mpsc::Sender<Instant>);

#[async_trait]
impl Runner for Told {
    fn names(&self) -> &'static [&'static str] {
        &["noop"]
    }

    fn metadata(&self) -> &'static str {
        Noop.metadata()
    }

    async fn run(&self, context: RunContext) -> Outcome {
        // In the throughput run nobody listens.
        self.0.try_send(Instant::now()).ok();
        Noop.run(context).await
    }
}

async fn content(ports: &Ports) {
    let runner = RunnerType {
        id: RunnerType::id_of("noop"),
        name: "noop".into(),
        description: None,
        enabled: true,
        runner_package: "noop".into(),
        runner_module: "noop".into(),
        runner_parameters: Object::new(),
        output_key: None,
        output_schema: Object::new(),
    };
    let reference = "core.noop".parse().unwrap();
    let action = Action {
        id: Action::id_of(&reference),
        reference,
        description: None,
        enabled: true,
        runner_type: "noop".into(),
        entry_point: String::new(),
        parameters: Object::new(),
        output_schema: Object::new(),
        tags: Vec::new(),
        notify: Notify::default(),
        metadata_file: String::new(),
        content_version: None,
        idempotent: false,
    };
    ports.repository().put(&runner).await.unwrap();
    ports.repository().put(&action).await.unwrap();
}

fn start(ports: &Ports, service: Box<dyn Service>) {
    let context = ServiceContext {
        ports: ports.clone(),
        shutdown: CancellationToken::new(),
        health: Health::default(),
    };
    ports.routines.spawn(RoutineKind::Service, "service", async move {
        service.run(context).await.expect("the service runs");
    });
}

fn request() -> Request {
    Request::new("core.noop".parse().unwrap(), Object::new()).by("ada")
}

async fn completed(ports: &Ports) -> u64 {
    let done = ExecutionStatus::COMPLETED.map(ExecutionStatus::as_str);
    ports.repository::<Execution>().count(&Filter::is_in("status", done)).await.unwrap()
}

async fn measure(name: &str, ports: Ports) {
    content(&ports).await;
    let executions = Executions::new(ports.clone(), Settings::default());
    let (told, mut listen) = mpsc::channel(1);
    let runners: Vec<Arc<dyn Runner>> = vec![Arc::new(Told(told))];
    let scheduler = Scheduler::new(executions.clone(), SchedulerConfig::default());
    start(&ports, Box::new(scheduler));
    start(&ports, Box::new(Worker::new(executions.clone(), runners, WorkerConfig::default())));

    let mut waits = Vec::with_capacity(SINGLES);
    for _ in 0..SINGLES {
        let asked = Instant::now();
        executions.request(request()).await.unwrap();
        waits.push(listen.recv().await.unwrap() - asked);
    }
    waits.sort();
    let (p50, p99) = (waits[SINGLES / 2], waits[SINGLES * 99 / 100]);
    println!("{name}: request to runner, one at a time: p50 {p50:.2?}, p99 {p99:.2?}");

    let began = Instant::now();
    futures::stream::iter(0..EXECUTIONS)
        .map(|_| executions.request(request()))
        .buffer_unordered(REQUESTERS)
        .for_each(|requested| async move { drop(requested.unwrap()) })
        .await;
    let requested = began.elapsed();
    while completed(&ports).await < (EXECUTIONS + SINGLES) as u64 {
        // Counting costs the store something too.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let all = began.elapsed();
    let rate = EXECUTIONS as f64 / all.as_secs_f64();
    println!(
        "{name}: {EXECUTIONS} executions requested in {requested:.2?}, completed in {all:.2?}: {rate:.0}/s"
    );
}

fn ports() -> Ports {
    memory_ports(Arc::new(SystemClock), Arc::new(SystemIdGen::default()))
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        measure("memory", ports()).await;
        // On the disk of the build: the system's folder for such things may be in memory.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut on_disk = ports();
        let clock = Arc::clone(&on_disk.clock);
        on_disk.store = SqliteStore::open(&dir.path().join("st2.db"), clock).unwrap();
        measure("sqlite", on_disk).await;
    });
}

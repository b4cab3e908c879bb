//! A process that is killed while it writes leaves every acknowledged write behind.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;
use st2_model::Revision;
use st2_ports::suites::store::{BOOKS, document};
use st2_ports::{Filter, Inserted, Query, Replaced, Store, SystemClock};

use crate::SqliteStore;

/// Names the file to the process that is to be killed.
const FILE: &str = "ST2_SQLITE_CRASH_FILE";
const WRITERS: u64 = 24;
const LIVES: u64 = 4;
/// After so many acknowledged writes a process is killed.
const WRITES: usize = 600;

/// The process that is killed: a test that does nothing unless it is asked to. Each writer inserts
/// and replaces documents of its own, every second of them through the relaxed view, and says so
/// after each answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_writes() {
    let Ok(path) = std::env::var(FILE) else {
        return;
    };
    let store = SqliteStore::open(Path::new(&path), Arc::new(SystemClock)).unwrap();
    let boot = store.boot();
    let durable: Arc<dyn Store> = store;
    let relaxed = Arc::clone(&durable).relaxed();
    join_all((0..WRITERS).map(|writer| {
        let store = if writer % 2 == 0 { &durable } else { &relaxed };
        async move {
            for n in 0.. {
                let id = format!("{boot}-{writer}-{n}");
                let body =
                    json!({"title": id, "n": 1, "tags": [writer, "x"], "text": "x".repeat(700)});
                let inserted = store.insert(&BOOKS, document(&id, body), None).await;
                assert_eq!(inserted.unwrap(), Inserted::New);
                println!("ack {id} 1");
                let body = json!({"title": id, "n": 2, "shelf": n});
                let write = store.replace(&BOOKS, document(&id, body), Revision::FIRST, None);
                assert_eq!(write.await.unwrap(), Replaced::At(Revision(2)));
                println!("ack {id} 2");
            }
        }
    }))
    .await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "the process is this very test, and is meant to be killed"
)]
fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["tests::crash::the_process_that_writes", "--exact", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs a process, kills it in the midst of its writes and returns what it acknowledged.
fn live_and_die(path: &Path) -> BTreeMap<String, u64> {
    let mut child = start(path);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = BTreeMap::new();
    let (mut line, mut count) = (String::new(), 0);
    while output.read_line(&mut line).unwrap() > 0 {
        // The last line may be half a line.
        let words: Vec<&str> = line.trim_end().split(' ').collect();
        if let (true, ["ack", id, n]) = (line.ends_with('\n'), words.as_slice()) {
            acknowledged.insert((*id).to_owned(), n.parse().unwrap());
            count += 1;
            if count == WRITES {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    let status = child.wait().unwrap();
    assert!(count >= WRITES, "it ended by itself: {status}");
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_the_death_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("st2.db");
    let mut acknowledged = BTreeMap::new();
    for life in 1..=LIVES {
        acknowledged.extend(live_and_die(&path));
        let store = SqliteStore::open(&path, Arc::new(SystemClock)).unwrap();
        assert_eq!(store.boot(), life * 2);
        let found = store.find(&BOOKS, &Query::of(Filter::All)).await.unwrap();
        let found: BTreeMap<String, u64> = found
            .into_iter()
            .map(|record| (record.id, record.body["n"].as_u64().unwrap()))
            .collect();
        for (id, n) in &acknowledged {
            // What was written and not yet acknowledged may be there too.
            assert!(found.get(id).is_some_and(|found| found >= n), "{id} {n} is lost");
        }
        let tagged = store.count(&BOOKS, &Filter::eq("tags", "x")).await.unwrap();
        let inserted = found.values().filter(|n| **n == 1).count();
        assert_eq!(tagged, inserted as u64, "elements follow their documents");
        store.close().await;
    }
}

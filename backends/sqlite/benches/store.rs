//! How fast the store is: a flush to disk by itself, writes with 1, 64 and 1024 in flight, reads.
//!
//! `cargo bench -p st2-sqlite`

#![expect(clippy::expect_used, reason = "a benchmark that can not run ends")]

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::{Value, json};
use st2_ports::{
    Collection, Cursor, Document, Filter, Index, Inserted, Order, Query, Replaced, Store,
    SystemClock,
};
use st2_sqlite::SqliteStore;
use tempfile::TempDir;
use tokio::runtime::Runtime;

static RUNS: Collection = Collection {
    name: "bench_run",
    indexes: &[
        Index { name: "by_status", paths: &["status", "start_timestamp"], unique: false },
        Index { name: "by_action", paths: &["action", "start_timestamp"], unique: false },
        Index { name: "by_time", paths: &["start_timestamp"], unique: false },
    ],
    expires: None,
};

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A document like an execution: about 600 bytes, three indexes.
fn document(n: u64, status: &str) -> Document {
    let body = json!({
        "id": format!("{n:024x}"), "action": format!("pack.action{}", n % 50), "status": status,
        "start_timestamp": 1_735_689_600_000_000_u64 + n * 1000,
        "parameters": {"host": "localhost", "cmd": "echo hello", "retries": 3},
        "context": {"user": "stanley", "trace": "0123456789abcdef", "origin": {"rule": "pack.rule"}},
        "log": [{"status": "requested", "timestamp": 1_735_689_600_000_000_u64}],
        "runner": {"name": "local-shell-cmd", "module": "local_runner"}, "children": [],
    });
    Document { id: format!("{n:024x}"), body }
}

struct Bench {
    runtime: Runtime,
    store: Arc<SqliteStore>,
    _folder: TempDir,
}

impl Bench {
    fn open() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let path = folder.path().join("bench.db");
        let store = SqliteStore::open(&path, Arc::new(SystemClock)).expect("a store");
        Self { runtime: Runtime::new().expect("a runtime"), store, _folder: folder }
    }

    /// Inserts so many documents with `flight` of them in flight. Their numbers begin here.
    fn insert(&self, count: u64, flight: usize) -> u64 {
        let first = NEXT.fetch_add(count, Ordering::Relaxed);
        let write = |n| async move {
            let inserted = self.store.insert(&RUNS, document(n, "requested"), None).await;
            assert_eq!(inserted.expect("it is stored"), Inserted::New);
        };
        self.runtime.block_on(in_flight(first..first + count, flight, write));
        first
    }

    fn replace(&self, first: u64, count: u64, flight: usize) {
        let write = |n| async move {
            let document = document(n, "running");
            let replaced =
                self.store.replace(&RUNS, document, st2_model::Revision::FIRST, None).await;
            assert!(matches!(replaced.expect("it is stored"), Replaced::At(_)));
        };
        self.runtime.block_on(in_flight(first..first + count, flight, write));
    }
}

async fn in_flight<F: Future<Output = ()>>(
    numbers: std::ops::Range<u64>,
    flight: usize,
    work: impl Fn(u64) -> F,
) {
    let mut running = FuturesUnordered::new();
    for n in numbers {
        if running.len() >= flight {
            running.next().await;
        }
        running.push(work(n));
    }
    while running.next().await.is_some() {}
}

fn flush(criterion: &mut Criterion) {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut file = File::create(folder.path().join("flush")).expect("a file");
    file.write_all(&vec![0; 1 << 20]).expect("room");
    criterion.bench_function("a flush of 4 KiB by itself", |bencher| {
        bencher.iter(|| {
            file.seek(SeekFrom::Start(0)).expect("a place");
            file.write_all(&[1; 4096]).expect("room");
            file.sync_data().expect("a disk");
        });
    });
}

fn writes(criterion: &mut Criterion) {
    let bench = Bench::open();
    for (name, replaces) in [("insert", false), ("replace", true)] {
        let mut group = criterion.benchmark_group(name);
        for flight in [1, 64, 1024] {
            group.throughput(Throughput::Elements(1));
            group.bench_function(BenchmarkId::new("in flight", flight), |bencher| {
                bencher.iter_custom(|count| {
                    let first = if replaces { bench.insert(count, 1024) } else { 0 };
                    let began = tokio::time::Instant::now();
                    if replaces {
                        bench.replace(first, count, flight);
                    } else {
                        bench.insert(count, flight);
                    }
                    began.elapsed()
                });
            });
        }
        group.finish();
    }
}

fn reads(criterion: &mut Criterion) {
    let bench = Bench::open();
    let first = bench.insert(100_000, 1024);
    let store = &bench.store;
    let get = |bencher: &mut criterion::Bencher<'_>| {
        let mut n = 0;
        bencher.iter(|| {
            n = (n + 7919) % 100_000;
            let id = format!("{:024x}", first + n);
            let found = bench.runtime.block_on(store.get(&RUNS, &id));
            assert!(found.expect("an answer").is_some());
        });
    };
    criterion.bench_function("get, of 100,000", get);

    let newest = |filter: Filter| Query::of(filter).by("start_timestamp", Order::Descending);
    let mut deep = newest(Filter::All).limit(50);
    deep.after = Some(Cursor {
        values: vec![json!(1_735_689_600_000_000_u64 + (first + 50_000) * 1000)],
        id: String::new(),
    });
    let action = |name: &str| Filter::eq("action", Value::from(name));
    let queries = [
        ("find the newest 50", newest(Filter::All).limit(50)),
        ("find 50 in the middle, by cursor", deep),
        ("find the newest 50 of an action", newest(action("pack.action7")).limit(50)),
        ("find one by an index", Query::of(action("pack.action7")).limit(1)),
        (
            "find the newest 50 by an undeclared path too",
            newest(Filter::eq("context.user", "stanley")).limit(50),
        ),
    ];
    for (name, query) in queries {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let found = bench.runtime.block_on(store.find(&RUNS, &query)).expect("an answer");
                assert!(!found.is_empty());
            });
        });
    }
    criterion.bench_function("count an action's, of 100,000", |bencher| {
        bencher.iter(|| {
            let count = bench.runtime.block_on(store.count(&RUNS, &action("pack.action7")));
            assert_eq!(count.expect("an answer"), 2000);
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(4));
    targets = flush, writes, reads
}
criterion_main!(benches);

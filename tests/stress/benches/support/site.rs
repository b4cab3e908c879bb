//! What the benchmarks run on: an action of the runner `noop`, the services, and a runner that
//! tells when it is called.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use st2_execution::{Executions, Outcome, Settings};
use st2_memory::memory_ports;
use st2_model::{
    Action, Execution, ExecutionStatus, Id, Notify, Object, RunnerType, Timestamp, kinds,
};
use st2_ports::{
    Clock, Filter, Health, Ports, RoutineKind, Service, ServiceContext, SystemClock, SystemIdGen,
};
use st2_runner::{RunContext, Runner, noop::Noop};
use st2_scheduler::{Scheduler, SchedulerConfig};
use st2_sqlite::SqliteStore;
use st2_worker::{Worker, WorkerConfig};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// As in the executables.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The action of every execution.
pub(crate) const ACTION: &str = "core.noop";

/// An execution, when a guest's first instruction would have run, and the same by the wall clock.
pub(crate) type Call = (Id<kinds::Execution>, Instant, Timestamp);

/// `noop`, and tells when it was called.
struct Told(mpsc::Sender<Call>);

#[async_trait]
impl Runner for Told {
    fn names(&self) -> &'static [&'static str] {
        &["noop"]
    }

    fn metadata(&self) -> &'static str {
        Noop.metadata()
    }

    async fn run(&self, context: RunContext) -> Outcome {
        // Where only the rate counts, nobody listens.
        let _told = self.0.try_send((context.execution.id, Instant::now(), SystemClock.now()));
        Noop.run(context).await
    }
}

/// Ports whose store is a file on the disk of the build, not in memory.
pub(crate) fn on_disk() -> (Ports, TempDir) {
    let folder = TempDir::new_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let mut ports = in_memory();
    let clock = Arc::clone(&ports.clock);
    ports.store = SqliteStore::open(&folder.path().join("st2.db"), clock).unwrap();
    (ports, folder)
}

/// Ports whose store is in memory.
pub(crate) fn in_memory() -> Ports {
    memory_ports(Arc::new(SystemClock), Arc::new(SystemIdGen::default()))
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
    let reference = ACTION.parse().unwrap();
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

/// Runs a service until the process ends.
pub(crate) fn start(ports: &Ports, service: Box<dyn Service>) {
    let context = ServiceContext {
        ports: ports.clone(),
        shutdown: CancellationToken::new(),
        health: Health::default(),
    };
    ports.routines.spawn(RoutineKind::Service, "service", async move {
        service.run(context).await.expect("the service runs");
    });
}

/// Starts scheduler and worker.
pub(crate) async fn engines(ports: &Ports) -> (Executions, mpsc::Receiver<Call>) {
    content(ports).await;
    let executions = Executions::new(ports.clone(), Settings::default());
    let (told, calls) = mpsc::channel(64);
    let runners: Vec<Arc<dyn Runner>> = vec![Arc::new(Told(told))];
    start(ports, Box::new(Scheduler::new(executions.clone(), SchedulerConfig::default())));
    start(ports, Box::new(Worker::new(executions.clone(), runners, WorkerConfig::default())));
    (executions, calls)
}

/// Waits until so many executions have come to their end.
pub(crate) async fn until_completed(ports: &Ports, count: usize) {
    let done = ExecutionStatus::COMPLETED.map(ExecutionStatus::as_str);
    let done = Filter::is_in("status", done);
    while ports.repository::<Execution>().count(&done).await.unwrap() < count as u64 {
        // Counting costs the store something too.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The median and the 99th percentile.
pub(crate) fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    format!("p50 {p50:.2?}, p99 {p99:.2?}")
}

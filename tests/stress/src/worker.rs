//! Ten thousand executions, real commands among them, with time-outs and cancels at random
//! moments: every one comes to its end, and nothing of any of them is left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use st2_execution::{Executions, Request, Settings};
use st2_memory::memory_ports;
use st2_model::{Action, Execution, ExecutionStatus as S, Id, Notify, Object, RunnerType, kinds};
use st2_ports::{
    Entity, Filter, Health, IdGen, Ports, RoutineKind, SeededIdGen, Service, ServiceContext,
    SystemClock,
};
use st2_runner::{Runner, noop::Noop};
use st2_scheduler::{Scheduler, SchedulerConfig};
use st2_shell::{LocalShell, ShellConfig};
use st2_worker::{Worker, WorkerConfig};
use tokio_util::sync::CancellationToken;

const EXECUTIONS: u32 = 10_000;
/// One in so many executions is a real command.
const COMMANDS: u32 = 10;
/// A number that occurs in the command line of every long-running process of this test.
const MARK: &str = "86423";

struct Stress {
    ports: Ports,
    executions: Executions,
    random: SeededIdGen,
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

impl Stress {
    async fn new() -> Self {
        let ids = Arc::new(SeededIdGen::of(7));
        let ports = memory_ports(Arc::new(SystemClock), ids);
        let executions = Executions::new(ports.clone(), Settings::default());
        let stress = Self { ports, executions, random: SeededIdGen::of(11) };
        stress.content("noop", "noop", json!({})).await;
        let parameters = json!({"cmd": {"type": "string"}, "timeout": {"type": "integer"}});
        stress.content("local", "local-shell-cmd", parameters).await;
        stress
    }

    async fn content(&self, name: &str, runner: &str, parameters: Value) {
        self.put(RunnerType {
            id: RunnerType::id_of(runner),
            name: runner.into(),
            description: None,
            enabled: true,
            runner_package: runner.into(),
            runner_module: runner.into(),
            runner_parameters: object(parameters),
            output_key: None,
            output_schema: Object::new(),
        })
        .await;
        let reference = format!("test.{name}").parse().unwrap();
        self.put(Action {
            id: Action::id_of(&reference),
            reference,
            description: None,
            enabled: true,
            runner_type: runner.into(),
            entry_point: String::new(),
            parameters: Object::new(),
            output_schema: Object::new(),
            tags: Vec::new(),
            notify: Notify::default(),
            metadata_file: String::new(),
            content_version: None,
            idempotent: false,
        })
        .await;
    }

    async fn put<E: Entity>(&self, record: E) {
        self.ports.repository::<E>().put(&record).await.unwrap();
    }

    fn start(&self, service: Box<dyn Service>) -> CancellationToken {
        let context = ServiceContext {
            ports: self.ports.clone(),
            shutdown: CancellationToken::new(),
            health: Health::default(),
        };
        let shutdown = context.shutdown.clone();
        self.ports.routines.spawn(RoutineKind::Service, "service", async move {
            service.run(context).await.unwrap();
        });
        shutdown
    }

    fn pick(&self, below: u32) -> u32 {
        let mut bytes = [0; 4];
        self.random.fill(&mut bytes);
        u32::from_le_bytes(bytes) % below
    }

    async fn request(&self, action: &str, parameters: Value) -> Id<kinds::Execution> {
        let reference = format!("test.{action}").parse().unwrap();
        let request = Request::new(reference, object(parameters)).by("ada");
        self.executions.request(request).await.unwrap().execution.value.id
    }

    /// One execution of some kind, and whether somebody will cancel it.
    async fn any(&self) -> (Id<kinds::Execution>, bool) {
        if self.pick(COMMANDS) > 0 {
            return (self.request("noop", json!({})).await, self.pick(10) == 0);
        }
        let forever = format!("sleep 1{MARK}");
        let (cmd, timeout, is_canceled) = match self.pick(20) {
            0..9 => ("true".to_owned(), 60, self.pick(10) == 0),
            9..12 => ("echo a; echo b >&2; exit 3".to_owned(), 60, false),
            12 => (format!("echo so far; {forever}"), 1, false),
            13 => (format!("trap '' TERM; {forever} & {forever}"), 1, false),
            14..16 => (format!("trap '' TERM; {forever}; {forever}"), 60, true),
            _ => (format!("{forever} & {forever}"), 60, true),
        };
        let parameters = json!({"cmd": cmd, "timeout": timeout});
        (self.request("local", parameters).await, is_canceled)
    }

    /// How many executions there are in each status.
    async fn statuses(&self) -> BTreeMap<S, u64> {
        let repository = self.ports.repository::<Execution>();
        let mut counts = BTreeMap::new();
        for status in S::ALL {
            let count = repository.count(&Filter::eq("status", status.as_str())).await.unwrap();
            if count > 0 {
                counts.insert(status, count);
            }
        }
        counts
    }

    async fn until_all_completed(&self) -> BTreeMap<S, u64> {
        let open = S::ALL.into_iter().filter(|status| !status.is_completed());
        let open = Filter::is_in("status", open.map(S::as_str));
        let repository = self.ports.repository::<Execution>();
        for _ in 0..600 {
            if repository.count(&open).await.unwrap() == 0 {
                return self.statuses().await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("not all came to an end: {:?}", self.statuses().await);
    }
}

fn entries(path: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Processes that carry the mark, and dead children that nobody has reaped.
fn left_behind() -> Vec<String> {
    let own = std::process::id().to_string();
    let processes = entries("/proc").into_iter().filter(|name| name.parse::<u32>().is_ok());
    processes
        .filter_map(|pid| {
            let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let (_, after_name) = stat.rsplit_once(") ")?;
            let mut fields = after_name.split(' ');
            let is_zombie = fields.next() == Some("Z") && fields.next() == Some(&own);
            (is_zombie || command.contains(MARK)).then(|| format!("{pid} {command} {after_name}"))
        })
        .collect()
}

fn open_descriptors() -> usize {
    entries("/proc/self/fd").len()
}

/// Waits for a condition that something in the background brings about.
async fn until(what: &str, condition: impl Fn() -> Result<(), String>) {
    let mut last = String::new();
    for _ in 0..100 {
        match condition() {
            Ok(()) => return,
            Err(reason) => last = reason,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}: {last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_executions_leave_nothing_behind() {
    let stress = Stress::new().await;
    let scheduler = Scheduler::new(stress.executions.clone(), SchedulerConfig::default());
    let shell = LocalShell::new(ShellConfig::new("me", "me"));
    let runners: Vec<Arc<dyn Runner>> = vec![Arc::new(Noop), Arc::new(shell)];
    let config = WorkerConfig { kill_grace: Duration::from_millis(100), ..WorkerConfig::default() };
    let worker = Worker::new(stress.executions.clone(), runners, config);
    let services = [stress.start(Box::new(scheduler)), stress.start(Box::new(worker))];

    // What is opened once and for all is open after the first commands.
    for _ in 0..10 {
        stress.request("local", json!({"cmd": "true"})).await;
    }
    stress.until_all_completed().await;
    let descriptors = open_descriptors();

    let mut to_cancel: Vec<Id<kinds::Execution>> = Vec::new();
    for _ in 0..EXECUTIONS {
        let (id, is_canceled) = stress.any().await;
        if is_canceled {
            to_cancel.push(id);
        }
        // Some moment later, whatever has become of it by then.
        if to_cancel.len() > 8 {
            let index = stress.pick(u32::try_from(to_cancel.len()).unwrap());
            let id = to_cancel.swap_remove(usize::try_from(index).unwrap());
            // It may have come to its end before.
            drop(stress.executions.cancel(id, "ada").await);
        }
    }
    for id in to_cancel {
        drop(stress.executions.cancel(id, "ada").await);
    }
    let statuses = stress.until_all_completed().await;
    assert_eq!(statuses.values().sum::<u64>(), u64::from(EXECUTIONS) + 10);
    for status in [S::Succeeded, S::Failed, S::Timeout, S::Canceled] {
        assert!(statuses.contains_key(&status), "{statuses:?}");
    }
    assert!(!statuses.contains_key(&S::Abandoned), "{statuses:?}");

    until("processes are left", || match left_behind() {
        left if left.is_empty() => Ok(()),
        left => Err(left.join("\n")),
    })
    .await;
    until("descriptors are left open", || match open_descriptors() {
        now if now <= descriptors => Ok(()),
        now => Err(format!("{now} instead of {descriptors}")),
    })
    .await;
    for service in services {
        service.cancel();
    }
    assert!(stress.ports.routines.stop(Duration::from_secs(10)).await);
}

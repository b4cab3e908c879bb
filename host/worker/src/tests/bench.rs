//! A worker with everything around it, in one paused runtime.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use st2_execution::{Executions, Outcome, Request, Settings};
use st2_memory::simulated_ports;
use st2_model::{Action, Execution, ExecutionStatus, Id, Notify, Object, RunnerType, kinds};
use st2_ports::{Group, Health, Ports, RoutineKind, Service, ServiceContext, Topic};
use st2_runner::{RunContext, Runner, noop::Noop};
use tokio_util::sync::CancellationToken;

use crate::{Worker, WorkerConfig};

/// What the test runner does, by the action's name.
pub(super) struct Acts;

#[async_trait]
impl Runner for Acts {
    fn names(&self) -> &'static [&'static str] {
        &["acts"]
    }

    fn metadata(&self) -> &'static str {
        ""
    }

    async fn run(&self, context: RunContext) -> Outcome {
        let ok = |result: Value| Outcome::new(ExecutionStatus::Succeeded, result);
        match context.execution.action.name() {
            "echo" => ok(json!({"given": context.action_parameters})),
            "nothing" => ok(json!({})),
            "text" => ok(json!("{\"a\": 1}")),
            "panics" => panic!("out of cheese"),
            "prints" => {
                for number in 0..5 {
                    let line = format!("line {number}\n");
                    context.output.write(st2_model::OutputStream::Stdout, &line);
                    tokio::time::sleep(Duration::from_millis(30)).await;
                }
                ok(json!({"printed": 5}))
            }
            "large" => ok(json!({"text": "x".repeat(300 * 1024)})),
            "ignores" => std::future::pending().await,
            // Ends when asked, else after an hour.
            _ => {
                tokio::select! {
                    () = context.cancel.cancelled() => ok(json!({"ended": "asked"})),
                    () = tokio::time::sleep(Duration::from_secs(3600)) => ok(json!({"ended": "itself"})),
                }
            }
        }
    }
}

pub(super) struct Bench {
    pub(super) ports: Ports,
    pub(super) executions: Executions,
}

pub(super) const NAMES: [&str; 8] =
    ["echo", "nothing", "text", "panics", "prints", "large", "ignores", "waits"];

impl Bench {
    pub(super) async fn new() -> Self {
        Self::on(|_| {}).await
    }

    /// On ports that were changed by `change`.
    pub(super) async fn on(change: impl FnOnce(&mut Ports)) -> Self {
        let (mut ports, _clock) = simulated_ports(1);
        change(&mut ports);
        let executions = Executions::new(ports.clone(), Settings::default());
        let bench = Self { ports, executions };
        for runner in ["acts", "noop"] {
            bench.store(runner_type(runner)).await;
        }
        for name in NAMES {
            bench.store(action(name, "acts")).await;
        }
        bench.store(action("noop", "noop")).await;
        let idempotent = Action { idempotent: true, ..action("again", "acts") };
        bench.store(idempotent).await;
        bench.admit_forever().await;
        bench
    }

    pub(super) async fn store<E: st2_ports::Entity>(&self, record: E) {
        self.ports.repository::<E>().put(&record).await.unwrap();
    }

    /// Stands in for the scheduler.
    async fn admit_forever(&self) {
        let mut requested = self
            .ports
            .bus
            .subscribe(Topic::ExecutionRequested, Group::Shared("scheduler"))
            .await
            .unwrap();
        let executions = self.executions.clone();
        let routine = async move {
            while let Some(delivery) = requested.next().await {
                let ids: Vec<_> = delivery.wake.ids.iter().map(|id| id.parse().unwrap()).collect();
                let found = executions.find(&ids).await.unwrap();
                assert!(executions.admit(found).await.error.is_none());
                delivery.ack().await;
            }
        };
        self.ports.routines.spawn(RoutineKind::Service, "scheduler", routine);
    }

    /// Starts a worker; cancelling the token stops it, dropping the other one kills it.
    pub(super) fn worker(&self, config: WorkerConfig) -> Started {
        let runners: Vec<Arc<dyn Runner>> = vec![Arc::new(Noop), Arc::new(Acts)];
        let worker = Worker::new(self.executions.clone(), runners, config);
        let context = ServiceContext {
            ports: self.ports.clone(),
            shutdown: CancellationToken::new(),
            health: Health::default(),
        };
        let (stop, stopped) = (context.shutdown.clone(), CancellationToken::new());
        let done = stopped.clone();
        self.ports.routines.spawn(RoutineKind::Service, "worker", async move {
            Box::new(worker).run(context).await.unwrap();
            done.cancel();
        });
        Started { stop, stopped }
    }

    pub(super) async fn request(&self, action: &str, parameters: Value) -> Id<kinds::Execution> {
        let Value::Object(parameters) = parameters else {
            panic!("parameters are an object");
        };
        let reference = format!("test.{action}").parse().unwrap();
        let request = Request::new(reference, parameters).by("ada");
        let requested = self.executions.request(request).await.unwrap();
        requested.execution.value.id
    }

    pub(super) async fn get(&self, id: Id<kinds::Execution>) -> Execution {
        self.executions.get(id).await.unwrap().value
    }

    pub(super) async fn until(
        &self,
        id: Id<kinds::Execution>,
        condition: impl Fn(&Execution) -> bool,
    ) -> Execution {
        for _ in 0..100_000 {
            let execution = self.get(id).await;
            if condition(&execution) {
                return execution;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:#?} never became what it should", self.get(id).await);
    }

    pub(super) async fn until_status(
        &self,
        id: Id<kinds::Execution>,
        status: ExecutionStatus,
    ) -> Execution {
        self.until(id, |execution| execution.status == status).await
    }

    pub(super) async fn until_completed(&self, id: Id<kinds::Execution>) -> Execution {
        self.until(id, |execution| execution.status.is_completed()).await
    }

    pub(super) async fn result(&self, execution: &Execution) -> Value {
        self.executions.load_result(execution).await.unwrap().unwrap()
    }
}

pub(super) struct Started {
    pub(super) stop: CancellationToken,
    pub(super) stopped: CancellationToken,
}

impl Started {
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        self.stopped.cancelled().await;
    }
}

fn runner_type(name: &str) -> RunnerType {
    RunnerType {
        id: RunnerType::id_of(name),
        name: name.to_owned(),
        description: None,
        enabled: true,
        runner_package: name.to_owned(),
        runner_module: name.to_owned(),
        runner_parameters: Object::new(),
        output_key: None,
        output_schema: Object::new(),
    }
}

pub(super) fn action(name: &str, runner: &str) -> Action {
    let parameters = json!({
        "text": {"type": "string", "default": "{{ number }} apples"},
        "number": {"type": "integer", "default": 3},
    });
    let Value::Object(parameters) = parameters else { unreachable!() };
    let reference = format!("test.{name}").parse().unwrap();
    Action {
        id: Action::id_of(&reference),
        reference,
        description: None,
        enabled: true,
        runner_type: runner.to_owned(),
        entry_point: String::new(),
        parameters,
        output_schema: Object::new(),
        tags: Vec::new(),
        notify: Notify::default(),
        metadata_file: format!("actions/{name}.yaml"),
        content_version: None,
        idempotent: false,
    }
}

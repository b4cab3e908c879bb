//! Tests: the service on ports in memory, in a paused runtime.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use st2_execution::{Executions, Outcome, Request, Settings};
use st2_memory::simulated_ports;
use st2_model::{
    Action, Execution, ExecutionStatus as S, Id, Notify, Object, Owner, Policy, RunnerInfo,
    RunnerType, kinds,
};
use st2_ports::{
    Clock, Entity, Group, Health, Ports, RoutineKind, Service, ServiceContext, SimClock, Topic,
};
use tokio_util::sync::CancellationToken;

use crate::{Scheduler, SchedulerConfig};

struct Bench {
    ports: Ports,
    clock: Arc<SimClock>,
    executions: Executions,
}

impl Bench {
    async fn new() -> Self {
        let (ports, clock) = simulated_ports(1);
        let executions = Executions::new(ports.clone(), Settings::default());
        let bench = Self { ports, clock, executions };
        bench
            .store(RunnerType {
                id: RunnerType::id_of("noop"),
                name: "noop".into(),
                description: None,
                enabled: true,
                runner_package: "noop".into(),
                runner_module: "noop".into(),
                runner_parameters: Object::new(),
                output_key: None,
                output_schema: Object::new(),
            })
            .await;
        for name in ["plain", "again"] {
            let reference = format!("test.{name}").parse().unwrap();
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
                idempotent: name == "again",
            };
            bench.store(action).await;
        }
        bench
    }

    async fn store<E: Entity>(&self, record: E) {
        self.ports.repository::<E>().put(&record).await.unwrap();
    }

    async fn limit(&self, threshold: u64) {
        let reference = "test.limit".parse().unwrap();
        let mut parameters = Object::new();
        parameters.insert("threshold".into(), threshold.into());
        self.store(Policy {
            id: Policy::id_of(&reference),
            reference,
            description: None,
            enabled: true,
            resource_ref: "test.plain".into(),
            policy_type: "action.concurrency".into(),
            parameters,
            metadata_file: String::new(),
        })
        .await;
    }

    fn start(&self) -> CancellationToken {
        let scheduler = Scheduler::new(
            Executions::new(self.ports.clone(), Settings::default()),
            SchedulerConfig::default(),
        );
        let context = ServiceContext {
            ports: self.ports.clone(),
            shutdown: CancellationToken::new(),
            health: Health::default(),
        };
        let shutdown = context.shutdown.clone();
        self.ports.routines.spawn(RoutineKind::Service, "scheduler", async move {
            Box::new(scheduler).run(context).await.unwrap();
        });
        shutdown
    }

    async fn request(&self, action: &str, delay_ms: Option<u64>) -> Id<kinds::Execution> {
        let reference = format!("test.{action}").parse().unwrap();
        let request = Request { delay_ms, ..Request::new(reference, Object::new()) };
        self.executions.request(request).await.unwrap().execution.value.id
    }

    async fn until(&self, id: Id<kinds::Execution>, status: S) -> Execution {
        for _ in 0..100_000 {
            let execution = self.executions.get(id).await.unwrap().value;
            if execution.status == status {
                return execution;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{id} never became {status}");
    }

    async fn claim(&self, id: Id<kinds::Execution>) -> Owner {
        let ttl = Duration::from_secs(10);
        let lease = self.ports.coordinator.acquire("worker/a", "a", ttl).await.unwrap().unwrap();
        let owner = Owner { lease: lease.key, epoch: lease.epoch };
        let info = RunnerInfo { hostname: "box".into(), pid: 1 };
        let scheduled = self.executions.get(id).await.unwrap();
        self.executions.claim(scheduled, &owner, &info).await.unwrap();
        owner
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_scheduled_at_once() {
    let bench = Bench::new().await;
    bench.start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = bench.clock.now();
    let id = bench.request("plain", None).await;
    let scheduled = bench.until(id, S::Scheduled).await;
    let took = scheduled.log.last().unwrap().timestamp.since(before);
    assert_eq!(took, Duration::ZERO, "no loop on the way sleeps");
}

#[tokio::test(start_paused = true)]
async fn what_was_requested_while_nobody_was_there_is_found() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for _ in 0..1_200 {
        ids.push(bench.request("plain", None).await);
    }
    bench.start();
    for id in ids {
        bench.until(id, S::Scheduled).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_delayed_one_is_scheduled_when_it_is_due() {
    let bench = Bench::new().await;
    bench.start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let id = bench.request("plain", Some(2_345)).await;
    bench.until(id, S::Delayed).await;
    let scheduled = bench.until(id, S::Scheduled).await;
    let log = &scheduled.log;
    assert_eq!(
        log.iter().map(|change| change.status).collect::<Vec<_>>(),
        [S::Requested, S::Delayed, S::Scheduled]
    );
    let took = log[2].timestamp.since(scheduled.start_timestamp);
    let late = took.checked_sub(Duration::from_millis(2_345)).expect("not before its time");
    // Timers are as fine as a millisecond.
    assert!(late <= Duration::from_millis(2), "{late:?} late");
}

#[tokio::test(start_paused = true)]
async fn a_lost_wake_up_costs_time_only() {
    let bench = Bench::new().await;
    bench.start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Every second wake-up goes to a member of the group that does nothing about it.
    let group = Group::Shared("scheduler");
    let mut thief = bench.ports.bus.subscribe(Topic::ExecutionRequested, group).await.unwrap();
    bench.ports.routines.spawn(RoutineKind::Service, "thief", async move {
        while let Some(delivery) = thief.next().await {
            delivery.ack().await;
        }
    });
    for _ in 0..10 {
        let id = bench.request("plain", None).await;
        bench.until(id, S::Scheduled).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_one_lets_the_next_go() {
    let bench = Bench::new().await;
    bench.limit(1).await;
    bench.start();
    let first = bench.request("plain", None).await;
    bench.until(first, S::Scheduled).await;
    let second = bench.request("plain", None).await;
    bench.until(second, S::Delayed).await;
    let owner = bench.claim(first).await;
    let outcome = Outcome::new(S::Succeeded, json!({"x": 1}));
    let claimed = bench.executions.get(first).await.unwrap();
    let ended = bench.executions.complete(claimed, &owner, outcome).await.unwrap().value;
    let scheduled = bench.until(second, S::Scheduled).await;
    let waited = scheduled.log.last().unwrap().timestamp.since(ended.end_timestamp.unwrap());
    assert_eq!(waited, Duration::ZERO, "pushed, not polled");
}

#[tokio::test(start_paused = true)]
async fn orphans_are_found_at_start() {
    let bench = Bench::new().await;
    let ids = [bench.request("plain", None).await, bench.request("again", None).await];
    let found = bench.executions.find(&ids).await.unwrap();
    assert_eq!(bench.executions.admit(found).await.scheduled, 2);
    for id in ids {
        bench.claim(id).await;
    }
    tokio::time::sleep(Duration::from_secs(11)).await;
    bench.start();
    bench.until(ids[0], S::Abandoned).await;
    bench.until(ids[1], S::Scheduled).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_prompt() {
    let bench = Bench::new().await;
    let shutdown = bench.start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    shutdown.cancel();
    assert!(bench.ports.routines.stop(Duration::from_secs(1)).await);
}

//! What happens when a worker's lease, or the worker itself, is gone.

use std::time::Duration;

use serde_json::json;
use st2_model::ExecutionStatus as S;
use st2_ports::Lease;

use super::bench::Bench;
use crate::WorkerConfig;

#[tokio::test(start_paused = true)]
async fn a_worker_that_lost_its_lease_ends_its_guests_and_writes_nothing() {
    let bench = Bench::new().await;
    bench.worker(WorkerConfig::default());
    let id = bench.request("waits", json!({})).await;
    let running = bench.until_status(id, S::Running).await;
    let owner = running.owner.unwrap();
    // Somebody takes the lease away.
    let held = Lease {
        key: owner.lease.clone(),
        owner: owner.lease.clone(),
        epoch: owner.epoch,
        ttl: Duration::from_secs(10),
    };
    bench.ports.coordinator.release(&held).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    // It is still ours to judge, under a later epoch: the take-over finds it.
    assert_eq!(bench.get(id).await.status, S::Running);
    assert_eq!(bench.executions.take_over().await.unwrap().abandoned, 1);
    assert_eq!(bench.get(id).await.status, S::Abandoned);
    // The worker has come back and works.
    let next = bench.request("noop", json!({})).await;
    assert_eq!(bench.until_completed(next).await.status, S::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_execution_of_a_dead_worker_runs_again() {
    let bench = Bench::new().await;
    bench.worker(WorkerConfig::default());
    let id = bench.request("again", json!({})).await;
    let owner = bench.until_status(id, S::Running).await.owner.unwrap();
    let held = Lease {
        key: owner.lease.clone(),
        owner: owner.lease.clone(),
        epoch: owner.epoch,
        ttl: Duration::from_secs(10),
    };
    bench.ports.coordinator.release(&held).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(bench.executions.take_over().await.unwrap().requested_again, 1);
    let again = bench
        .until(id, |execution| execution.owner.as_ref().is_some_and(|now| now.epoch > owner.epoch))
        .await;
    let runs = again.log.iter().filter(|change| change.status == S::Running);
    assert_eq!(runs.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_wake_up_costs_time_only() {
    let bench = Bench::new().await;
    // The wake-up goes to a member of the group that does nothing about it.
    let group = st2_ports::Group::Shared("actionrunner");
    let topic = st2_ports::Topic::ExecutionScheduled;
    let mut thief = bench.ports.bus.subscribe(topic, group).await.unwrap();
    let id = bench.request("noop", json!({})).await;
    thief.next().await.unwrap().ack().await;
    drop(thief);
    bench.worker(WorkerConfig::default());
    assert_eq!(bench.until_completed(id).await.status, S::Succeeded);
}

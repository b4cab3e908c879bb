//! How workers stop.

use std::time::Duration;

use serde_json::json;
use st2_model::ExecutionStatus as S;

use super::bench::Bench;
use crate::WorkerConfig;

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_runs() {
    let bench = Bench::new().await;
    let worker = bench.worker(WorkerConfig::default());
    let id = bench.request("prints", json!({})).await;
    bench.until_status(id, S::Running).await;
    worker.stop().await;
    assert_eq!(bench.get(id).await.status, S::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_given_up() {
    let bench = Bench::new().await;
    let config = WorkerConfig { shutdown_grace: Duration::from_secs(5), ..WorkerConfig::default() };
    let worker = bench.worker(config);
    let once = bench.request("waits", json!({})).await;
    let again = bench.request("again", json!({})).await;
    bench.until_status(once, S::Running).await;
    bench.until_status(again, S::Running).await;
    worker.stop().await;
    let abandoned = bench.get(once).await;
    assert_eq!(abandoned.status, S::Abandoned);
    assert_eq!(bench.result(&abandoned).await, json!({}));
    // Nothing is lost of what may run twice: the next worker takes it.
    let again = bench.get(again).await;
    assert!(matches!(again.status, S::Requested | S::Scheduled), "{}", again.status);
    bench.worker(WorkerConfig::default());
    bench.until_status(again.id, S::Running).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_after_a_stop() {
    let bench = Bench::new().await;
    let worker = bench.worker(WorkerConfig::default());
    worker.stop().await;
    let id = bench.request("noop", json!({})).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.get(id).await.status, S::Scheduled);
}

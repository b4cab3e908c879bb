//! How executions end.

use serde_json::json;
use st2_model::ExecutionStatus as S;

use super::bench::Bench;
use crate::WorkerConfig;

#[tokio::test(start_paused = true)]
async fn from_request_to_result() {
    let bench = Bench::new().await;
    bench.worker(WorkerConfig::default());
    let id = bench.request("noop", json!({})).await;
    let execution = bench.until_completed(id).await;
    let expected = json!({"failed": false, "succeeded": true, "return_code": 0});
    assert_eq!(bench.result(&execution).await, expected);
    let log: Vec<S> = execution.log.iter().map(|change| change.status).collect();
    assert_eq!(log, [S::Requested, S::Scheduled, S::Running, S::Succeeded]);
    assert!(execution.owner.is_none() && execution.due.is_none());
    assert!(execution.end_timestamp.is_some());
    assert_eq!(execution.result_size, Some(expected.to_string().len() as u64));
    assert_eq!(execution.runner_info.unwrap().pid, std::process::id());
}

#[tokio::test(start_paused = true)]
async fn parameters_are_final() {
    let bench = Bench::new().await;
    bench.worker(WorkerConfig::default());
    let id = bench.request("echo", json!({"number": 7})).await;
    let execution = bench.until_completed(id).await;
    let result = bench.result(&execution).await;
    assert_eq!(result["given"], json!({"text": "7 apples", "number": 7}));
}

#[tokio::test(start_paused = true)]
async fn results_are_normalised() {
    let bench = Bench::new().await;
    bench.worker(WorkerConfig::default());
    for (action, status, result) in [
        ("text", S::Succeeded, json!({"a": 1})),
        ("nothing", S::Failed, json!({"error": "Failed to execute action.", "traceback": ""})),
        (
            "panics",
            S::Failed,
            json!({"error": "The runner panicked: out of cheese", "traceback": ""}),
        ),
    ] {
        let id = bench.request(action, json!({})).await;
        let execution = bench.until_completed(id).await;
        assert_eq!(execution.status, status, "{action}");
        assert_eq!(bench.result(&execution).await, result, "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_result_stands_beside_the_record() {
    let bench = Bench::new().await;
    bench.worker(WorkerConfig::default());
    let id = bench.request("large", json!({})).await;
    let execution = bench.until_completed(id).await;
    assert!(execution.result.as_ref().unwrap().inline().is_none());
    let result = bench.result(&execution).await;
    assert_eq!(result["text"].as_str().unwrap().len(), 300 * 1024);
}

#[tokio::test(start_paused = true)]
async fn output_is_stored_in_batches_and_in_order() {
    let bench = Bench::new().await;
    bench.worker(WorkerConfig::default());
    let id = bench.request("prints", json!({})).await;
    bench.until_completed(id).await;
    let chunks = bench.executions.output(id, 0, 100).await.unwrap();
    let text: String = chunks.iter().map(|chunk| chunk.data.as_str()).collect();
    assert_eq!(text, "line 0\nline 1\nline 2\nline 3\nline 4\n");
    assert!(chunks.len() < 5, "{} chunks for five lines", chunks.len());
}

#[tokio::test(start_paused = true)]
async fn a_runner_disabled_meanwhile_runs_nothing() {
    let bench = Bench::new().await;
    let id = bench.request("noop", json!({})).await;
    let runners = bench.ports.repository::<st2_model::RunnerType>();
    let mut noop = runners.get(st2_model::RunnerType::id_of("noop")).await.unwrap().unwrap().value;
    noop.enabled = false;
    bench.store(noop).await;
    let wake = st2_ports::Wake::one("test");
    bench.ports.bus.publish(st2_ports::Topic::ContentChanged, wake).await.unwrap();
    bench.worker(WorkerConfig::default());
    let execution = bench.until_completed(id).await;
    assert_eq!(execution.status, S::Failed);
    let error = &bench.result(&execution).await["error"];
    assert_eq!(error, "Runner \"noop\" has been disabled by the administrator.");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_reaches_the_guest() {
    let bench = Bench::new().await;
    bench.worker(WorkerConfig::default());
    let id = bench.request("waits", json!({})).await;
    bench.until_status(id, S::Running).await;
    bench.executions.cancel(id, "bob").await.unwrap();
    let execution = bench.until_completed(id).await;
    assert_eq!(execution.status, S::Canceled);
    assert_eq!(execution.context["cancelled_by"], "bob");
    let expected = json!({"message": "Action canceled by user.", "user": "bob"});
    assert_eq!(bench.result(&execution).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_ignores_a_cancel_is_dropped() {
    let bench = Bench::new().await;
    let worker = bench.worker(WorkerConfig::default());
    let id = bench.request("ignores", json!({})).await;
    bench.until_status(id, S::Running).await;
    bench.executions.cancel(id, "bob").await.unwrap();
    assert_eq!(bench.until_completed(id).await.status, S::Canceled);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_than_the_pool_holds_waits_its_turn() {
    let bench = Bench::new().await;
    let config = WorkerConfig { actions_pool_size: 2, ..WorkerConfig::default() };
    bench.worker(config);
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.push(bench.request("prints", json!({})).await);
    }
    for id in ids {
        assert_eq!(bench.until_completed(id).await.status, S::Succeeded);
    }
}

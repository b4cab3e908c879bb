//! Executions whose worker is gone, cancels, and output.

use std::time::Duration;

use serde_json::json;
use st2_model::{ExecutionStatus as S, OutputStream, Owner};
use st2_ports::StoreError;

use super::bench::{Bench, info, owner};
use crate::{Cancellation, Error, NewOutput, Outcome, Refusal};

async fn leased(bench: &Bench, key: &str) -> Owner {
    let ttl = Duration::from_secs(10);
    let lease = bench.ports.coordinator.acquire(key, key, ttl).await.unwrap().unwrap();
    bench.ports.store.raise_fence(&lease.fence()).await.unwrap();
    Owner { lease: lease.key, epoch: lease.epoch }
}

#[tokio::test(start_paused = true)]
async fn only_the_orphans_are_taken_over() {
    let bench = Bench::new().await;
    let (gone, lives) = (leased(&bench, "worker/a").await, leased(&bench, "worker/b").await);
    let plain = bench.running("plain", &gone).await.value.id;
    let again = bench.running("again", &gone).await.value.id;
    let asked = bench.running("plain", &gone).await.value.id;
    let other = bench.running("plain", &lives).await.value.id;
    bench.executions.cancel(asked, "ada").await.unwrap();
    assert_eq!(bench.executions.take_over().await.unwrap().total(), 0);

    tokio::time::sleep(Duration::from_secs(11)).await;
    let renewed = leased(&bench, "worker/b").await;
    assert!(renewed.epoch > lives.epoch, "a lease that ran out is a new one");
    // The lease of b is a later one now: what it held before is an orphan, too.
    let still = bench.running("plain", &renewed).await.value.id;
    let found = bench.executions.take_over().await.unwrap();
    assert_eq!((found.abandoned, found.requested_again, found.canceled), (2, 1, 1));
    for (id, status) in [
        (plain, S::Abandoned),
        (again, S::Requested),
        (asked, S::Canceled),
        (other, S::Abandoned),
        (still, S::Running),
    ] {
        assert_eq!(bench.get(id).await.status, status);
    }
    assert_eq!(bench.executions.take_over().await.unwrap().total(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_old_owner_is_shut_out() {
    let bench = Bench::new().await;
    let gone = leased(&bench, "worker/a").await;
    let claimed = bench.running("again", &gone).await;
    tokio::time::sleep(Duration::from_secs(11)).await;
    bench.executions.take_over().await.unwrap();
    let outcome = Outcome::new(S::Succeeded, json!({"too": "late"}));
    let late = bench.executions.complete(claimed.clone(), &gone, outcome).await.unwrap_err();
    assert!(matches!(late, Error::Store(StoreError::Fenced { .. })), "{late}");
    let output = NewOutput { sequence: 0, stream: OutputStream::Stdout, data: "late\n".into() };
    let late = bench.executions.append_output(&claimed.value, &gone, output).await;
    assert!(matches!(late, Err(StoreError::Fenced { .. })));
    // It runs again elsewhere.
    let id = claimed.value.id;
    assert_eq!(bench.admit(id).await.scheduled, 1);
    let next = leased(&bench, "worker/b").await;
    let scheduled = bench.executions.get(id).await.unwrap();
    let claimed = bench.executions.claim(scheduled, &next, &info()).await.unwrap();
    let outcome = Outcome::new(S::Succeeded, json!({"in": "time"}));
    let ended = bench.executions.complete(claimed, &next, outcome).await.unwrap();
    assert_eq!(ended.value.status, S::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn cancels() {
    let bench = Bench::new().await;
    let worker = leased(&bench, "worker/a").await;
    let waiting = bench.request(json!({})).await.value.id;
    let (canceled, how) = bench.executions.cancel(waiting, "bob").await.unwrap();
    assert_eq!((canceled.value.status, how), (S::Canceled, Cancellation::Done));
    assert_eq!(canceled.value.context["cancelled_by"], "bob");

    let running = bench.running("plain", &worker).await;
    let id = running.value.id;
    let (canceling, how) = bench.executions.cancel(id, "bob").await.unwrap();
    assert_eq!((canceling.value.status, how), (S::Canceling, Cancellation::Asked));
    let (_, how) = bench.executions.cancel(id, "bob").await.unwrap();
    assert_eq!(how, Cancellation::Already);
    // The worker knows an older revision; a result that comes now is too late.
    let outcome = Outcome::new(S::Succeeded, json!({"x": 1}));
    let ended = bench.executions.complete(running, &worker, outcome).await.unwrap().value;
    assert_eq!(ended.status, S::Canceled);
    let expected = json!({"message": "Action canceled by user.", "user": "bob"});
    assert_eq!(ended.result.unwrap().inline(), Some(&expected));

    let done = bench.running("plain", &worker).await;
    let outcome = Outcome::new(S::Succeeded, json!({"x": 1}));
    let done = bench.executions.complete(done, &worker, outcome).await.unwrap().value;
    let refused = bench.executions.cancel(done.id, "bob").await.unwrap_err();
    assert_eq!(refused.refusal(), Some(&Refusal::Completed(S::Succeeded)));
}

#[tokio::test(start_paused = true)]
async fn one_worker_claims() {
    let bench = Bench::new().await;
    let id = bench.request(json!({})).await.value.id;
    bench.admit(id).await;
    let scheduled = bench.executions.get(id).await.unwrap();
    let (a, b) = (owner("worker/a", 1), owner("worker/b", 1));
    let info = info();
    let (a, b) = tokio::join!(
        bench.executions.claim(scheduled.clone(), &a, &info),
        bench.executions.claim(scheduled, &b, &info),
    );
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
}

#[tokio::test(start_paused = true)]
async fn output_is_appended_once_and_read_in_order() {
    let bench = Bench::new().await;
    let worker = leased(&bench, "worker/a").await;
    let running = bench.running("plain", &worker).await.value;
    for sequence in [0, 1, 1, 2] {
        let data = format!("line {sequence}\n");
        let output = NewOutput { sequence, stream: OutputStream::Stdout, data };
        bench.executions.append_output(&running, &worker, output).await.unwrap();
    }
    let chunks = bench.executions.output(running.id, 1, 10).await.unwrap();
    let text: String = chunks.iter().map(|chunk| chunk.data.as_str()).collect();
    assert_eq!(text, "line 1\nline 2\n");
    assert_eq!(bench.executions.next_sequence(&running).await.unwrap(), 3);
}

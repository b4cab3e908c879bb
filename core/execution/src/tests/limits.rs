//! Concurrency policies.

use proptest::prelude::*;
use serde_json::json;
use st2_model::{Execution, ExecutionStatus as S, Id, kinds};
use st2_ports::{Filter, Group, Query, Subscription, Topic};

use super::bench::{Bench, info, owner};
use crate::{Executions, Outcome, policy::takes_place};

async fn all(bench: &Bench) -> Vec<Execution> {
    let found = bench.ports.repository::<Execution>().find(&Query::of(Filter::All)).await;
    found.unwrap().into_iter().map(|found| found.value).collect()
}

/// Ids in wake-ups of `subscription` that have come so far.
async fn woken(subscription: &mut dyn Subscription) -> Vec<Id<kinds::Execution>> {
    let mut ids = Vec::new();
    while let Some(Some(delivery)) = futures::FutureExt::now_or_never(subscription.next()) {
        ids.extend(delivery.wake.ids.iter().map(|id| id.parse::<Id<kinds::Execution>>().unwrap()));
        delivery.ack().await;
    }
    ids
}

async fn requested(bench: &Bench) -> Box<dyn Subscription> {
    let group = Group::Shared("scheduler");
    bench.ports.bus.subscribe(Topic::ExecutionRequested, group).await.unwrap()
}

async fn admit_woken(executions: &Executions, subscription: &mut dyn Subscription) {
    loop {
        let ids = woken(subscription).await;
        if ids.is_empty() {
            return;
        }
        let found = executions.find(&ids).await.unwrap();
        let admission = executions.admit(found).await;
        assert!(admission.error.is_none(), "{:?}", admission.error);
        let again = executions.admit_actions(admission.busy).await;
        assert!(again.busy.is_empty() && again.error.is_none());
    }
}

async fn run(bench: &Bench, id: Id<kinds::Execution>) {
    let owner = owner("worker/1", 1);
    let scheduled = bench.executions.get(id).await.unwrap();
    let claimed = bench.executions.claim(scheduled, &owner, &info()).await.unwrap();
    let outcome = Outcome::new(S::Succeeded, json!({"x": 1}));
    bench.executions.complete(claimed, &owner, outcome).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn places_are_given_in_order_and_freed_by_an_end() {
    let bench = Bench::new().await;
    bench.limit("action.concurrency", json!({"threshold": 2, "action": "delay"})).await;
    let mut wakes = requested(&bench).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(bench.request(json!({})).await.value.id);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    admit_woken(&bench.executions, &mut *wakes).await;
    for round in 0..5 {
        let statuses: Vec<S> = {
            let mut statuses = Vec::new();
            for id in &ids {
                statuses.push(bench.get(*id).await.status);
            }
            statuses
        };
        let scheduled = statuses.iter().filter(|status| takes_place(**status)).count();
        assert_eq!(scheduled, 2.min(5 - round), "{statuses:?}");
        assert!(statuses[..round].iter().all(|status| *status == S::Succeeded), "{statuses:?}");
        run(&bench, ids[round]).await;
        // The end of one wakes the scheduler for the next: nothing waits for a timer.
        admit_woken(&bench.executions, &mut *wakes).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_cancel_instead() {
    let bench = Bench::new().await;
    bench.limit("action.concurrency", json!({"threshold": 1, "action": "cancel"})).await;
    let mut wakes = requested(&bench).await;
    let first = bench.request(json!({})).await.value.id;
    let second = bench.request(json!({})).await.value.id;
    admit_woken(&bench.executions, &mut *wakes).await;
    let (first, second) = (bench.get(first).await, bench.get(second).await);
    let mut statuses = [first.status, second.status];
    statuses.sort();
    assert_eq!(statuses, [S::Scheduled, S::Canceled]);
}

#[tokio::test(start_paused = true)]
async fn attributes_share_places_by_their_effective_values() {
    let bench = Bench::new().await;
    let attributes = json!(["group", "password"]);
    bench.limit("action.concurrency.attr", json!({"threshold": 1, "attributes": attributes})).await;
    let mut wakes = requested(&bench).await;
    let mut ids = Vec::new();
    for parameters in [
        json!({}),
        json!({"group": "a"}),
        json!({"group": "b"}),
        json!({"group": "b", "password": "one"}),
        json!({"group": "b", "password": "one"}),
    ] {
        ids.push(bench.request(parameters).await.value.id);
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    admit_woken(&bench.executions, &mut *wakes).await;
    let mut statuses = Vec::new();
    for id in ids {
        statuses.push(bench.get(id).await.status);
    }
    assert_eq!(statuses, [S::Scheduled, S::Delayed, S::Scheduled, S::Scheduled, S::Delayed]);
}

#[tokio::test(start_paused = true)]
async fn two_schedulers_do_not_exceed_a_threshold() {
    let bench = Bench::new().await;
    bench.limit("action.concurrency", json!({"threshold": 3})).await;
    let (one, two) = (bench.another(), bench.another());
    for _ in 0..20 {
        bench.request(json!({})).await;
    }
    let ids: Vec<_> = all(&bench).await.iter().map(|execution| execution.id).collect();
    for _ in 0..5 {
        let (first, second) = (one.find(&ids).await.unwrap(), two.find(&ids).await.unwrap());
        let (first, second) = tokio::join!(one.admit(first), two.admit(second));
        assert!(first.error.is_none() && second.error.is_none());
        let running = all(&bench).await;
        assert_eq!(running.iter().filter(|execution| takes_place(execution.status)).count(), 3);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Request(u8),
    Admit(bool),
    Claim(usize),
    Complete(usize),
    Cancel(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_u8).prop_map(Step::Request),
        4 => any::<bool>().prop_map(Step::Admit),
        3 => any::<usize>().prop_map(Step::Claim),
        3 => any::<usize>().prop_map(Step::Complete),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => (1..20_u64).prop_map(Step::Wait),
    ]
}

struct World {
    bench: Bench,
    schedulers: [Executions; 2],
    wakes: Box<dyn Subscription>,
}

impl World {
    async fn some(&self, status: S, pick: usize) -> Option<Execution> {
        let found = all(&self.bench).await.into_iter();
        let found: Vec<_> = found.filter(|execution| execution.status == status).collect();
        found.get(pick % found.len().max(1)).cloned()
    }

    async fn take(&mut self, step: &Step) {
        let holder = owner("worker/1", 1);
        let executions = &self.bench.executions;
        match step {
            Step::Request(group) => {
                self.bench.request(json!({"group": group.to_string()})).await;
            }
            Step::Admit(first) => {
                let scheduler = self.schedulers[usize::from(*first)].clone();
                admit_woken(&scheduler, &mut *self.wakes).await;
            }
            Step::Claim(pick) => {
                if let Some(execution) = self.some(S::Scheduled, *pick).await {
                    let scheduled = executions.get(execution.id).await.unwrap();
                    executions.claim(scheduled, &holder, &info()).await.unwrap();
                }
            }
            Step::Complete(pick) => {
                if let Some(execution) = self.some(S::Running, *pick).await {
                    let claimed = executions.get(execution.id).await.unwrap();
                    let outcome = Outcome::new(S::Failed, json!({"x": 1}));
                    executions.complete(claimed, &holder, outcome).await.unwrap();
                }
            }
            Step::Cancel(pick) => {
                if let Some(execution) = self.some(S::Delayed, *pick).await {
                    executions.cancel(execution.id, "ada").await.unwrap();
                }
            }
            Step::Wait(seconds) => {
                tokio::time::sleep(std::time::Duration::from_secs(*seconds)).await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Not more than the threshold at any time; and when all wake-ups have been dealt with, no
    /// place is free while somebody waits.
    #[test]
    fn thresholds_hold(
        threshold in 1..4_usize,
        by_group: bool,
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let failed = runtime.block_on(async {
            let bench = Bench::new().await;
            let kind = if by_group { "action.concurrency.attr" } else { "action.concurrency" };
            bench.limit(kind, json!({"threshold": threshold, "attributes": ["group"]})).await;
            let schedulers = [bench.another(), bench.another()];
            let wakes = requested(&bench).await;
            let mut world = World { bench, schedulers, wakes };
            for step in &steps {
                world.take(step).await;
                if let Some(failed) = broken(&all(&world.bench).await, threshold, by_group, false) {
                    return Some((failed, step.clone()));
                }
            }
            world.take(&Step::Admit(true)).await;
            broken(&all(&world.bench).await, threshold, by_group, true)
                .map(|failed| (failed, Step::Admit(true)))
        });
        prop_assert!(failed.is_none(), "{:?}", failed);
    }
}

/// What is wrong with the places, if anything. With `is_settled`, free ones count too.
fn broken(
    executions: &[Execution],
    threshold: usize,
    by_group: bool,
    is_settled: bool,
) -> Option<String> {
    let mut groups = std::collections::BTreeMap::<String, (usize, usize)>::new();
    for execution in executions {
        let group = execution.parameters["group"].as_str().unwrap().to_owned();
        let (running, waiting) =
            groups.entry(if by_group { group } else { String::new() }).or_default();
        *running += usize::from(takes_place(execution.status));
        *waiting += usize::from(matches!(execution.status, S::Requested | S::Delayed));
    }
    groups.into_iter().find_map(|(group, (running, waiting))| {
        let is_broken = running > threshold || (is_settled && running < threshold && waiting > 0);
        is_broken.then(|| format!("group {group}: {running} run, {waiting} wait"))
    })
}

//! Whatever happens to an execution, in whatever order: the table is kept, the end is final, and
//! somebody always has to look at it next.

use proptest::prelude::*;
use serde_json::json;
use st2_model::{
    Digest, Execution, ExecutionStatus as S, Object, Payload, StatusChange, Timestamp,
};

use super::bench::{info, owner};
use crate::decide::{self, Ending, Verdict};

fn requested(idempotent: bool, delay_ms: u64) -> Execution {
    let now = Timestamp::from_micros(0);
    Execution {
        id: "5f0000000000000000000001".parse().unwrap(),
        live_action: "5f0000000000000000000002".parse().unwrap(),
        action: "test.plain".parse().unwrap(),
        action_snapshot: Digest::of(b"a"),
        runner: "local".into(),
        runner_snapshot: Digest::of(b"r"),
        is_workflow: false,
        idempotent,
        status: S::Requested,
        start_timestamp: now,
        end_timestamp: None,
        parameters: Object::new(),
        result: None,
        result_size: None,
        context: Object::new(),
        notify: None,
        runner_info: None,
        parent: None,
        origin: None,
        log: vec![StatusChange { timestamp: now, status: S::Requested }],
        delay_ms: Some(delay_ms),
        due: Some(now),
        owner: None,
        intent: None,
    }
}

#[derive(Debug, Clone)]
enum Event {
    Admit(Verdict),
    Claim(u64),
    Complete(u64, S),
    Cancel,
    Release(u64),
    Report(S),
    LookAgain,
    Time(u64),
}

fn status() -> impl Strategy<Value = S> {
    proptest::sample::select(S::ALL.to_vec())
}

fn event() -> impl Strategy<Value = Event> {
    let verdict = prop_oneof![
        4 => Just(Verdict::Proceed),
        2 => Just(Verdict::Delay),
        1 => Just(Verdict::Cancel("test.limit".into())),
    ];
    prop_oneof![
        4 => verdict.prop_map(Event::Admit),
        4 => (1..3_u64).prop_map(Event::Claim),
        3 => (1..3_u64, status()).prop_map(|(epoch, status)| Event::Complete(epoch, status)),
        1 => Just(Event::Cancel),
        2 => (1..3_u64).prop_map(Event::Release),
        1 => status().prop_map(Event::Report),
        1 => Just(Event::LookAgain),
        2 => (0..20_000_000_u64).prop_map(Event::Time),
    ]
}

fn apply(execution: &mut Execution, event: &Event, now: &mut u64) {
    let at = Timestamp::from_micros(i64::try_from(*now).unwrap());
    let holder = |epoch: &u64| owner("worker/1", *epoch);
    // Decisions work on a copy, as the shell does: a refusal changes nothing.
    let mut next = execution.clone();
    let decided = match event {
        Event::Admit(verdict) => decide::admit(&mut next, verdict, at).map(|_| ()),
        Event::Claim(epoch) => decide::claim(&mut next, &holder(epoch), info(), at),
        Event::Complete(epoch, status) => {
            let ending = Ending {
                status: *status,
                result: Payload::Inline(json!({"x": 1})),
                result_bytes: 7,
                context: Object::new(),
            };
            decide::complete(&mut next, &holder(epoch), &ending, at)
        }
        Event::Cancel => decide::cancel(&mut next, "ada", at).map(|_| ()),
        Event::Release(epoch) => {
            decide::release(&mut next, &holder(epoch), &json!({}), at).map(|_| ())
        }
        Event::Report(status) => decide::report(&mut next, *status, None, at),
        Event::LookAgain => decide::look_again(&mut next, at).map(|_| ()),
        Event::Time(by) => {
            *now += by;
            Ok(())
        }
    };
    if decided.is_ok() {
        *execution = next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn invariants_hold_after_every_event(
        idempotent: bool,
        delay_ms in 0..30_000_u64,
        events in proptest::collection::vec(event(), 0..40),
    ) {
        let mut execution = requested(idempotent, delay_ms);
        let mut now = 0;
        for event in events {
            let before = execution.clone();
            apply(&mut execution, &event, &mut now);
            if before.status.is_completed() {
                prop_assert_eq!(&execution, &before, "{:?} changed a completed execution", event);
            }
            for pair in execution.log.windows(2) {
                prop_assert!(pair[0].status.may_become(pair[1].status), "{:?}", execution.log);
            }
            prop_assert_eq!(execution.log.last().unwrap().status, execution.status);
            let is_completed = execution.status.is_completed();
            prop_assert_eq!(execution.end_timestamp.is_some(), is_completed);
            let keepers = usize::from(execution.owner.is_some()) + usize::from(execution.due.is_some());
            prop_assert_eq!(keepers, usize::from(!is_completed), "{:?}", execution);
            prop_assert!(execution.intent.is_none() || execution.owner.is_some());
            prop_assert!(execution.status != S::Canceling || execution.owner.is_some());
        }
    }
}

#[test]
fn a_stale_owner_ends_nothing() {
    let mut execution = requested(false, 0);
    let at = Timestamp::from_micros(1);
    decide::admit(&mut execution, &Verdict::Proceed, at).unwrap();
    decide::claim(&mut execution, &owner("worker/1", 2), info(), at).unwrap();
    let ending = Ending {
        status: S::Succeeded,
        result: Payload::Inline(json!({})),
        result_bytes: 2,
        context: Object::new(),
    };
    assert!(decide::complete(&mut execution, &owner("worker/1", 1), &ending, at).is_err());
    assert!(decide::release(&mut execution, &owner("worker/2", 2), &json!({}), at).is_err());
    decide::complete(&mut execution, &owner("worker/1", 2), &ending, at).unwrap();
    assert_eq!(execution.status, S::Succeeded);
}

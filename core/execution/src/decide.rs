//! The decisions: what an execution becomes, as functions of the execution, the question and the
//! time. No I/O. Every step of the product goes through [`end`], [`wait`] or [`hold`], which keep
//! the two invariants: a status moves along the transition table only, and an execution that is
//! not completed has either an owner or a due time, never both and never neither.

use std::time::Duration;

use serde_json::{Value, json};
use st2_model::{
    Execution, ExecutionStatus as S, Intent, IntentKind, Object, Owner, Payload, RunnerInfo,
    StatusChange, Timestamp,
};

use crate::Refusal;

/// When the scheduler looks again at an execution that may be claimed. Workers find it by its
/// status; this is for the case that there is no worker.
const SCHEDULED_RECHECK: Duration = Duration::from_secs(3600);
/// When the scheduler looks again at an execution that waits for a policy. The end of another one
/// wakes it earlier; this is for the case that the wake-up was lost.
pub(crate) const POLICY_RECHECK: Duration = Duration::from_secs(10);
/// When the scheduler looks again at an execution that waits for somebody outside.
const ANSWER_RECHECK: Duration = Duration::from_secs(24 * 3600);

/// Completes an execution: nobody looks at it again.
fn end(execution: &mut Execution, status: S, now: Timestamp) -> Result<(), Refusal> {
    if !status.is_completed() {
        return Err(step(execution, status));
    }
    enter(execution, status, now)?;
    execution.end_timestamp = Some(now);
    execution.owner = None;
    execution.due = None;
    execution.intent = None;
    Ok(())
}

/// Lets an execution wait, held by nobody, until `due`.
fn wait(
    execution: &mut Execution,
    status: S,
    due: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    if status.is_completed() {
        return Err(step(execution, status));
    }
    enter(execution, status, now)?;
    execution.owner = None;
    execution.due = Some(due);
    execution.intent = None;
    Ok(())
}

/// Puts an execution into the hands of `owner`.
fn hold(execution: &mut Execution, status: S, owner: Owner, now: Timestamp) -> Result<(), Refusal> {
    if status.is_completed() {
        return Err(step(execution, status));
    }
    enter(execution, status, now)?;
    execution.owner = Some(owner);
    execution.due = None;
    Ok(())
}

fn enter(execution: &mut Execution, status: S, now: Timestamp) -> Result<(), Refusal> {
    if execution.status.is_completed() {
        return Err(Refusal::Completed(execution.status));
    }
    if !execution.status.may_become(status) {
        return Err(step(execution, status));
    }
    execution.status = status;
    execution.log.push(StatusChange { timestamp: now, status });
    Ok(())
}

const fn step(execution: &Execution, to: S) -> Refusal {
    Refusal::Transition { from: execution.status, to }
}

/// What the policies of an action say to one of its executions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may run.
    Proceed,
    /// It waits until another one ends.
    Delay,
    /// It is not to run at all, because of the policy of this ref.
    Cancel(String),
}

/// What became of an execution that the scheduler looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    /// Any worker may claim it.
    Scheduled,
    /// It waits until then.
    Delayed(Timestamp),
    /// A policy ended it.
    Canceled,
}

/// When a requested execution may run at the earliest.
pub(crate) fn earliest(execution: &Execution) -> Timestamp {
    let delay = Duration::from_millis(execution.delay_ms.unwrap_or(0));
    execution.start_timestamp.after(delay)
}

pub(crate) fn admit(
    execution: &mut Execution,
    verdict: &Verdict,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    if execution.status.is_completed() {
        return Err(Refusal::Completed(execution.status));
    }
    if !matches!(execution.status, S::Requested | S::Delayed) {
        return Err(step(execution, S::Scheduled));
    }
    let earliest = earliest(execution);
    if earliest > now {
        return delay(execution, earliest, now);
    }
    match verdict {
        Verdict::Proceed => {
            wait(execution, S::Scheduled, now.after(SCHEDULED_RECHECK), now)?;
            Ok(Admitted::Scheduled)
        }
        Verdict::Delay => delay(execution, now.after(POLICY_RECHECK), now),
        Verdict::Cancel(policy) => {
            let message = format!("Action execution canceled by policy \"{policy}\".");
            end(execution, S::Canceled, now)?;
            set_result(execution, json!({ "message": message }));
            Ok(Admitted::Canceled)
        }
    }
}

fn delay(execution: &mut Execution, due: Timestamp, now: Timestamp) -> Result<Admitted, Refusal> {
    if execution.status != S::Delayed {
        wait(execution, S::Delayed, due, now)?;
    } else if execution.due == Some(due) {
        return Err(Refusal::NotDue(due));
    } else {
        execution.due = Some(due);
    }
    Ok(Admitted::Delayed(due))
}

pub(crate) fn claim(
    execution: &mut Execution,
    owner: &Owner,
    runner_info: RunnerInfo,
    now: Timestamp,
) -> Result<(), Refusal> {
    if execution.status != S::Scheduled {
        return Err(step(execution, S::Running));
    }
    hold(execution, S::Running, owner.clone(), now)?;
    execution.runner_info = Some(runner_info);
    Ok(())
}

/// How a run ended, ready to be stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    pub(crate) status: S,
    pub(crate) result: Payload,
    pub(crate) result_bytes: u64,
    pub(crate) context: Object,
}

pub(crate) fn complete(
    execution: &mut Execution,
    owner: &Owner,
    ending: &Ending,
    now: Timestamp,
) -> Result<(), Refusal> {
    if execution.status.is_completed() {
        return Err(Refusal::Completed(execution.status));
    }
    check_owner(execution, owner)?;
    for (name, value) in &ending.context {
        execution.context.insert(name.clone(), value.clone());
    }
    if execution.status == S::Canceling {
        // The request to cancel left its own result; what the runner had to say comes too late.
        return end(execution, S::Canceled, now);
    }
    if ending.status.is_completed() {
        end(execution, ending.status, now)?;
    } else if !matches!(ending.status, S::Pending | S::Paused) {
        return Err(step(execution, ending.status));
    } else {
        wait(execution, ending.status, now.after(ANSWER_RECHECK), now)?;
    }
    execution.result = Some(ending.result.clone());
    execution.result_size = Some(ending.result_bytes);
    Ok(())
}

fn check_owner(execution: &Execution, owner: &Owner) -> Result<(), Refusal> {
    if execution.owner.as_ref() == Some(owner) {
        return Ok(());
    }
    Err(Refusal::NotOwner { lease: owner.lease.clone() })
}

/// What became of a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// Nobody held the execution: it is canceled.
    Done,
    /// Its worker has been asked.
    Asked,
    /// It was asked for before, or had happened already.
    Already,
}

pub(crate) fn cancel(
    execution: &mut Execution,
    user: &str,
    now: Timestamp,
) -> Result<Cancellation, Refusal> {
    match execution.status {
        S::Canceled | S::Canceling => return Ok(Cancellation::Already),
        status if status.is_completed() => return Err(Refusal::Completed(status)),
        _ => {}
    }
    let cancellation = if let Some(owner) = execution.owner.clone() {
        hold(execution, S::Canceling, owner, now)?;
        execution.intent =
            Some(Intent { kind: IntentKind::Cancel, user: user.to_owned(), at: now });
        Cancellation::Asked
    } else {
        end(execution, S::Canceled, now)?;
        Cancellation::Done
    };
    set_result(execution, json!({"message": "Action canceled by user.", "user": user}));
    execution.context.insert("cancelled_by".into(), user.into());
    Ok(cancellation)
}

/// Takes an execution away from an owner that is gone, or gives it up in the owner's name:
/// canceled when that was asked for, requested again when it may run twice, else abandoned.
pub(crate) fn release(
    execution: &mut Execution,
    owner: &Owner,
    result: &Value,
    now: Timestamp,
) -> Result<S, Refusal> {
    if execution.status.is_completed() {
        return Err(Refusal::Completed(execution.status));
    }
    check_owner(execution, owner)?;
    if execution.status == S::Canceling {
        end(execution, S::Canceled, now)?;
    } else if execution.idempotent && execution.status == S::Running {
        wait(execution, S::Requested, now, now)?;
        execution.runner_info = None;
    } else {
        end(execution, S::Abandoned, now)?;
        set_result(execution, result.clone());
    }
    Ok(execution.status)
}

/// Sets what somebody outside says: the end of an execution that is carried out elsewhere.
pub(crate) fn report(
    execution: &mut Execution,
    status: S,
    result: Option<(Payload, u64)>,
    now: Timestamp,
) -> Result<(), Refusal> {
    if execution.status.is_completed() {
        return Err(Refusal::Completed(execution.status));
    }
    // Who may run is the scheduler's business, and what is asked of a holder has verbs of its own.
    if !status.is_completed() && !matches!(status, S::Running | S::Pending | S::Paused) {
        return Err(step(execution, status));
    }
    if status.is_completed() {
        end(execution, status, now)?;
    } else if status != execution.status {
        match execution.owner.clone() {
            Some(owner) => hold(execution, status, owner, now)?,
            None => wait(execution, status, now.after(ANSWER_RECHECK), now)?,
        }
    }
    if let Some((payload, bytes)) = result {
        execution.result = Some(payload);
        execution.result_size = Some(bytes);
    }
    Ok(())
}

fn set_result(execution: &mut Execution, result: Value) {
    execution.result_size = Some(result.to_string().len() as u64);
    execution.result = Some(Payload::Inline(result));
}

/// Looks again at an execution that is due although nobody is to admit it. Whether workers have
/// to be told of it once more.
pub(crate) fn look_again(execution: &mut Execution, now: Timestamp) -> Result<bool, Refusal> {
    if execution.status.is_completed() {
        return Err(Refusal::Completed(execution.status));
    }
    match execution.due {
        Some(due) if due <= now => {}
        Some(due) => return Err(Refusal::NotDue(due)),
        None => return Ok(false),
    }
    let is_scheduled = execution.status == S::Scheduled;
    let pause = if is_scheduled { SCHEDULED_RECHECK } else { ANSWER_RECHECK };
    execution.due = Some(now.after(pause));
    Ok(is_scheduled)
}

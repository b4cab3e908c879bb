//! What a worker does to executions: claim, complete, give up.

use serde_json::{Value, json};
use st2_model::{Execution, ExecutionStatus, Object, Owner, RunnerInfo};
use st2_ports::{Fence, Filter, Order, Query, StoreError, Versioned};

use crate::decide::{self, Ending};
use crate::payload::store_payload;
use crate::{Error, Executions};

/// How a run ended, in the words of its runner.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The status; a completed one, `pending` or `paused`.
    pub status: ExecutionStatus,
    /// The result.
    pub result: Value,
    /// Members to set in the execution's context.
    pub context: Object,
}

impl Outcome {
    /// A run that ended in `status` with `result`.
    #[must_use]
    pub fn new(status: ExecutionStatus, result: Value) -> Self {
        Self { status, result, context: Object::new() }
    }

    /// A run that went wrong before or beside the guest.
    #[must_use]
    pub fn error(reason: impl std::fmt::Display) -> Self {
        let result = json!({"error": reason.to_string(), "traceback": ""});
        Self::new(ExecutionStatus::Failed, result)
    }

    /// A result that is text is read as JSON where it is JSON; a run of a plain action without
    /// any result has failed; so has one that its runner leaves in a status where it needs a
    /// holder.
    fn normalised(mut self, is_workflow: bool) -> Self {
        if let Value::String(text) = &self.result
            && let Ok(value) = serde_json::from_str(text)
        {
            self.result = value;
        }
        let may_stand = self.status.is_completed()
            || matches!(self.status, ExecutionStatus::Pending | ExecutionStatus::Paused);
        if !may_stand {
            return Self::error(format!("The runner left the execution {}.", self.status));
        }
        if is_empty(&self.result) && !is_workflow && self.status == ExecutionStatus::Succeeded {
            return Self { context: self.context, ..Self::error("Failed to execute action.") };
        }
        self
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

pub(crate) fn fence_of(owner: &Owner) -> Fence {
    Fence { key: owner.lease.clone(), epoch: owner.epoch }
}

impl Executions {
    /// Executions that wait for a worker, oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn claimable(
        &self,
        is_workflow: bool,
        limit: usize,
    ) -> Result<Vec<Versioned<Execution>>, StoreError> {
        let scheduled = Filter::eq("status", ExecutionStatus::Scheduled.as_str());
        let filter = scheduled.and(Filter::eq("is_workflow", is_workflow));
        let query = Query::of(filter).by("start_timestamp", Order::Ascending);
        self.repository().find(&query.limit(limit)).await
    }

    /// Takes a scheduled execution into the hands of `owner`.
    ///
    /// # Errors
    /// A refusal when somebody else was faster or the execution is not to run any more, and those
    /// of the store: [`StoreError::Fenced`] when the owner itself is no longer one.
    pub async fn claim(
        &self,
        scheduled: Versioned<Execution>,
        owner: &Owner,
        runner_info: &RunnerInfo,
    ) -> Result<Versioned<Execution>, Error> {
        let fence = fence_of(owner);
        // A loss of power must not undo the claim of what must not run twice.
        let may_run_twice = scheduled.value.idempotent;
        let decide = |execution: &mut Execution, now| {
            decide::claim(execution, owner, runner_info.clone(), now)
        };
        let changed = if may_run_twice {
            self.change_relaxed(scheduled, Some(&fence), decide).await?
        } else {
            self.change(scheduled, Some(&fence), decide).await?
        };
        Ok(changed.execution)
    }

    /// Stores the end of a run. A cancel that was asked for meanwhile wins.
    ///
    /// # Errors
    /// A refusal when `owner` no longer holds the execution, and those of the store.
    pub async fn complete(
        &self,
        claimed: Versioned<Execution>,
        owner: &Owner,
        outcome: Outcome,
    ) -> Result<Versioned<Execution>, Error> {
        let outcome = outcome.normalised(claimed.value.is_workflow);
        // A loss of power takes the end away at worst, and leaves an execution whose worker is
        // gone. It can not take the claim without the end.
        let (result, result_bytes) = store_payload(&*self.relaxed, outcome.result).await?;
        let ending =
            Ending { status: outcome.status, result, result_bytes, context: outcome.context };
        let changed = self
            .change_relaxed(claimed, Some(&fence_of(owner)), |execution, now| {
                decide::complete(execution, owner, &ending, now)
            })
            .await?;
        Ok(changed.execution)
    }

    /// Gives up a run that its worker can not bring to an end: requested again when it may run
    /// twice, else abandoned.
    ///
    /// # Errors
    /// As [`Executions::complete`].
    pub async fn abandon(
        &self,
        claimed: Versioned<Execution>,
        owner: &Owner,
    ) -> Result<Versioned<Execution>, Error> {
        let changed = self
            .change_relaxed(claimed, Some(&fence_of(owner)), |execution, now| {
                decide::release(execution, owner, &json!({}), now)
            })
            .await?;
        let execution = changed.execution;
        if changed.answer == ExecutionStatus::Requested {
            let topic = st2_ports::Topic::ExecutionRequested;
            self.publish(topic, execution.value.id).await;
        }
        Ok(execution)
    }

    /// Executions in the hands of `lease` that somebody asked something of.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn intents(&self, lease: &str) -> Result<Vec<Versioned<Execution>>, StoreError> {
        let held = Filter::eq("owner.lease", lease);
        let query = Query::of(held.and(Filter::Exists("intent".into(), true)));
        self.repository().find(&query).await
    }
}

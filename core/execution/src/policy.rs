//! Concurrency policies: how many executions of an action may be scheduled or running at a time.
//! Pure: who runs and who waits is counted by the caller, under the lease of the action.

use std::collections::HashMap;

use serde_json::Value;
use st2_model::{ExecutionStatus, Object, Policy};

use crate::decide::Verdict;

/// Whether an execution in this status takes one of the places that a policy gives out.
pub(crate) const fn takes_place(status: ExecutionStatus) -> bool {
    matches!(status, ExecutionStatus::Scheduled | ExecutionStatus::Running)
}

/// What happens to an execution that finds no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnReach {
    Delay,
    Cancel,
}

/// One concurrency policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Limit {
    policy: String,
    threshold: u64,
    attributes: Vec<String>,
    on_reach: OnReach,
}

/// The concurrency policies among `policies` that are enabled.
pub(crate) fn limits(policies: &[Policy]) -> Vec<Limit> {
    policies.iter().filter_map(Limit::of).collect()
}

impl Limit {
    fn of(policy: &Policy) -> Option<Self> {
        let by_attribute = match policy.policy_type.as_str() {
            "action.concurrency" => false,
            "action.concurrency.attr" => true,
            _ => return None,
        };
        let parameters = &policy.parameters;
        let attributes = parameters.get("attributes").and_then(Value::as_array);
        let attributes = attributes.filter(|_| by_attribute).into_iter().flatten();
        let cancels = parameters.get("action").and_then(Value::as_str) == Some("cancel");
        Some(Self {
            policy: policy.reference.to_string(),
            threshold: parameters.get("threshold").and_then(Value::as_u64)?,
            attributes: attributes.filter_map(Value::as_str).map(str::to_owned).collect(),
            on_reach: if cancels { OnReach::Cancel } else { OnReach::Delay },
        })
        .filter(|_| policy.enabled)
    }

    /// The group of executions with which one of these parameters shares the places. Parameters
    /// are effective ones: defaults stand where nothing was given.
    fn class(&self, parameters: &Object) -> String {
        let values =
            self.attributes.iter().map(|name| parameters.get(name).cloned().unwrap_or(Value::Null));
        Value::Array(values.collect()).to_string()
    }
}

/// The places of one action: counted once, then given out one by one.
#[derive(Debug)]
pub(crate) struct Places {
    limits: Vec<(Limit, HashMap<String, u64>)>,
}

impl Places {
    /// The places under `limits` when executions with these effective parameters take one each.
    pub(crate) fn taken_by<'a>(
        limits: Vec<Limit>,
        running: impl IntoIterator<Item = &'a Object>,
    ) -> Self {
        let mut places =
            Self { limits: limits.into_iter().map(|limit| (limit, HashMap::new())).collect() };
        for parameters in running {
            places.take(parameters);
        }
        places
    }

    /// Whether no execution at all can find a place, whatever its parameters.
    pub(crate) fn are_full(&self) -> bool {
        self.limits.iter().any(|(limit, taken)| {
            limit.attributes.is_empty()
                && limit.on_reach == OnReach::Delay
                && taken.values().sum::<u64>() >= limit.threshold
        })
    }

    /// Gives a place to an execution with these effective parameters, if every policy has one.
    pub(crate) fn ask(&mut self, parameters: &Object) -> Verdict {
        let reached = self.limits.iter().find(|(limit, taken)| {
            taken.get(&limit.class(parameters)).copied().unwrap_or(0) >= limit.threshold
        });
        match reached {
            Some((limit, _)) if limit.on_reach == OnReach::Cancel => {
                Verdict::Cancel(limit.policy.clone())
            }
            Some(_) => Verdict::Delay,
            None => {
                self.take(parameters);
                Verdict::Proceed
            }
        }
    }

    fn take(&mut self, parameters: &Object) {
        for (limit, taken) in &mut self.limits {
            *taken.entry(limit.class(parameters)).or_default() += 1;
        }
    }
}

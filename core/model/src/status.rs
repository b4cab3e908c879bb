//! The fourteen statuses of an execution and the one table of their transitions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExecutionStatus {
    /// Accepted, not yet examined by the scheduler.
    Requested,
    /// May be run by any worker.
    Scheduled,
    /// Waits for a due time or for a policy to let it go on.
    Delayed,
    /// A worker holds it.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because it took too long.
    Timeout,
    /// Its worker went away, or was stopped, before it ended.
    Abandoned,
    /// Asked to end; its worker has not confirmed yet.
    Canceling,
    /// Ended on request.
    Canceled,
    /// Waits for an answer to an inquiry.
    Pending,
    /// A workflow that was asked to pause.
    Pausing,
    /// A workflow that pauses.
    Paused,
    /// A workflow that was asked to go on.
    Resuming,
}

use ExecutionStatus as S;

impl ExecutionStatus {
    /// Every status, in StackStorm's order.
    pub const ALL: [Self; 14] = [
        S::Requested,
        S::Scheduled,
        S::Delayed,
        S::Running,
        S::Succeeded,
        S::Failed,
        S::Timeout,
        S::Abandoned,
        S::Canceling,
        S::Canceled,
        S::Pending,
        S::Pausing,
        S::Paused,
        S::Resuming,
    ];

    /// The statuses that are final.
    pub const COMPLETED: [Self; 5] =
        [S::Succeeded, S::Failed, S::Timeout, S::Canceled, S::Abandoned];

    /// The status as StackStorm spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            S::Requested => "requested",
            S::Scheduled => "scheduled",
            S::Delayed => "delayed",
            S::Running => "running",
            S::Succeeded => "succeeded",
            S::Failed => "failed",
            S::Timeout => "timeout",
            S::Abandoned => "abandoned",
            S::Canceling => "canceling",
            S::Canceled => "canceled",
            S::Pending => "pending",
            S::Pausing => "pausing",
            S::Paused => "paused",
            S::Resuming => "resuming",
        }
    }

    /// Whether the status is final: nothing may change it.
    #[must_use]
    pub const fn is_completed(self) -> bool {
        matches!(self, S::Succeeded | S::Failed | S::Timeout | S::Canceled | S::Abandoned)
    }

    /// Whether an execution in this status has ended without success and without a cancel.
    #[must_use]
    pub const fn is_failed(self) -> bool {
        matches!(self, S::Failed | S::Timeout | S::Abandoned)
    }

    /// Whether a cancel can be asked for. Unlike StackStorm, a pending inquiry can be canceled.
    #[must_use]
    pub const fn is_cancelable(self) -> bool {
        !self.is_completed() && !matches!(self, S::Canceling)
    }

    /// Whether the scheduler may start an execution in this status.
    #[must_use]
    pub const fn is_startable(self) -> bool {
        matches!(self, S::Requested | S::Scheduled | S::Delayed)
    }

    /// Whether a worker holds (or held, until its lease ends) an execution in this status.
    #[must_use]
    pub const fn is_owned(self) -> bool {
        matches!(self, S::Running | S::Canceling | S::Pausing | S::Resuming)
    }

    /// The transition table: whether an execution may go from `self` to `next`.
    ///
    /// A completed status goes nowhere. `running` to `requested` is the take-over of an
    /// idempotent action whose worker is gone.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            S::Requested | S::Delayed => {
                matches!(
                    next,
                    S::Requested
                        | S::Delayed
                        | S::Scheduled
                        | S::Canceling
                        | S::Canceled
                        | S::Failed
                        | S::Abandoned
                ) && !matches!(
                    (self, next),
                    (S::Requested, S::Requested) | (S::Delayed, S::Delayed)
                )
            }
            S::Scheduled => matches!(
                next,
                S::Running | S::Canceling | S::Canceled | S::Failed | S::Abandoned | S::Requested
            ),
            S::Running => matches!(
                next,
                S::Succeeded
                    | S::Failed
                    | S::Timeout
                    | S::Abandoned
                    | S::Canceling
                    | S::Canceled
                    | S::Pending
                    | S::Pausing
                    | S::Paused
                    | S::Requested
            ),
            S::Pending => matches!(
                next,
                S::Succeeded | S::Failed | S::Timeout | S::Canceling | S::Canceled | S::Abandoned
            ),
            S::Canceling => matches!(next, S::Canceled | S::Failed | S::Abandoned),
            S::Pausing => matches!(
                next,
                S::Paused
                    | S::Succeeded
                    | S::Failed
                    | S::Timeout
                    | S::Abandoned
                    | S::Canceling
                    | S::Canceled
            ),
            S::Paused => matches!(
                next,
                S::Resuming | S::Running | S::Canceling | S::Canceled | S::Failed | S::Abandoned
            ),
            S::Resuming => matches!(
                next,
                S::Running
                    | S::Canceling
                    | S::Canceled
                    | S::Failed
                    | S::Timeout
                    | S::Abandoned
                    | S::Pausing
            ),
            S::Succeeded | S::Failed | S::Timeout | S::Abandoned | S::Canceled => false,
        }
    }
}

impl fmt::Display for ExecutionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an execution status")]
pub struct ParseStatusError(pub String);

impl FromStr for ExecutionStatus {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, ParseStatusError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| ParseStatusError(text.to_owned()))
    }
}

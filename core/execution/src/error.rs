//! What can be in the way of a change.

use st2_model::{ActionRef, ExecutionStatus, Id, Timestamp, kinds};
use st2_ports::{CoordinationError, KeyRingError, StoreError};

/// Why an execution does not change as asked. None of these is a fault: somebody else was first,
/// or the request came too late or too early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The execution is over; nothing changes it.
    #[error("the execution is already in a completed state: {0}")]
    Completed(ExecutionStatus),
    /// The transition table has no such step.
    #[error("an execution can not go from {from} to {to}")]
    Transition {
        /// Where it stands.
        from: ExecutionStatus,
        /// Where it was to go.
        to: ExecutionStatus,
    },
    /// Another worker, or nobody, holds the execution now.
    #[error("the execution is no longer held under the lease \"{lease}\"")]
    NotOwner {
        /// The lease under which the caller held it.
        lease: String,
    },
    /// It waits for its time.
    #[error("the execution is not due before {0}")]
    NotDue(Timestamp),
    /// The action's runner does not know how to do that.
    #[error("it is not supported by the \"{runner}\" runner")]
    Unsupported {
        /// Name of the runner type.
        runner: String,
    },
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such execution.
    #[error("there is no execution \"{0}\"")]
    NotFound(Id<kinds::Execution>),
    /// The execution does not change as asked.
    #[error("execution \"{id}\": {refusal}")]
    Refused {
        /// The execution.
        id: Id<kinds::Execution>,
        /// Why.
        refusal: Refusal,
    },
    /// What the execution was requested with can not be found or read.
    #[error("execution \"{id}\": {reason}")]
    Content {
        /// The execution.
        id: Id<kinds::Execution>,
        /// What is missing.
        reason: String,
    },
    /// A parameter's default could not be rendered, or a value is not of its type.
    #[error("{0}")]
    Parameters(String),
    /// A secret could not be opened.
    #[error("parameter \"{parameter}\": {reason}")]
    Secret {
        /// Its name.
        parameter: String,
        /// Why; never the secret.
        reason: String,
    },
    /// The store did not answer, or refused a stale owner.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The coordinator did not answer.
    #[error(transparent)]
    Coordination(#[from] CoordinationError),
}

impl Error {
    /// Whether the same call may go through later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Coordination(_) => true,
            _ => false,
        }
    }

    /// The refusal, when it is one.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal),
            _ => None,
        }
    }
}

/// Why a request was not accepted. The texts are those of the REST API.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No such action.
    #[error("Action \"{0}\" cannot be found.")]
    ActionNotFound(ActionRef),
    /// The action is disabled.
    #[error("Unable to execute. Action \"{0}\" is disabled.")]
    ActionDisabled(ActionRef),
    /// The action names a runner type that is not registered.
    #[error("Action \"{action}\" needs the runner \"{runner}\", which is not registered.")]
    RunnerNotFound {
        /// The action.
        action: ActionRef,
        /// Name of the runner type.
        runner: String,
    },
    /// The definitions of the action's parameters can not be used.
    #[error("The parameters of action \"{action}\" are not well defined.")]
    Definition {
        /// The action.
        action: ActionRef,
        /// What is wrong with them.
        #[source]
        source: Box<st2_schema::Error>,
    },
    /// A value was given that can not be changed.
    #[error("{0}")]
    Immutable(Box<st2_schema::Error>),
    /// A value does not have the declared type, or the values do not fit the schema.
    #[error("{0}")]
    Parameters(String),
    /// A template could not be rendered. The execution is stored, as failed.
    #[error("{reason}")]
    Rendering {
        /// What the template lacks.
        reason: String,
        /// The failed execution.
        execution: Id<kinds::Execution>,
    },
    /// A secret value can not be stored safely.
    #[error("Parameter \"{parameter}\" is secret and can not be stored: {source}")]
    Secret {
        /// Its name.
        parameter: String,
        /// What the key ring says.
        source: KeyRingError,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl RequestError {
    /// Whether the same request may go through later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}

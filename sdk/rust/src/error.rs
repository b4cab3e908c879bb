//! Why a call on the host did not happen.

use st2_protocol::{ErrorCode, RpcError};

/// Result of calls on the host.
pub type Result<T> = std::result::Result<T, Error>;

/// Situations a sensor may treat differently.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The channel is closed: the host is gone or has given this guest up.
    #[error("the host is gone")]
    Gone,
    /// The sensor was asked to stop while it waited for the store to come back.
    #[error("the sensor is stopping")]
    Stopping,
    /// The call would not fit into one line of the protocol.
    #[error("{call} of {bytes} bytes is longer than the limit of {bytes_max} bytes")]
    TooLarge {
        /// Method.
        call: &'static str,
        /// Length.
        bytes: usize,
        /// Limit.
        bytes_max: usize,
    },
    /// The answer of the host has another shape than the protocol says.
    #[error("the answer to {call} cannot be read")]
    Answer {
        /// Method.
        call: &'static str,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The host refused.
    #[error("{0}")]
    Refused(RpcError),
}

impl Error {
    /// True when the same call may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Refused(error) if error.code == ErrorCode::Unavailable)
    }

    /// True when nothing this guest sends will be accepted any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Gone => true,
            Self::Refused(error) => error.code == ErrorCode::Fenced,
            _ => false,
        }
    }
}

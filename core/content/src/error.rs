//! Why content can not be registered at all. What is wrong with single files is a
//! [`Problem`](crate::Problem) and part of the report.

use st2_ports::StoreError;

use crate::problem::Fault;

/// Why content can not be registered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store refused or is away; calling again goes on where it stopped.
    #[error("content can not be stored")]
    Store(#[from] StoreError),
    /// A pack that was asked for is in none of the base paths.
    #[error("Pack \"{pack}\" not found on disk: Directory \"{directory}\" doesn't exist")]
    PackNotFound {
        /// The pack.
        pack: String,
        /// Where it would have been.
        directory: String,
    },
    /// The metadata that a runner ships is wrong.
    #[error("runner metadata, {field}: {reason}", field = .0.field, reason = .0.reason)]
    Runner(Fault),
    /// What is built in is wrong.
    #[error("built-in content, {field}: {reason}", field = .0.field, reason = .0.reason)]
    Builtin(Fault),
    /// The process is stopping.
    #[error("registration was interrupted")]
    Interrupted,
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            _ => false,
        }
    }
}

//! What can go wrong between the wish to run a program and its exit status.

use std::io;
use std::path::PathBuf;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Situations a caller can treat differently. A program that ran and failed is not among them: that
/// is an [`ExitStatus`](crate::ExitStatus).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is empty.
    #[error("argv is empty: there is no program to start")]
    NoProgram,
    /// The working directory is missing or no directory.
    #[error("working directory {} does not exist or is not a directory", path.display())]
    WorkingDirectory {
        /// The directory asked for.
        path: PathBuf,
    },
    /// The user to run as is unknown on this machine.
    #[error("user {user} does not exist on this machine")]
    UnknownUser {
        /// The user asked for.
        user: String,
    },
    /// The kernel refused to start the program.
    #[error("cannot start {program}")]
    Start {
        /// First element of argv.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A system call about a running process failed.
    #[error("cannot {doing}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The thread that starts processes is gone; only the end of the host does that.
    #[error("the host is shutting down and starts no more processes")]
    ShuttingDown,
}

impl Error {
    pub(crate) fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { doing, source }
    }

    /// True when the program named in argv does not exist.
    #[must_use]
    pub fn is_program_missing(&self) -> bool {
        matches!(self, Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

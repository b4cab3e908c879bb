//! What can go wrong: when the file is opened, and later.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use st2_ports::StoreError;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder can not be read or written.
    #[error("{path} can not be opened", path = .path.display())]
    Access {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("{path} is in use by another process: stop that one first", path = .path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is no store of ours, or it is damaged.
    #[error("{path} is no readable store: {reason}", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A later version of the program has written it.
    #[error(
        "{path} has format {found}, and this program knows formats up to {known}: \
         use the program that wrote it, or a later one",
        path = .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: i64,
        /// The latest format that is known.
        known: i64,
    },
    /// SQLite could not open it, for a reason that may pass.
    #[error("{path} can not be opened", path = .path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        #[source]
        source: rusqlite::Error,
    },
}

impl OpenError {
    pub(crate) fn of(path: PathBuf, source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path, reason: source.to_string() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse { path },
            _ => Self::Sqlite { path, source },
        }
    }
}

/// The port's word for an error of SQLite.
pub(crate) fn unavailable(error: &rusqlite::Error) -> StoreError {
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::TooBig) => {
            return StoreError::Invalid {
                collection: "sqlite",
                reason: "a document or blob is larger than SQLite can store".to_owned(),
            };
        }
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            format!("the file is damaged: {error}")
        }
        _ => error.to_string(),
    };
    StoreError::Unavailable(reason)
}

/// Whether an error speaks of the file as a whole, not of the one statement that met it.
pub(crate) fn concerns_the_file(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// The answer of a store that has been closed.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("it has been closed".to_owned())
}

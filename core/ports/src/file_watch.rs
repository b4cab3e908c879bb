//! Changes of files on disk.

use std::path::PathBuf;

use tokio::sync::mpsc::Receiver;

/// Something changed at or below a watched root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Something happened to this path: it was made, written, renamed or removed.
    Path(PathBuf),
    /// Changes were lost: look at everything again.
    Rescan,
}

/// Why a root could not be watched.
#[derive(Debug, thiserror::Error)]
#[error("{path} can not be watched: {reason}", path = .path.display())]
pub struct FileWatchError {
    /// The root.
    pub path: PathBuf,
    /// What the system says.
    pub reason: String,
}

/// Watches directory trees. Calls return at once.
pub trait FileWatch: Send + Sync {
    /// Watches `roots` with all that is below them, until the receiver is dropped. Changes come
    /// in bursts and more than once; the reader waits for silence and compares content.
    ///
    /// # Errors
    /// When a root does not exist or the system refuses.
    fn watch(&self, roots: &[PathBuf]) -> Result<Receiver<FileChange>, FileWatchError>;
}

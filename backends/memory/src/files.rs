//! File changes that are announced by hand.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use st2_ports::{FileChange, FileWatch, FileWatchError};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::lock;

const CAPACITY: usize = 1024;

/// Tells watchers what [`InMemoryFileWatch::announce`] says. Looks at no disk.
#[derive(Default)]
pub struct InMemoryFileWatch {
    watchers: Mutex<Vec<Watcher>>,
}

struct Watcher {
    roots: Vec<PathBuf>,
    changes: Sender<FileChange>,
    behind: bool,
}

impl InMemoryFileWatch {
    /// Tells everybody who watches a root of `path` that something happened to it. A watcher that
    /// does not read is told to look at everything again when it does.
    pub fn announce(&self, path: &Path) {
        lock(&self.watchers).retain_mut(|watcher| watcher.tell(path));
    }
}

impl Watcher {
    /// Whether the watcher is still there.
    fn tell(&mut self, path: &Path) -> bool {
        if !self.roots.iter().any(|root| path.starts_with(root)) {
            return !self.changes.is_closed();
        }
        let change =
            if self.behind { FileChange::Rescan } else { FileChange::Path(path.to_owned()) };
        match self.changes.try_send(change) {
            Ok(()) => self.behind = false,
            Err(TrySendError::Full(_)) => self.behind = true,
            Err(TrySendError::Closed(_)) => return false,
        }
        true
    }
}

impl FileWatch for InMemoryFileWatch {
    fn watch(&self, roots: &[PathBuf]) -> Result<Receiver<FileChange>, FileWatchError> {
        let (changes, receiver) = channel(CAPACITY);
        lock(&self.watchers).push(Watcher { roots: roots.to_vec(), changes, behind: false });
        Ok(receiver)
    }
}

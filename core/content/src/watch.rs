//! File changes from the operating system.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use st2_ports::{FileChange, FileWatch, FileWatchError, RoutineKind, Routines};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender, channel};

/// Changes that wait for their reader. What comes beyond is told as [`FileChange::Rescan`].
const CHANGES_WAITING_MAX: usize = 1024;

/// Watches directory trees through the system's own notifications.
pub struct NotifyFileWatch {
    routines: Routines,
}

impl NotifyFileWatch {
    /// A watch whose threads end with `routines`.
    #[must_use]
    pub const fn new(routines: Routines) -> Self {
        Self { routines }
    }
}

impl FileWatch for NotifyFileWatch {
    fn watch(&self, roots: &[PathBuf]) -> Result<Receiver<FileChange>, FileWatchError> {
        let (sender, receiver) = channel(CHANGES_WAITING_MAX);
        let fails = |root: &PathBuf, error: notify::Error| FileWatchError {
            path: root.clone(),
            reason: error.to_string(),
        };
        let anywhere = roots.first().cloned().unwrap_or_default();
        let bridge = Bridge::to(sender.clone());
        let mut watcher: RecommendedWatcher =
            notify::recommended_watcher(move |event| bridge.pass(event))
                .map_err(|error| fails(&anywhere, error))?;
        for root in roots {
            watcher.watch(root, RecursiveMode::Recursive).map_err(|error| fails(root, error))?;
        }
        let shutdown = self.routines.shutdown();
        self.routines.spawn(RoutineKind::FileWatch, "file watch", async move {
            tokio::select! {
                () = sender.closed() => {}
                () = shutdown.cancelled() => {}
            }
            drop(watcher);
        });
        Ok(receiver)
    }
}

/// Carries events from the watcher's thread to the reader, never waiting for either.
pub(crate) struct Bridge {
    changes: Sender<FileChange>,
    /// A place kept free for [`FileChange::Rescan`], so that a loss can always be told.
    reserved: Mutex<Option<OwnedPermit<FileChange>>>,
}

impl Bridge {
    pub(crate) fn to(changes: Sender<FileChange>) -> Self {
        let reserved = changes.clone().try_reserve_owned().ok();
        Self { changes, reserved: Mutex::new(reserved) }
    }

    pub(crate) fn pass(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.lose(),
            // Reading files is no change, or reading them would make us read them again.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
            Ok(event) => {
                for path in event.paths {
                    self.tell(path);
                }
            }
            Err(_) => self.lose(),
        }
    }

    fn tell(&self, path: PathBuf) {
        match self.changes.try_send(FileChange::Path(path)) {
            Ok(()) => self.reserve(),
            Err(TrySendError::Full(_)) => self.lose(),
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Says that changes were lost. While the place is used up the reader has yet to read that, and
    /// need not be told twice.
    fn lose(&self) {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(permit) = reserved.take() {
            permit.send(FileChange::Rescan);
        } else if let Ok(permit) = self.changes.clone().try_reserve_owned() {
            permit.send(FileChange::Rescan);
        }
    }

    /// Keeps a place free again after it was used.
    fn reserve(&self) {
        let mut reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner);
        if reserved.is_none() {
            *reserved = self.changes.clone().try_reserve_owned().ok();
        }
    }
}

//! Notices that something happened in a folder that matters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::position::Identity;

/// A bell: rung by anybody, heard by the one who waits. Rings do not add up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    pub(crate) fn ring(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Waits for a ring, one missed before included, or for the timeout.
    pub(crate) fn wait(&self, timeout: Duration) {
        let rung = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.1.wait_timeout_while(rung, timeout, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

/// The folders being watched. A file is watched by its folder, because that also tells of its
/// appearance and of renames; a folder that does not exist by the nearest one above it that does.
pub(crate) struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Identity>,
}

impl Folders {
    /// Rings the bell when something happens. Without kernel support nothing is watched, and the
    /// caller's own looking around is all there is; the error says why.
    pub(crate) fn new(bell: Bell) -> (Self, Option<notify::Error>) {
        let handler = move |event: notify::Result<Event>| {
            // Our own reading is no news.
            let is_reading = |event: &Event| {
                matches!(event.kind, EventKind::Access(AccessKind::Open(_) | AccessKind::Read))
            };
            if !event.as_ref().is_ok_and(is_reading) {
                bell.ring();
            }
        };
        match notify::recommended_watcher(handler) {
            Ok(watcher) => (Self { watcher: Some(watcher), watched: BTreeMap::new() }, None),
            Err(error) => (Self { watcher: None, watched: BTreeMap::new() }, Some(error)),
        }
    }

    /// Watches the folders of these files and no others. The caller looks at the files afterwards,
    /// so that nothing that happened before is missed.
    pub(crate) fn watch<'a>(&mut self, files: impl Iterator<Item = &'a Path>) {
        let Some(watcher) = self.watcher.as_mut() else { return };
        let mut wanted = BTreeMap::new();
        for file in files {
            // The name itself, and what a link stands for.
            let target = std::fs::canonicalize(file).ok();
            for path in [Some(file), target.as_deref()].into_iter().flatten() {
                wanted.extend(nearest_folder(path));
            }
        }
        // A folder of the same name but another identity was made anew and needs a new watch.
        self.watched.retain(|path, identity| {
            let stays = wanted.get(path) == Some(identity);
            if !stays {
                // The kernel has already forgotten a folder that is gone.
                drop(watcher.unwatch(path));
            }
            stays
        });
        for (path, identity) in wanted {
            if !self.watched.contains_key(&path)
                && watcher.watch(&path, RecursiveMode::NonRecursive).is_ok()
            {
                self.watched.insert(path, identity);
            }
        }
    }
}

fn nearest_folder(file: &Path) -> Option<(PathBuf, Identity)> {
    file.ancestors().skip(1).find_map(|folder| {
        let metadata = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
        Some((folder.to_owned(), Identity::of(&metadata)))
    })
}

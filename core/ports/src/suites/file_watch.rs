//! Laws of the file watch.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc::Receiver;

use super::PATIENCE;
use crate::{FileChange, FileWatch};

/// A watch, a directory that is there, and how something is made to happen to a path below it.
pub struct Opened {
    /// The watch.
    pub watch: Arc<dyn FileWatch>,
    /// The directory.
    pub root: PathBuf,
    /// Makes something happen.
    pub change: Box<dyn Fn(&Path) + Send>,
}

async fn heard(changes: &mut Receiver<FileChange>, path: &Path) -> bool {
    let hear = async {
        while let Some(change) = changes.recv().await {
            if change == FileChange::Path(path.to_owned()) || change == FileChange::Rescan {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(PATIENCE, hear).await.unwrap_or(false)
}

pub async fn a_change_below_a_root_is_heard(opened: Opened) {
    let mut changes = opened.watch.watch(std::slice::from_ref(&opened.root)).unwrap();
    let path = opened.root.join("file");
    (opened.change)(&path);
    assert!(heard(&mut changes, &path).await);
}

pub async fn everybody_who_watches_hears(opened: Opened) {
    let roots = [opened.root.clone()];
    let mut one = opened.watch.watch(&roots).unwrap();
    let mut two = opened.watch.watch(&roots).unwrap();
    let path = opened.root.join("file");
    (opened.change)(&path);
    assert!(heard(&mut one, &path).await && heard(&mut two, &path).await);
}

pub async fn a_flood_ends_in_a_rescan_and_blocks_nobody(opened: Opened) {
    let mut changes = opened.watch.watch(std::slice::from_ref(&opened.root)).unwrap();
    for n in 0..5_000 {
        (opened.change)(&opened.root.join(format!("file{n}")));
    }
    let last = opened.root.join("last");
    let rescan = async {
        loop {
            (opened.change)(&last);
            match changes.recv().await {
                Some(FileChange::Rescan) => return true,
                Some(FileChange::Path(_)) => {}
                None => return false,
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, rescan).await.unwrap_or(false));
}

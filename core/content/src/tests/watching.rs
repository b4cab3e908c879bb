//! The watch on real files against the suite of its port.

use std::path::Path;
use std::sync::Arc;

use st2_ports::Routines;
use st2_ports::suites::file_watch::Opened;
use tempfile::TempDir;

use crate::NotifyFileWatch;

fn open() -> (Opened, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().canonicalize().expect("a path");
    let change = |path: &Path| std::fs::write(path, "changed").expect("written");
    let watch = Arc::new(NotifyFileWatch::new(Routines::new()));
    (Opened { watch, root, change: Box::new(change) }, folder)
}

st2_ports::file_watch_suite!(open);

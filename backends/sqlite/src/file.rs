//! The files: who may read them, and that one process has them.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::OpenError;

/// Owner only: the store holds tokens and sealed secrets.
const MODE: u32 = 0o600;

/// Ownership of a store's files, for as long as this lives. The system gives it up with the
/// process, however that ends.
pub(crate) struct Claim {
    _lock: File,
}

/// The path of a file that belongs to the store's.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Takes the files and makes them private. The lock is a file of its own, because closing any
/// handle of the store's file would undo SQLite's own locks on it.
pub(crate) fn claim(path: &Path) -> Result<Claim, OpenError> {
    let access = |source: io::Error| OpenError::Access { path: path.to_owned(), source };
    let lock = open_private(&beside(path, "-lock")).map_err(access)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(OpenError::InUse { path: path.to_owned() });
        }
        Err(TryLockError::Error(source)) => return Err(access(source)),
    }
    let is_new = !path.exists();
    open_private(path).map_err(access)?;
    for suffix in ["-wal", "-shm"] {
        make_private(&beside(path, suffix)).map_err(access)?;
    }
    if is_new {
        sync_folder(path).map_err(access)?;
    }
    Ok(Claim { _lock: lock })
}

fn open_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(MODE)
        .open(path)?;
    make_private(path)?;
    Ok(file)
}

/// SQLite gives the files beside the store's the mode of the store's; those that are left from
/// earlier may have another.
fn make_private(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o777 != MODE => {
            std::fs::set_permissions(path, Permissions::from_mode(MODE))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A new file's name is durable only when its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

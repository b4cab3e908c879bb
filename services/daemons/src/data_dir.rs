//! The data directory of an embedded installation: who may use it, and what is where.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

/// How long the lock of a process that was killed may outlive it: a process that it was just
/// starting shares the lock until it has become another program.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// A data directory that this process alone uses.
pub(crate) struct DataDir {
    root: PathBuf,
    /// Locked for as long as it is open.
    _lock: File,
}

impl DataDir {
    /// Makes the directory if there is none and takes it for this process.
    pub(crate) async fn take(root: PathBuf) -> anyhow::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder
            .create(&root)
            .with_context(|| format!("the data directory {} can not be made", root.display()))?;
        let root = root.canonicalize().with_context(|| format!("{}", root.display()))?;
        let path = root.join("lock");
        let mut lock = private_file(&path)?;
        let give_up = Instant::now() + LOCK_PATIENCE;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => {
                    tokio::time::sleep(LOCK_RETRY).await;
                }
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    lock.read_to_string(&mut holder).unwrap_or_default();
                    bail!(
                        "the data directory {} is in use by process {}; stop it, or choose \
                         another directory with --data-dir",
                        root.display(),
                        holder.trim()
                    );
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error)
                        .with_context(|| format!("{} can not be locked", path.display()));
                }
            }
        }
        lock.set_len(0)?;
        lock.rewind()?;
        write!(lock, "{}", std::process::id())?;
        for folder in ["packs", "configs", "overrides", "keys"] {
            builder
                .create(root.join(folder))
                .with_context(|| format!("{folder} in {}", root.display()))?;
        }
        Ok(Self { root, _lock: lock })
    }

    /// Whether another process owns the directory.
    pub(crate) fn is_taken(root: &Path) -> bool {
        // The lock, if we get it, ends with the file.
        File::open(root.join("lock"))
            .is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// The content of a file that only its owner can read; made with `content` if there is none.
pub(crate) fn private_text(
    path: &Path,
    content: impl FnOnce() -> anyhow::Result<String>,
) -> anyhow::Result<(String, IsNew)> {
    match fs::read_to_string(path) {
        Ok(text) => Ok((text, IsNew(false))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = content()?;
            write_private(path, &text)?;
            Ok((text, IsNew(true)))
        }
        Err(error) => Err(error).with_context(|| format!("{} can not be read", path.display())),
    }
}

/// Whether a file was made just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IsNew(pub(crate) bool);

fn private_file(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} can not be opened", path.display()))
}

/// Writes a file that only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let aside = path.with_extension("new");
    let mut file = private_file(&aside)?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&aside, path).with_context(|| format!("{} can not be written", path.display()))
}

/// Where data lives when nobody says so.
pub(crate) fn default_root() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match (home("XDG_DATA_HOME"), home("HOME")) {
        (Some(data), _) => PathBuf::from(data).join("stormhost"),
        (None, Some(home)) => PathBuf::from(home).join(".local/share/stormhost"),
        (None, None) => PathBuf::from("/var/lib/stormhost"),
    }
}

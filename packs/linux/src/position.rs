//! What is remembered of a file between two lives of the sensor.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};

/// How far one trigger has read. Stored as JSON in the datastore.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Files being followed, oldest first: at most the one rotated away last and the current one.
    /// None: the file did not exist, so that what appears is read from its beginning.
    pub(crate) files: Vec<FilePosition>,
}

/// How far one file has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePosition {
    #[serde(flatten)]
    pub(crate) identity: Identity,
    /// Tells contents apart that had the same identity one after the other: a truncated file, or a
    /// new one that got the inode of a deleted one. Grows.
    pub(crate) generation: u64,
    /// Everything before this is stored as trigger instances.
    pub(crate) offset: u64,
    /// The beginning of the content that belongs to this position.
    #[serde(flatten)]
    pub(crate) head: Head,
}

/// Which file, whatever its name is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// Bytes of the beginning of a file that [`Head`] covers at most.
pub(crate) const HEAD_BYTES_MAX: u64 = 256;

/// A checksum over the first bytes: when it changes the content was replaced, even if the file is
/// longer than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) head_bytes: u64,
    pub(crate) head_sum: u64,
}

impl Head {
    /// The FNV-1a sum: stable over versions, and nobody attacks it here.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { head_bytes: bytes.len() as u64, head_sum: sum }
    }
}

/// Of no bytes: fits every content.
impl Default for Head {
    fn default() -> Self {
        Self::of(&[])
    }
}

/// A generation for content first seen now: the time of the last change, but later than `previous`.
pub(crate) fn generation(metadata: &Metadata, previous: Option<u64>) -> u64 {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanoseconds = u64::try_from(metadata.ctime_nsec()).unwrap_or_default();
    let changed = seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds);
    previous.map_or(changed, |previous| changed.max(previous + 1))
}

//! The two numbers that every write compares: a record's revision and a lease's epoch.

use serde::{Deserialize, Serialize};

/// Counts the writes of one record, from 1. A write names the revision it read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of a record just inserted.
    pub const FIRST: Self = Self(1);

    /// The revision after one more write.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Counts the owners of one lease. A later owner has a greater epoch, across restarts too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

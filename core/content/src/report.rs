//! What a registration did.

use std::collections::BTreeMap;

use crate::kind::Kind;
use crate::problem::Problem;

/// How many of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Read without a problem, whether or not they had changed.
    pub found: usize,
    /// Of these, switched on or off by overrides.
    pub overridden: usize,
    /// Records that were new or different and were written.
    pub written: usize,
    /// Records that were removed because their files are gone.
    pub removed: usize,
}

/// What a registration found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// By kind. Packs that nothing has happened to since the last registration are not counted
    /// unless the request was to read everything.
    pub counts: BTreeMap<Kind, Count>,
    /// Packs that were looked into.
    pub packs: usize,
    /// Packs that were passed over because nothing of them has changed.
    pub unchanged_packs: usize,
    /// What could not be registered and why. Everything else was.
    pub problems: Vec<Problem>,
    /// What was registered and is probably not meant so.
    pub warnings: Vec<Problem>,
    /// What was removed, as `action pack.name`.
    pub removed: Vec<String>,
}

impl Report {
    /// The count of one kind, to be added to.
    pub(crate) fn count(&mut self, kind: Kind) -> &mut Count {
        self.counts.entry(kind).or_default()
    }

    /// Records written, of all kinds.
    #[must_use]
    pub fn written(&self) -> usize {
        self.counts.values().map(|count| count.written).sum()
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (kind, count) in other.counts {
            let sum = self.count(kind);
            sum.found += count.found;
            sum.overridden += count.overridden;
            sum.written += count.written;
            sum.removed += count.removed;
        }
        self.packs += other.packs;
        self.unchanged_packs += other.unchanged_packs;
        self.problems.extend(other.problems);
        self.warnings.extend(other.warnings);
        self.removed.extend(other.removed);
    }
}

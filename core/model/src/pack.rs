//! Packs.

use serde::{Deserialize, Serialize};

use crate::{Id, Object, Uid, kinds};

/// A pack: a directory of content with a `pack.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    /// Follows from the ref.
    pub id: Id<kinds::Pack>,
    /// The pack's ref: `^[a-z0-9_]+$`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The name shown to people.
    pub name: String,
    /// What the pack is for.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Semantic version of the pack.
    pub version: String,
    /// The versions of StackStorm it needs.
    pub stackstorm_version: Option<String>,
    /// Major Python versions it runs on.
    pub python_versions: Vec<String>,
    /// Who wrote it.
    pub author: String,
    /// How to reach the author.
    pub email: Option<String>,
    /// Who helped.
    pub contributors: Vec<String>,
    /// Paths of its files, relative to the pack.
    pub files: Vec<String>,
    /// Other packs it needs.
    pub dependencies: Vec<String>,
    /// Requirements on the system.
    pub system: Object,
    /// Its directory on disk.
    pub path: Option<String>,
    /// Digest over its files, by which an unchanged pack is recognised.
    pub digest: String,
}

impl Pack {
    /// The id of the pack `reference`.
    #[must_use]
    pub fn id_of(reference: &str) -> Id<kinds::Pack> {
        Id::derived(&["pack", reference])
    }

    /// `pack:<ref>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["pack", &self.reference])
    }
}

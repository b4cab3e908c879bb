//! What is remembered of a pack between two registrations, so that an unchanged pack costs a walk
//! and a changed one costs its changed files.
//!
//! The pack's record keeps two digests, one over its files' names and stats and one that
//! names a blob: the manifest, with stat and digest of each file of metadata. When the first is
//! still right nothing is read. Else each file whose stat is still right is trusted, each whose
//! bytes are still the same is trusted after reading, and the others are parsed. A file with a
//! problem is never remembered, so it is reported until it is mended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::kind::Kind;
use crate::scan::{Stat, Tree, is_head};

/// Changes when the same file is to be read differently than before.
const FORMAT: &str = "1";

/// Where the code of sensors is. Code elsewhere is looked at when anything else of the pack has
/// changed, or when its change is announced.
const CODE_FOLDERS: [&str; 2] = ["sensors/", "lib/"];

/// What is remembered of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) stat: Stat,
    pub(crate) digest: String,
    /// The file of code that a sensor's metadata names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Code>,
}

/// A file of code that belongs to a file of metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Code {
    /// Relative to the pack.
    pub(crate) file: String,
    /// Absent when the file is missing or outside of the pack; it is then read each time.
    pub(crate) stat: Option<Stat>,
    pub(crate) digest: String,
}

/// What is remembered of a pack's files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) pack: String,
    /// Digest over what the reading of every file depends on besides the file.
    pub(crate) environment: String,
    pub(crate) files: BTreeMap<String, Entry>,
}

/// The two digests in a pack's record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// Over names and stats; empty when something has to be looked at again.
    pub(crate) fingerprint: String,
    /// The blob of the manifest.
    pub(crate) manifest: String,
}

impl Remembered {
    pub(crate) fn parse(digest: &str) -> Self {
        let (fingerprint, manifest) = digest.split_once(':').unwrap_or_default();
        Self { fingerprint: fingerprint.to_owned(), manifest: manifest.to_owned() }
    }

    pub(crate) fn text(&self) -> String {
        format!("{}:{}", self.fingerprint, self.manifest)
    }
}

/// Hashes length-prefixed parts.
pub(crate) fn digest_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

/// Digest over what the reading of a pack's files depends on.
pub(crate) fn environment(tree: &Tree, runners: &str, overrides: &[&[u8]]) -> String {
    let dir = tree.dir.display().to_string();
    let fixed: [&[u8]; 4] = [
        FORMAT.as_bytes(),
        env!("CARGO_PKG_VERSION").as_bytes(),
        dir.as_bytes(),
        runners.as_bytes(),
    ];
    digest_of(fixed.into_iter().chain(overrides.iter().copied()))
}

/// Whether a change of the file's content can change a record. Of other files only the name
/// counts: a guest that keeps writing into its pack is not to keep us reading it.
fn counts(file: &str) -> bool {
    let holds_code = |folder: &str| file.starts_with(folder);
    Kind::of_file(file).is_some() || is_head(file) || CODE_FOLDERS.into_iter().any(holds_code)
}

/// Digest over the names of all files that belong to a pack and the stats of those that count.
pub(crate) fn fingerprint(tree: &Tree, environment: &str, configs: &[Option<Stat>]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(environment.as_bytes());
    let configs = configs.iter().map(|stat| ("", stat));
    let files = tree.files.iter().map(|(file, stat)| (file.as_str(), stat));
    for (name, stat) in configs.chain(files) {
        hasher.update((name.len() as u64).to_be_bytes());
        hasher.update(name.as_bytes());
        match stat.filter(|_| name.is_empty() || counts(name)) {
            None => hasher.update([0]),
            Some(stat) => {
                hasher.update([1]);
                hasher.update(stat.bytes());
            }
        }
    }
    hex::encode(hasher.finalize())
}

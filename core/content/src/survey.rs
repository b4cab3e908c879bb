//! What there is to do: the packs as they were found, each with the overrides that count for it and
//! with the digest that tells whether anything has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::document;
use crate::manifest;
use crate::parse::{OverrideFile, Overrides, parse_overrides};
use crate::problem::{Fault, Problem};
use crate::read;
use crate::scan::{self, Stat, Tree};

/// A pack that was found.
#[derive(Debug)]
pub(crate) struct FoundPack {
    pub(crate) tree: Tree,
    /// What counts for it, or why nobody knows. In doubt nothing of the pack is touched: an
    /// operator who meant to switch something off must not find it running.
    pub(crate) overrides: Result<Overrides, Vec<Problem>>,
    /// Digest over what the reading of its files depends on.
    pub(crate) environment: String,
    /// Digest over names and stats of its files.
    pub(crate) fingerprint: String,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) packs: Vec<FoundPack>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) complete: Vec<PathBuf>,
}

/// Where to look.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) base_paths: Vec<PathBuf>,
    pub(crate) configs: PathBuf,
    pub(crate) overrides: PathBuf,
    /// Digest over the runner types.
    pub(crate) runners: String,
    /// The refs of stored packs by their directories, where the two differ.
    pub(crate) refs: BTreeMap<PathBuf, String>,
}

impl Places {
    /// The file with a pack's config.
    pub(crate) fn config(&self, pack: &str) -> PathBuf {
        self.configs.join(format!("{pack}.yaml"))
    }
}

struct OverrideText {
    bytes: Vec<u8>,
    parsed: Result<OverrideFile, Problem>,
}

/// Looks at all packs, or at those in `only`.
pub(crate) fn survey(places: &Places, only: Option<&BTreeSet<String>>) -> Survey {
    let found = scan::scan(&places.base_paths, only);
    let global = overrides(&places.overrides, "_global");
    let packs = found.trees.into_iter().map(|tree| look_at(places, tree, &global)).collect();
    Survey { packs, problems: found.problems, warnings: found.warnings, complete: found.complete }
}

fn look_at(places: &Places, tree: Tree, global: &OverrideText) -> FoundPack {
    let own = overrides(&places.overrides, &tree.pack);
    let environment = manifest::environment(&tree, &places.runners, &[&global.bytes, &own.bytes]);
    let mut refs = vec![tree.pack.as_str()];
    let stored = places.refs.get(&tree.dir).map(String::as_str);
    refs.extend(stored.filter(|stored| *stored != tree.pack));
    let configs: Vec<Option<Stat>> =
        refs.into_iter().map(|pack| Stat::of_file(&places.config(pack)).ok().flatten()).collect();
    let fingerprint = manifest::fingerprint(&tree, &environment, &configs);
    let overrides = match (global.parsed.clone(), own.parsed) {
        (Ok(global), Ok(pack)) => Ok(Overrides { global, pack }),
        (global, pack) => Err([global.err(), pack.err()].into_iter().flatten().collect()),
    };
    FoundPack { tree, overrides, environment, fingerprint }
}

fn overrides(folder: &Path, pack: &str) -> OverrideText {
    let path = folder.join(format!("{pack}.yaml"));
    let (bytes, parsed) = match read::optional_metadata(&path) {
        Ok(None) => (Vec::new(), Ok(OverrideFile::default())),
        Ok(Some(bytes)) => {
            let parsed = document::read(&bytes)
                .and_then(|document| parse_overrides(pack, &document.content));
            (bytes, parsed)
        }
        Err(fault) => (Vec::new(), Err(fault)),
    };
    let named = if pack == "_global" { "" } else { pack };
    let at_file = |fault: Fault| fault.in_file(named, &path.display().to_string());
    OverrideText { bytes, parsed: parsed.map_err(at_file) }
}

//! One walk over the pack directories: names and stats, no file is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::problem::{Fault, Problem};

/// Directories nested deeper than this are not entered.
const DEPTH_MAX: usize = 32;

/// A pack with more files than this is not read to its end.
const FILES_MAX: usize = 100_000;

/// What tells a changed file from an unchanged one without reading it. A file that was written,
/// moved or replaced differs in at least one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stat {
    pub(crate) size: u64,
    modified_ns: i64,
    changed_ns: i64,
    inode: u64,
    device: u64,
}

impl Stat {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let nanos =
            |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        Self {
            size: metadata.size(),
            modified_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    /// All of it, for a digest.
    pub(crate) fn bytes(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let parts = [
            self.size.to_be_bytes(),
            self.modified_ns.to_be_bytes(),
            self.changed_ns.to_be_bytes(),
            self.inode.to_be_bytes(),
            self.device.to_be_bytes(),
        ];
        for (place, part) in bytes.chunks_exact_mut(8).zip(parts) {
            place.copy_from_slice(&part);
        }
        bytes
    }

    /// The stat of a regular file; nothing for anything else, which must not be opened.
    pub(crate) fn of_file(path: &Path) -> io::Result<Option<Self>> {
        let metadata = fs::metadata(path)?;
        Ok(metadata.is_file().then(|| Self::of(&metadata)))
    }
}

/// A pack's directory as it was found.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Name of the directory, which is the pack of all that is in it.
    pub(crate) pack: String,
    /// The directory.
    pub(crate) dir: PathBuf,
    /// Every file by its path relative to the directory. Only regular files have a stat.
    pub(crate) files: BTreeMap<String, Option<Stat>>,
    /// Directories that could not be read: nothing is known of what is in them.
    pub(crate) unread: Vec<String>,
    /// What went wrong.
    pub(crate) problems: Vec<Problem>,
}

impl Tree {
    /// Whether the file was looked for and is not there.
    pub(crate) fn lacks(&self, file: &str) -> bool {
        let is_below = |dir: &String| dir.is_empty() || file.starts_with(&format!("{dir}/"));
        !self.files.contains_key(file) && !self.unread.iter().any(is_below)
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) trees: Vec<Tree>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    /// Base paths that were read to their end: what is missing there is gone.
    pub(crate) complete: Vec<PathBuf>,
}

/// Walks the base paths. Of a pack that is in several, the first counts. With `only`, other packs
/// are passed over.
pub(crate) fn scan(base_paths: &[PathBuf], only: Option<&BTreeSet<String>>) -> Scan {
    let mut scan = Scan::default();
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    for base in base_paths {
        let names = match subdirectories(base, &mut scan.problems) {
            Ok(names) => names,
            Err(error) => {
                let reason = match error.kind() {
                    io::ErrorKind::NotFound => {
                        format!("Directory \"{}\" doesn't exist", base.display())
                    }
                    _ => format!("the directory can not be read: {error}"),
                };
                scan.problems.push(Fault::whole(reason).in_file("", &base.display().to_string()));
                continue;
            }
        };
        scan.complete.push(base.clone());
        for name in names {
            if only.is_some_and(|only| !only.contains(&name)) {
                continue;
            }
            let dir = base.join(&name);
            if let Some(first) = seen.get(&name) {
                let reason = format!(
                    "Pack \"{name}\" already found in \"{}\", ignoring content from \"{}\"",
                    first.display(),
                    base.display()
                );
                scan.warnings.push(Fault::whole(reason).in_file(&name, ""));
                continue;
            }
            seen.insert(name.clone(), base.clone());
            scan.trees.push(walk(name, dir));
        }
    }
    scan
}

fn subdirectories(base: &Path, problems: &mut Vec<Problem>) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(base)? {
        let entry = entry?;
        // A pack may be a link to a directory elsewhere. A link that leads nowhere is no pack.
        if !entry.path().is_dir() {
            continue;
        }
        match entry.file_name().into_string() {
            Ok(name) if name == "__pycache__" || name.starts_with('.') => {}
            Ok(name) => names.push(name),
            Err(name) => {
                problems.push(no_utf8("", &base.join(name).display().to_string()));
            }
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn no_utf8(pack: &str, file: &str) -> Problem {
    Fault::whole("the name is no UTF-8 text").in_file(pack, file)
}

/// Walks one pack.
pub(crate) fn walk(pack: String, dir: PathBuf) -> Tree {
    let mut tree =
        Tree { pack, dir, files: BTreeMap::new(), unread: Vec::new(), problems: Vec::new() };
    enter(&mut tree, "", 0);
    tree
}

fn enter(tree: &mut Tree, folder: &str, depth: usize) {
    let refuse = |tree: &mut Tree, reason: String| {
        tree.unread.push(folder.to_owned());
        tree.problems.push(Fault::whole(reason).in_file(&tree.pack, folder));
    };
    if depth > DEPTH_MAX {
        return refuse(tree, format!("nested deeper than {DEPTH_MAX} directories"));
    }
    let entries = match fs::read_dir(tree.dir.join(folder)) {
        Ok(entries) => entries,
        Err(error) => return refuse(tree, format!("the directory can not be read: {error}")),
    };
    for entry in entries {
        if tree.files.len() >= FILES_MAX {
            return refuse(tree, format!("the pack has more than {FILES_MAX} files"));
        }
        let (entry, kind) = match entry
            .and_then(|entry| entry.file_type().map(|kind| (entry, kind)))
        {
            Ok(found) => found,
            Err(error) => return refuse(tree, format!("the directory can not be read: {error}")),
        };
        match entry.file_name().into_string() {
            Ok(name) => meet(tree, folder, &name, kind, depth),
            Err(name) => {
                let file = join(folder, &name.to_string_lossy());
                let problem = no_utf8(&tree.pack, &file);
                tree.problems.push(problem);
            }
        }
    }
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// Takes one entry of a directory. Links to directories are entered where they stand for one of
/// the content directories and nowhere else, so that no walk goes round in circles.
fn meet(tree: &mut Tree, folder: &str, name: &str, kind: FileType, depth: usize) {
    let file = join(folder, name);
    if kind.is_dir() {
        if name != ".git" && name != "__pycache__" {
            enter(tree, &file, depth + 1);
        }
        return;
    }
    if name.ends_with(".pyc") {
        return;
    }
    let is_content = Kind::of_file(&file).is_some() || is_head(&file);
    let is_folder = folder.is_empty() && Kind::of_folder(name).is_some();
    match fs::metadata(tree.dir.join(&file)) {
        Ok(found) if found.is_dir() && is_folder => enter(tree, &file, depth + 1),
        Ok(found) if found.is_file() => {
            tree.files.insert(file, Some(Stat::of(&found)));
        }
        Ok(found) if is_content && !found.is_dir() => {
            let reason = "this is no regular file";
            tree.problems.push(Fault::whole(reason).in_file(&tree.pack, &file));
            tree.files.insert(file, None);
        }
        Ok(_) => {}
        Err(error) => {
            if is_content || is_folder {
                let reason = format!("the file can not be read: {error}");
                tree.problems.push(Fault::whole(reason).in_file(&tree.pack, &file));
            }
            if is_folder {
                tree.unread.push(file);
            } else {
                tree.files.insert(file, None);
            }
        }
    }
}

/// The two files that speak of the pack itself.
pub(crate) fn is_head(file: &str) -> bool {
    matches!(file, PACK_FILE | SCHEMA_FILE)
}

/// The file that makes a directory a pack.
pub(crate) const PACK_FILE: &str = "pack.yaml";

/// The file with the schema of the pack's config.
pub(crate) const SCHEMA_FILE: &str = "config.schema.yaml";

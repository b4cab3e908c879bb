//! The packs that travel with the executables.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use include_dir::{Dir, DirEntry, include_dir};
use sha2::{Digest as _, Sha256};

static PACKS: [(&str, Dir<'static>); 2] = [
    ("core", include_dir!("$CARGO_MANIFEST_DIR/../../packs/core")),
    ("linux", include_dir!("$CARGO_MANIFEST_DIR/../../packs/linux")),
];

/// The directory of the built-in packs below `root`; unpacked there if it is not.
///
/// The directory's name follows from the content, and it appears whole or not at all, so that
/// versions of the executables that share a data directory do not disturb each other.
pub(crate) fn unpack(root: &Path) -> anyhow::Result<PathBuf> {
    let target = root.join(digest());
    if target.is_dir() {
        return Ok(target);
    }
    let aside = root.join(format!("unpacking-{}", std::process::id()));
    let unpacked = write_all(&aside).and_then(|()| {
        fs::rename(&aside, &target)
            .or_else(|error| if target.is_dir() { Ok(()) } else { Err(error) })
    });
    if unpacked.is_err() {
        // What is left of the attempt is in nobody's way; the first error is the one to tell.
        drop(fs::remove_dir_all(&aside));
    }
    unpacked.with_context(|| {
        format!("the built-in packs can not be unpacked to {}", target.display())
    })?;
    Ok(target)
}

fn write_all(aside: &Path) -> std::io::Result<()> {
    for (name, dir) in &PACKS {
        let pack = aside.join(name);
        for (path, content) in files(dir) {
            let path = pack.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, content)?;
        }
    }
    Ok(())
}

fn digest() -> String {
    let mut hasher = Sha256::new();
    for (name, dir) in &PACKS {
        for (path, content) in files(dir) {
            hasher.update(format!("{name}/{}\0{}\0", path.display(), content.len()));
            hasher.update(content);
        }
    }
    hex::encode(hasher.finalize()).chars().take(16).collect()
}

/// The files of a pack, without what only its native plugin is built from.
fn files<'a>(dir: &'a Dir<'static>) -> Vec<(&'a Path, &'a [u8])> {
    let mut found = Vec::new();
    let mut open: Vec<&Dir<'static>> = vec![dir];
    while let Some(dir) = open.pop() {
        for entry in dir.entries() {
            match entry {
                DirEntry::Dir(dir) if dir.path() == Path::new("src") => {}
                DirEntry::File(file) if file.path() == Path::new("Cargo.toml") => {}
                DirEntry::Dir(dir) => open.push(dir),
                DirEntry::File(file) => found.push((file.path(), file.contents())),
            }
        }
    }
    found.sort_by_key(|(path, _)| *path);
    found
}

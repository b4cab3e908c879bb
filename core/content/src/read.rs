//! Reading files that anybody may have put there: regular files only, bounded.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::problem::Fault;

/// Files of metadata that are larger than this are refused.
pub(crate) const METADATA_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Files of code that are larger than this are refused.
const CODE_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The bytes of a file of metadata.
pub(crate) fn metadata(path: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = open(path)
        .and_then(|file| file.take(METADATA_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if read as u64 > METADATA_BYTES_MAX {
        return Err(Fault::whole(format!("the file is larger than {METADATA_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// The bytes of a file of metadata that may be missing.
pub(crate) fn optional_metadata(path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => metadata(path).map(Some),
    }
}

/// The digest of a file of code, or of nothing when there is no such file.
pub(crate) fn code_digest(path: &Path) -> Result<String, Fault> {
    let mut file = match open(path) {
        Ok(file) => file.take(CODE_BYTES_MAX + 1),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0;
    loop {
        let read = file.read(&mut buffer).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
        total += read as u64;
    }
    if total > CODE_BYTES_MAX {
        return Err(Fault::whole(format!("the file is larger than {CODE_BYTES_MAX} bytes")));
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Opening a pipe would wait for its writer, so the kind is looked at first.
fn open(path: &Path) -> io::Result<File> {
    let is_file = std::fs::metadata(path)?.is_file();
    if !is_file {
        return Err(io::Error::other("this is no regular file"));
    }
    File::open(path)
}

fn unreadable(error: io::Error) -> Fault {
    Fault::whole(format!("the file can not be read: {error}"))
}

//! Tokens kept between two commands: one file per user, readable by its owner only.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::settings::SettingsError;

/// A token about to expire would not survive the command.
const GRACE_SECONDS: i64 = 15;
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
const OTHERS: u32 = 0o007;

#[derive(Serialize, Deserialize)]
struct Entry {
    token: String,
    expire_timestamp: i64,
}

/// The file of one user. A name cannot lead out of the directory.
pub(crate) fn path(home: &Path, user: &str) -> PathBuf {
    home.join(format!("token-{}", user.replace(['/', '\0'], "_")))
}

/// The kept token, if it lives long enough.
pub(crate) fn read(path: &Path, now: Timestamp) -> Result<Option<String>, SettingsError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(SettingsError::File { path: path.to_owned(), action: "read", source });
        }
    };
    let entry: Entry =
        serde_json::from_str(&text).map_err(|_| SettingsError::Cache { path: path.to_owned() })?;
    let lives = entry.expire_timestamp - GRACE_SECONDS > now.as_second();
    Ok(lives.then_some(entry.token))
}

/// Keeps a token. `expiry` is the server's text; one that is no timestamp is not kept.
pub(crate) fn write(path: &Path, token: &str, expiry: &str) -> Result<(), SettingsError> {
    let Ok(expiry) = expiry.parse::<Timestamp>() else {
        return Ok(());
    };
    let entry = Entry { token: token.to_owned(), expire_timestamp: expiry.as_second() };
    let text = serde_json::to_string(&entry).unwrap_or_default();
    write_private(path, &text)
}

/// Forgets a token; whether there was one.
pub(crate) fn remove(path: &Path) -> Result<bool, SettingsError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => {
            Err(SettingsError::File { path: path.to_owned(), action: "removed", source })
        }
    }
}

/// Replaces a file by one only its owner may read: written aside first, then moved into place, so
/// that no other command ever reads half of it.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), SettingsError> {
    let attempt = || -> std::io::Result<()> {
        if let Some(directory) = path.parent() {
            DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
        }
        let aside = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(FILE_MODE)
            .open(&aside)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
        fs::rename(&aside, path)
    };
    attempt().map_err(|source| SettingsError::File {
        path: path.to_owned(),
        action: "written",
        source,
    })
}

/// Whether people who are neither owner nor group may read the file.
pub(crate) fn is_exposed(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & OTHERS != 0)
}

//! Passwords in a flat file, as `htpasswd` writes it.

use std::path::PathBuf;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use base64::Engine as _;
use md5::{Digest as _, Md5};
use sha_crypt::ShaCrypt;
use sha1::Sha1;

/// A valid hash of no password, checked when a user is unknown so that both answers cost alike.
const DUMMY: &str = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

/// Why passwords can not be checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The file can not be read.
    #[error("the password file {path} can not be read: {reason}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A hash could not be made.
    #[error("the password can not be hashed: {0}")]
    Hash(String),
}

/// The flat file. It is read anew for every login, so that changes count at once.
#[derive(Debug, Clone)]
pub struct FlatFile {
    path: PathBuf,
}

impl FlatFile {
    /// The flat file at `path`.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Whether `password` is that of `user`. Blocks for the time of a hash: call it from a thread
    /// where that is allowed.
    ///
    /// # Errors
    /// When the file can not be read.
    pub fn authenticate(&self, user: &str, password: &str) -> Result<bool, PasswordError> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| {
            PasswordError::Unreadable { path: self.path.clone(), reason: error.to_string() }
        })?;
        let hash = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.trim_end().split_once(':'))
            .rfind(|(name, _)| *name == user)
            .map(|(_, hash)| hash);
        Ok(verify(password, hash.unwrap_or(DUMMY)) && hash.is_some())
    }
}

/// A hash of `password` for a flat file (argon2id).
///
/// # Errors
/// When the system has no randomness for a salt.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify(password: &str, hash: &str) -> bool {
    if let Some(rest) = hash.strip_prefix("$apr1$") {
        let (salt, _) = rest.split_once('$').unwrap_or((rest, ""));
        same(&apr1(password.as_bytes(), salt), hash)
    } else if let Some(digest) = hash.strip_prefix("{SHA}") {
        let computed = base64::engine::general_purpose::STANDARD.encode(Sha1::digest(password));
        same(&computed, digest)
    } else if hash.starts_with("$2") {
        bcrypt::verify(password, hash).unwrap_or(false)
    } else if hash.starts_with("$5$") || hash.starts_with("$6$") {
        ShaCrypt::SHA512.verify_password(password.as_bytes(), hash).is_ok()
    } else if hash.starts_with("$argon2") {
        PasswordHash::new(hash).is_ok_and(|parsed| {
            Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok()
        })
    } else {
        tracing::warn!("a line of the password file has a hash of an unknown or unsafe kind");
        false
    }
}

/// Compares in a time that does not depend on where two texts differ.
fn same(one: &str, two: &str) -> bool {
    one.len() == two.len()
        && one.bytes().zip(two.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Apache's variant of the MD5-based crypt.
fn apr1(password: &[u8], salt: &str) -> String {
    let salt: String = salt.chars().take(8).collect();
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt.as_bytes())
        .chain_update(password)
        .finalize();
    let mut outer = Md5::new();
    outer.update(password);
    outer.update(b"$apr1$");
    outer.update(salt.as_bytes());
    outer.update(inner.iter().copied().cycle().take(password.len()).collect::<Vec<u8>>());
    let mut bits = password.len();
    while bits > 0 {
        let first = password.first().copied().unwrap_or(0);
        outer.update([if bits & 1 == 1 { 0 } else { first }]);
        bits >>= 1;
    }
    let mut digest: [u8; 16] = outer.finalize().into();
    for round in 0..1000 {
        let mut context = Md5::new();
        if round % 2 == 1 {
            context.update(password)
        } else {
            context.update(digest)
        }
        if round % 3 != 0 {
            context.update(salt.as_bytes());
        }
        if round % 7 != 0 {
            context.update(password);
        }
        if round % 2 == 1 {
            context.update(digest)
        } else {
            context.update(password)
        }
        digest = context.finalize().into();
    }
    format!("$apr1${salt}${}", crypt_base64(digest))
}

/// The order and alphabet in which the MD5-based crypt writes its digest.
fn crypt_base64(d: [u8; 16]) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let groups = [
        (d[0], d[6], d[12], 4),
        (d[1], d[7], d[13], 4),
        (d[2], d[8], d[14], 4),
        (d[3], d[9], d[15], 4),
        (d[4], d[10], d[5], 4),
        (0, 0, d[11], 2),
    ];
    let mut text = String::with_capacity(22);
    for (high, middle, low, count) in groups {
        let mut bits = u32::from(high) << 16 | u32::from(middle) << 8 | u32::from(low);
        for _ in 0..count {
            let symbol = ALPHABET.get((bits & 63) as usize).copied().unwrap_or(b'.');
            text.push(char::from(symbol));
            bits >>= 6;
        }
    }
    text
}

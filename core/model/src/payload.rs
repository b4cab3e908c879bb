//! Values of foreign shape: small ones stand in the record, large ones beside it as blobs.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of some bytes, as 64 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// The hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a blob is and how large it is, uncompressed, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    /// The digest of the content, which is its name.
    pub digest: Digest,
    /// Length of the content in bytes.
    pub bytes: u64,
}

/// A value that stands in the record or, beyond [`Payload::INLINE_BYTES_MAX`], in a blob.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Payload {
    /// The value itself.
    Inline(Value),
    /// The place of its JSON text.
    Blob(BlobRef),
}

impl Payload {
    /// Larger JSON texts are stored as blobs.
    pub const INLINE_BYTES_MAX: usize = 256 * 1024;

    /// The value, when it stands in the record.
    #[must_use]
    pub const fn inline(&self) -> Option<&Value> {
        match self {
            Self::Inline(value) => Some(value),
            Self::Blob(_) => None,
        }
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Self::Inline(value)
    }
}

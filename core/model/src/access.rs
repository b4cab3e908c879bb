//! Users and what they prove themselves with.

use serde::{Deserialize, Serialize};

use crate::{Digest, Id, Object, Timestamp, kinds};

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Follows from the name.
    pub id: Id<kinds::User>,
    /// The name.
    pub name: String,
    /// Whether a service, not a person.
    pub is_service: bool,
    /// Names elsewhere, by origin.
    pub nicknames: Object,
}

impl User {
    /// The id of the user `name`.
    #[must_use]
    pub fn id_of(name: &str) -> Id<kinds::User> {
        Id::derived(&["user", name])
    }
}

/// A token. Only the digest of its secret is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: Id<kinds::Token>,
    /// Whose it is.
    pub user: String,
    /// Digest of the secret.
    pub token: Digest,
    /// When it ends.
    pub expiry: Timestamp,
    /// What it is for.
    pub metadata: Object,
    /// Whether a service holds it.
    pub service: bool,
}

/// An API key. Only the hash of the key is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: Id<kinds::ApiKey>,
    /// Whose it is.
    pub user: String,
    /// Hash of the key.
    pub key_hash: String,
    /// What it is for.
    pub metadata: Object,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it opens anything.
    pub enabled: bool,
}

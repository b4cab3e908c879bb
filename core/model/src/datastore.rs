//! The datastore: key-value pairs of the system and of users.

use serde::{Deserialize, Serialize};

use crate::{Id, Timestamp, Uid, kinds};

/// Whose a key-value pair is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Everybody's: `st2kv.system`.
    System,
    /// One user's: `st2kv.user`.
    User(String),
}

impl Scope {
    /// The full name that clients see.
    #[must_use]
    pub const fn full_name(&self) -> &'static str {
        match self {
            Self::System => "st2kv.system",
            Self::User(_) => "st2kv.user",
        }
    }
}

/// A datastore item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyValue {
    /// Follows from scope and name.
    pub id: Id<kinds::KeyValue>,
    /// Whose it is.
    pub scope: Scope,
    /// The name, without a user prefix.
    pub name: String,
    /// The text, or the ciphertext when `secret`.
    pub value: String,
    /// Whether the value is encrypted.
    pub secret: bool,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_timestamp: Option<Timestamp>,
}

impl KeyValue {
    /// The id of the item `name` in `scope`.
    #[must_use]
    pub fn id_of(scope: &Scope, name: &str) -> Id<kinds::KeyValue> {
        match scope {
            Scope::System => Id::derived(&["key_value_pair", "system", name]),
            Scope::User(user) => Id::derived(&["key_value_pair", "user", user, name]),
        }
    }

    /// `key_value_pair:<full scope>:<stored name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        let full = self.scope.full_name();
        match &self.scope {
            Scope::System => Uid::of(&["key_value_pair", full, &self.name]),
            Scope::User(user) => Uid::of(&["key_value_pair", full, user, &self.name]),
        }
    }
}

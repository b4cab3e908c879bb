//! References (`pack.name`) and uids (`kind:pack:name`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A reference to a resource of a pack, split at the first dot: the pack has none, the name may.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceRef {
    pack: String,
    name: String,
}

/// A reference to an action.
pub type ActionRef = ResourceRef;

impl ResourceRef {
    /// The reference to `name` of `pack`.
    ///
    /// # Errors
    /// When either is empty or the pack contains a dot.
    pub fn new(pack: &str, name: &str) -> Result<Self, ParseRefError> {
        if pack.is_empty() || name.is_empty() || pack.contains('.') {
            return Err(ParseRefError(format!("{pack}.{name}")));
        }
        Ok(Self { pack: pack.to_owned(), name: name.to_owned() })
    }

    /// The pack's ref.
    #[must_use]
    pub fn pack(&self) -> &str {
        &self.pack
    }

    /// The name within the pack.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A text that is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid resource reference \"{0}\": pack.name is expected")]
pub struct ParseRefError(pub String);

impl FromStr for ResourceRef {
    type Err = ParseRefError;

    fn from_str(text: &str) -> Result<Self, ParseRefError> {
        let (pack, name) = text.split_once('.').ok_or_else(|| ParseRefError(text.to_owned()))?;
        Self::new(pack, name)
    }
}

impl fmt::Display for ResourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.pack, self.name)
    }
}

impl Serialize for ResourceRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A uid: the resource type and its parts, joined by colons. Derived, never stored by hand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(String);

impl Uid {
    /// The uid of these parts; the first is the resource type.
    #[must_use]
    pub fn of(parts: &[&str]) -> Self {
        Self(parts.join(":"))
    }

    /// The text of the uid.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

//! Pack configs and their schemas.

use serde::{Deserialize, Serialize};

use crate::{Id, Object, kinds};

/// The schema of a pack's config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigSchema {
    /// Follows from the pack.
    pub id: Id<kinds::ConfigSchema>,
    /// The pack's ref.
    pub pack: String,
    /// Definitions by name.
    pub attributes: Object,
}

impl ConfigSchema {
    /// The id of the config schema of `pack`.
    #[must_use]
    pub fn id_of(pack: &str) -> Id<kinds::ConfigSchema> {
        Id::derived(&["config_schema", pack])
    }
}

/// A pack's config, as written: datastore expressions are resolved at use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Follows from the pack.
    pub id: Id<kinds::Config>,
    /// The pack's ref.
    pub pack: String,
    /// Values by name.
    pub values: Object,
}

impl Config {
    /// The id of the config of `pack`.
    #[must_use]
    pub fn id_of(pack: &str) -> Id<kinds::Config> {
        Id::derived(&["config", pack])
    }
}

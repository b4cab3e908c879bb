//! Action aliases: chat phrases that request actions.

use serde::{Deserialize, Serialize};

use crate::{Id, Object, ResourceRef, Uid, kinds};

/// One phrase of an alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AliasFormat {
    /// A phrase that is shown as it is matched.
    Text(String),
    /// What is shown and what is matched, apart. Kept as it was written.
    Detailed(Object),
}

/// An action alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionAlias {
    /// Follows from the ref.
    pub id: Id<kinds::ActionAlias>,
    /// `pack.name`.
    #[serde(rename = "ref")]
    pub reference: ResourceRef,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is matched.
    pub enabled: bool,
    /// Ref of the action; it need not exist.
    pub action_ref: String,
    /// The phrases.
    pub formats: Vec<AliasFormat>,
    /// What is said when the phrase was understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack: Option<Object>,
    /// What is said at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Object>,
    /// For chat adapters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Object>,
    /// Parameters that the phrase can not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable_parameters: Option<Object>,
    /// Path of the defining file relative to the pack.
    pub metadata_file: String,
}

impl ActionAlias {
    /// The id of the alias `reference`.
    #[must_use]
    pub fn id_of(reference: &ResourceRef) -> Id<kinds::ActionAlias> {
        Id::derived(&["action_alias", reference.pack(), reference.name()])
    }

    /// `action_alias:<pack>:<name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["action_alias", self.reference.pack(), self.reference.name()])
    }
}

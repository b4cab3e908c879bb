//! Policies on actions and their types.

use serde::{Deserialize, Serialize};

use crate::{Id, Object, ResourceRef, Uid, kinds};

/// A kind of policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyType {
    /// Follows from resource type and name.
    pub id: Id<kinds::PolicyType>,
    /// The name within the resource type, as `concurrency.attr`.
    pub name: String,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it applies to: `action`.
    pub resource_type: String,
    /// Not consulted; kept for clients.
    pub enabled: bool,
    /// StackStorm's Python module of that kind; kept for clients.
    pub module: String,
    /// Parameter definitions by name.
    pub parameters: Object,
}

impl PolicyType {
    /// The id of a policy type.
    #[must_use]
    pub fn id_of(resource_type: &str, name: &str) -> Id<kinds::PolicyType> {
        Id::derived(&["policy_type", resource_type, name])
    }

    /// `<resource type>.<name>`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}.{}", self.resource_type, self.name)
    }

    /// `policy_type:<resource type>:<name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["policy_type", &self.resource_type, &self.name])
    }
}

/// A policy on one action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Follows from the ref.
    pub id: Id<kinds::Policy>,
    /// `pack.name`.
    #[serde(rename = "ref")]
    pub reference: ResourceRef,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it is applied.
    pub enabled: bool,
    /// Ref of the action.
    pub resource_ref: String,
    /// Ref of the policy type, as `action.concurrency`.
    pub policy_type: String,
    /// Values of the type's parameters, defaults included.
    pub parameters: Object,
    /// Path of the defining file relative to the pack.
    pub metadata_file: String,
}

impl Policy {
    /// The id of the policy `reference`.
    #[must_use]
    pub fn id_of(reference: &ResourceRef) -> Id<kinds::Policy> {
        Id::derived(&["policy", reference.pack(), reference.name()])
    }

    /// `policy:<pack>:<name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["policy", self.reference.pack(), self.reference.name()])
    }
}

//! Rules and rule types.

use serde::{Deserialize, Serialize};

use crate::{Id, Object, ResourceRef, Tag, Uid, kinds};

/// The action that a rule requests, with templates as parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleAction {
    /// Ref of the action; it need not exist when the rule is made.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Templates by parameter name.
    #[serde(default)]
    pub parameters: Object,
}

/// A rule's type: `standard` or `backstop`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleTypeSpec {
    /// Ref of the rule type.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Parameters of the type.
    #[serde(default)]
    pub parameters: Object,
}

/// A rule: when this trigger comes and its payload meets these criteria, request this action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Follows from the ref.
    pub id: Id<kinds::Rule>,
    /// `pack.name`.
    #[serde(rename = "ref")]
    pub reference: ResourceRef,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: RuleTypeSpec,
    /// Ref of the trigger (not of the trigger type).
    pub trigger: String,
    /// Criteria by payload path, as written.
    pub criteria: Object,
    /// What is requested.
    pub action: RuleAction,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// `{"user": …}`.
    pub context: Object,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Path of the defining file relative to the pack.
    pub metadata_file: String,
}

impl Rule {
    /// The id of the rule `reference`.
    #[must_use]
    pub fn id_of(reference: &ResourceRef) -> Id<kinds::Rule> {
        Id::derived(&["rule", reference.pack(), reference.name()])
    }

    /// `rule:<pack>:<name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["rule", self.reference.pack(), self.reference.name()])
    }
}

/// A kind of rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleType {
    /// Follows from the name.
    pub id: Id<kinds::RuleType>,
    /// `standard` or `backstop`.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Parameter definitions by name.
    pub parameters: Object,
}

impl RuleType {
    /// The id of the rule type `name`.
    #[must_use]
    pub fn id_of(name: &str) -> Id<kinds::RuleType> {
        Id::derived(&["rule_type", name])
    }
}

//! Rule enforcements: the record that a rule fired.

use serde::{Deserialize, Serialize};

use crate::{Id, ResourceRef, Timestamp, kinds};

/// Whether the action could be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnforcementStatus {
    /// An execution was requested.
    Succeeded,
    /// None could be; the reason is recorded.
    Failed,
}

/// The rule that fired, as it was then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleIdentity {
    /// `pack.name`.
    #[serde(rename = "ref")]
    pub reference: ResourceRef,
    /// Its id.
    pub id: Id<kinds::Rule>,
    /// Its uid.
    pub uid: String,
}

/// The record that a rule fired for a trigger instance. At most one per pair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleEnforcement {
    /// Follows from trigger instance and rule.
    pub id: Id<kinds::RuleEnforcement>,
    /// What it fired for.
    pub trigger_instance_id: Id<kinds::TriggerInstance>,
    /// What it requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<Id<kinds::Execution>>,
    /// Why it could not request anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The rule.
    pub rule: RuleIdentity,
    /// When.
    pub enforced_at: Timestamp,
    /// The outcome.
    pub status: EnforcementStatus,
}

impl RuleEnforcement {
    /// The id of the enforcement of `rule` for `instance`.
    #[must_use]
    pub fn id_of(
        instance: &Id<kinds::TriggerInstance>,
        rule: &Id<kinds::Rule>,
    ) -> Id<kinds::RuleEnforcement> {
        let (i, r) = (instance.to_string(), rule.to_string());
        Id::derived_at(instance.created_at(), &["rule_enforcement", &i, &r])
    }
}

//! Every collection, its indexes, and the record type that lives in it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use st2_model as model;

use crate::{Collection, Index};

/// A record that is stored in a collection of its own.
pub trait Entity: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Where it lives.
    fn collection() -> &'static Collection;

    /// The id under which it is stored.
    fn document_id(&self) -> String;
}

const fn index(name: &'static str, paths: &'static [&'static str]) -> Index {
    Index {
        name,
        paths,
        unique: false,
    }
}

macro_rules! collections {
    ($($constant:ident: $entity:ty = $name:literal [$($index:ident($($path:literal),+)),* $(,)?] $(expires $expires:literal)?;)*) => {
        $(
            static $constant: Collection = Collection {
                name: $name,
                indexes: &[$(index(stringify!($index), &[$($path),+])),*],
                expires: collections!(@expires $($expires)?),
            };
            impl Entity for $entity {
                fn collection() -> &'static Collection {
                    &$constant
                }
                fn document_id(&self) -> String {
                    self.id.to_string()
                }
            }
        )*
        /// Every collection.
        pub static ALL: &[&Collection] = &[$(&$constant),*];
    };
    (@expires) => { None };
    (@expires $path:literal) => { Some($path) };
}

collections! {
    PACKS: model::Pack = "pack" [by_ref("ref")];
    RUNNER_TYPES: model::RunnerType = "runner_type" [by_name("name")];
    ACTIONS: model::Action = "action" [by_ref("ref")];
    ALIASES: model::ActionAlias = "action_alias" [by_ref("ref")];
    RULES: model::Rule = "rule" [by_ref("ref"), by_trigger("trigger")];
    RULE_TYPES: model::RuleType = "rule_type" [];
    TRIGGER_TYPES: model::TriggerType = "trigger_type" [by_ref("ref")];
    TRIGGERS: model::Trigger = "trigger" [by_ref("ref"), by_type("type")];
    TRIGGER_INSTANCES: model::TriggerInstance = "trigger_instance" [
        by_time("occurrence_time"),
        by_trigger("trigger", "occurrence_time"),
        by_status("status", "occurrence_time"),
    ];
    ENFORCEMENTS: model::RuleEnforcement = "rule_enforcement" [
        by_instance("trigger_instance_id"),
        by_execution("execution_id"),
        by_rule("rule.ref", "enforced_at"),
        by_time("enforced_at"),
    ];
    SENSOR_TYPES: model::SensorType = "sensor_type" [by_ref("ref")];
    POLICY_TYPES: model::PolicyType = "policy_type" [];
    POLICIES: model::Policy = "policy" [by_ref("ref"), by_resource("resource_ref")];
    CONFIG_SCHEMAS: model::ConfigSchema = "config_schema" [];
    CONFIGS: model::Config = "config" [];
    KEY_VALUES: model::KeyValue = "key_value_pair" [by_name("name")] expires "expire_timestamp";
    EXECUTIONS: model::Execution = "execution" [
        by_status("status", "start_timestamp"),
        by_action("action", "status", "start_timestamp"),
        by_time("start_timestamp"),
        by_due("due"),
        by_owner("owner.lease"),
        by_parent("parent", "start_timestamp"),
        by_live_action("live_action"),
        by_trigger_instance("origin.trigger_instance"),
    ];
    OUTPUT: model::OutputChunk = "execution_output" [by_execution("execution_id", "sequence")];
    USERS: model::User = "user" [];
    TOKENS: model::Token = "token" [by_token("token"), by_expiry("expiry")];
    API_KEYS: model::ApiKey = "api_key" [by_hash("key_hash"), by_user("user")];
    SNAPSHOTS: model::Snapshot = "snapshot" [];
}

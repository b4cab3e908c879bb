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
    Index { name, paths, unique: false }
}

const fn unique(name: &'static str, paths: &'static [&'static str]) -> Index {
    Index { name, paths, unique: true }
}

macro_rules! collections {
    ($($constant:ident: $entity:ty = $name:literal [$($kind:ident $index:ident($($path:literal),+)),* $(,)?] $(expires $expires:literal)?;)*) => {
        $(
            static $constant: Collection = Collection {
                name: $name,
                indexes: &[$($kind(stringify!($index), &[$($path),+])),*],
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
    PACKS: model::Pack = "pack" [index by_ref("ref")];
    RUNNER_TYPES: model::RunnerType = "runner_type" [index by_name("name")];
    ACTIONS: model::Action = "action" [index by_ref("ref")];
    ALIASES: model::ActionAlias = "action_alias" [index by_ref("ref")];
    RULES: model::Rule = "rule" [index by_ref("ref"), index by_trigger("trigger")];
    RULE_TYPES: model::RuleType = "rule_type" [];
    TRIGGER_TYPES: model::TriggerType = "trigger_type" [index by_ref("ref")];
    TRIGGERS: model::Trigger = "trigger" [index by_ref("ref"), index by_type("type")];
    TRIGGER_INSTANCES: model::TriggerInstance = "trigger_instance" [
        index by_time("occurrence_time"),
        index by_trigger("trigger", "occurrence_time"),
        index by_status("status", "occurrence_time"),
        unique by_dedupe("dedupe"),
    ];
    ENFORCEMENTS: model::RuleEnforcement = "rule_enforcement" [
        index by_instance("trigger_instance_id"),
        index by_execution("execution_id"),
        index by_rule("rule.ref", "enforced_at"),
        index by_time("enforced_at"),
    ];
    SENSOR_TYPES: model::SensorType = "sensor_type" [index by_ref("ref")];
    SENSOR_STATUSES: model::SensorStatus = "sensor_status" [];
    POLICY_TYPES: model::PolicyType = "policy_type" [];
    POLICIES: model::Policy = "policy" [index by_ref("ref"), index by_resource("resource_ref")];
    CONFIG_SCHEMAS: model::ConfigSchema = "config_schema" [];
    CONFIGS: model::Config = "config" [];
    KEY_VALUES: model::KeyValue = "key_value_pair" [index by_name("name")] expires "expire_timestamp";
    EXECUTIONS: model::Execution = "execution" [
        index by_status("status", "start_timestamp"),
        index by_action("action", "status", "start_timestamp"),
        index by_time("start_timestamp"),
        index by_due("due"),
        index by_owner("owner.lease"),
        index by_parent("parent", "start_timestamp"),
        index by_live_action("live_action"),
        index by_trigger_instance("origin.trigger_instance"),
    ];
    OUTPUT: model::OutputChunk = "execution_output" [index by_execution("execution_id", "sequence")];
    USERS: model::User = "user" [];
    TOKENS: model::Token = "token" [index by_token("token"), index by_expiry("expiry")];
    API_KEYS: model::ApiKey = "api_key" [index by_hash("key_hash"), index by_user("user")];
    SNAPSHOTS: model::Snapshot = "snapshot" [];
}

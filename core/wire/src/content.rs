//! Content records as API clients see them.
//!
//! What is absent in the record is absent in the answer; empty objects, lists and texts stay. Uids
//! and the parts of a ref are computed here, never stored. Nothing is masked: who asks decides that.

use serde_json::{Value, json};
use st2_model::{
    Action, ActionAlias, Config, ConfigSchema, KeyValue, Object, Pack, Policy, PolicyType, Rule,
    RuleType, RunnerType, Scope, SensorType, Tag, Trigger, TriggerType,
};

use crate::view::View;

fn tags(tags: &[Tag]) -> Value {
    tags.iter().map(|tag| json!({"name": tag.name, "value": tag.value})).collect()
}

fn or_empty(object: Option<&Object>) -> Object {
    object.cloned().unwrap_or_default()
}

/// A pack.
#[must_use]
pub fn pack(pack: &Pack) -> Value {
    View::new()
        .with("uid", pack.uid().as_str())
        .with("ref", pack.reference.as_str())
        .with("name", pack.name.as_str())
        .with("description", pack.description.as_str())
        .with("keywords", pack.keywords.clone())
        .with("version", pack.version.as_str())
        .maybe("stackstorm_version", pack.stackstorm_version.clone())
        .with("python_versions", pack.python_versions.clone())
        .with("author", pack.author.as_str())
        .maybe("email", pack.email.clone())
        .with("contributors", pack.contributors.clone())
        .with("files", pack.files.clone())
        .maybe("path", pack.path.clone())
        .with("dependencies", pack.dependencies.clone())
        .with("system", pack.system.clone())
        .done(pack.id)
}

/// A runner type.
#[must_use]
pub fn runner_type(runner: &RunnerType) -> Value {
    View::new()
        .with("name", runner.name.as_str())
        .maybe("description", runner.description.clone())
        .with("uid", runner.uid().as_str())
        .with("enabled", runner.enabled)
        .with("runner_package", runner.runner_package.as_str())
        .with("runner_module", runner.runner_module.as_str())
        .with("runner_parameters", runner.runner_parameters.clone())
        .maybe("output_key", runner.output_key.clone())
        .with("output_schema", runner.output_schema.clone())
        .done(runner.id)
}

/// An action. `idempotent`, which StackStorm does not know, is shown where it is set, so that a
/// client that sends back what it got changes nothing.
#[must_use]
pub fn action(action: &Action) -> Value {
    View::new()
        .with("tags", tags(&action.tags))
        .with("uid", action.uid().as_str())
        .with("metadata_file", action.metadata_file.as_str())
        .named(&action.reference)
        .maybe("description", action.description.clone())
        .with("enabled", action.enabled)
        .with("entry_point", action.entry_point.as_str())
        .with("runner_type", action.runner_type.as_str())
        .with("parameters", action.parameters.clone())
        .with("output_schema", action.output_schema.clone())
        .with("notify", notify(action))
        .maybe("idempotent", action.idempotent.then_some(true))
        .done(action.id)
}

fn notify(action: &Action) -> Value {
    serde_json::to_value(&action.notify).unwrap_or_else(|_| json!({}))
}

/// A rule with the trigger that it waits for. The bare ref stands in the trigger's place when the
/// trigger is gone.
#[must_use]
pub fn rule(rule: &Rule, trigger: Option<&Trigger>) -> Value {
    let trigger = trigger.map_or_else(
        || Value::from(rule.trigger.as_str()),
        |trigger| {
            json!({
                "type": trigger.kind.to_string(),
                "parameters": trigger.parameters,
                "ref": trigger.reference.to_string(),
            })
        },
    );
    View::new()
        .with("tags", tags(&rule.tags))
        .with("uid", rule.uid().as_str())
        .with("metadata_file", rule.metadata_file.as_str())
        .named(&rule.reference)
        .maybe("description", rule.description.clone())
        .with("type", json!({"ref": rule.kind.reference, "parameters": rule.kind.parameters}))
        .with("trigger", trigger)
        .with("criteria", rule.criteria.clone())
        .with("action", json!({"ref": rule.action.reference, "parameters": rule.action.parameters}))
        .with("context", rule.context.clone())
        .with("enabled", rule.enabled)
        .done(rule.id)
}

/// A rule type.
#[must_use]
pub fn rule_type(kind: &RuleType) -> Value {
    View::new()
        .with("name", kind.name.as_str())
        .with("description", kind.description.as_str())
        .with("enabled", kind.enabled)
        .with("parameters", kind.parameters.clone())
        .done(kind.id)
}

/// A trigger type.
#[must_use]
pub fn trigger_type(kind: &TriggerType) -> Value {
    View::new()
        .maybe("description", kind.description.clone())
        .with("tags", tags(&kind.tags))
        .with("uid", kind.uid().as_str())
        .maybe("metadata_file", kind.metadata_file.clone())
        .named(&kind.reference)
        .with("payload_schema", kind.payload_schema.clone())
        .with("parameters_schema", kind.parameters_schema.clone())
        .done(kind.id)
}

/// A trigger.
#[must_use]
pub fn trigger(trigger: &Trigger) -> Value {
    View::new()
        .maybe("description", trigger.description.clone())
        .with("uid", trigger.uid().as_str())
        .named(&trigger.reference)
        .with("type", trigger.kind.to_string())
        .with("parameters", trigger.parameters.clone())
        .done(trigger.id)
}

/// A sensor type.
#[must_use]
pub fn sensor_type(sensor: &SensorType) -> Value {
    View::new()
        .maybe("description", sensor.description.clone())
        .with("uid", sensor.uid().as_str())
        .with("metadata_file", sensor.metadata_file.as_str())
        .named(&sensor.reference)
        .with("artifact_uri", sensor.artifact_uri.as_str())
        .with("entry_point", sensor.entry_point.as_str())
        .with("trigger_types", sensor.trigger_types.clone())
        .maybe("poll_interval", sensor.poll_interval.clone().map(Value::Number))
        .with("enabled", sensor.enabled)
        .done(sensor.id)
}

/// An action alias.
#[must_use]
pub fn alias(alias: &ActionAlias) -> Value {
    let formats = serde_json::to_value(&alias.formats).unwrap_or_else(|_| json!([]));
    View::new()
        .maybe("description", alias.description.clone())
        .with("uid", alias.uid().as_str())
        .with("metadata_file", alias.metadata_file.as_str())
        .named(&alias.reference)
        .with("enabled", alias.enabled)
        .with("action_ref", alias.action_ref.as_str())
        .with("formats", formats)
        .with("ack", or_empty(alias.ack.as_ref()))
        .with("result", or_empty(alias.result.as_ref()))
        .with("extra", or_empty(alias.extra.as_ref()))
        .with("immutable_parameters", or_empty(alias.immutable_parameters.as_ref()))
        .done(alias.id)
}

/// A policy type.
#[must_use]
pub fn policy_type(kind: &PolicyType) -> Value {
    View::new()
        .with("name", kind.name.as_str())
        .maybe("description", kind.description.clone())
        .with("uid", kind.uid().as_str())
        .with("ref", kind.reference())
        .with("resource_type", kind.resource_type.as_str())
        .with("enabled", kind.enabled)
        .with("module", kind.module.as_str())
        .with("parameters", kind.parameters.clone())
        .done(kind.id)
}

/// A policy.
#[must_use]
pub fn policy(policy: &Policy) -> Value {
    View::new()
        .maybe("description", policy.description.clone())
        .with("uid", policy.uid().as_str())
        .with("metadata_file", policy.metadata_file.as_str())
        .named(&policy.reference)
        .with("enabled", policy.enabled)
        .with("resource_ref", policy.resource_ref.as_str())
        .with("policy_type", policy.policy_type.as_str())
        .with("parameters", policy.parameters.clone())
        .done(policy.id)
}

/// A pack's config, unmasked.
#[must_use]
pub fn config(config: &Config) -> Value {
    View::new()
        .with("pack", config.pack.as_str())
        .with("values", config.values.clone())
        .done(config.id)
}

/// The schema of a pack's config.
#[must_use]
pub fn config_schema(schema: &ConfigSchema) -> Value {
    View::new()
        .with("pack", schema.pack.as_str())
        .with("attributes", schema.attributes.clone())
        .done(schema.id)
}

/// A datastore item. A secret shows its ciphertext.
#[must_use]
pub fn key_value(item: &KeyValue) -> Value {
    let view = View::new()
        .with("uid", item.uid().as_str())
        .with("scope", item.scope.full_name())
        .with("name", item.name.as_str())
        .maybe("description", item.description.clone())
        .with("value", item.value.as_str())
        .with("secret", item.secret)
        .maybe("expire_timestamp", item.expire_timestamp.map(|at| at.to_string()));
    let Value::Object(mut object) = view.done(item.id) else { return Value::Null };
    if let Scope::User(user) = &item.scope {
        object.insert("user".to_owned(), user.as_str().into());
    }
    object.insert("encrypted".to_owned(), item.secret.into());
    Value::Object(object)
}

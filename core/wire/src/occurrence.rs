//! Trigger instances, rule enforcements and the state of sensors as API clients see them.

use serde_json::{Map, Value, json};
use st2_model::{EnforcementStatus, RuleEnforcement, SensorStatus, TriggerInstance};

use crate::view::View;

/// A trigger instance with its payload, wherever that is stored.
#[must_use]
pub fn trigger_instance(instance: &TriggerInstance, payload: Value) -> Value {
    View::new()
        .with("trigger", instance.trigger.to_string())
        .with("occurrence_time", instance.occurrence_time.to_string())
        .with("status", instance.status.as_str())
        .id(instance.id)
        .with("payload", payload)
        .into_value()
}

/// A rule enforcement.
#[must_use]
pub fn rule_enforcement(enforcement: &RuleEnforcement) -> Value {
    let status = match enforcement.status {
        EnforcementStatus::Succeeded => "succeeded",
        EnforcementStatus::Failed => "failed",
    };
    View::new()
        .with("trigger_instance_id", enforcement.trigger_instance_id.to_string())
        .maybe("execution_id", enforcement.execution_id.map(|id| id.to_string()))
        .maybe("failure_reason", enforcement.failure_reason.clone())
        .with(
            "rule",
            json!({
                "ref": enforcement.rule.reference.to_string(),
                "id": enforcement.rule.id.to_string(),
                "uid": enforcement.rule.uid,
            }),
        )
        .with("enforced_at", enforcement.enforced_at.to_string())
        .with("status", status)
        .done(enforcement.id)
}

/// A rule enforcement with what it was for and what it requested: the trigger instance and a
/// short form of the execution, both empty when they are gone.
#[must_use]
pub fn rule_enforcement_view(
    enforcement: &RuleEnforcement,
    instance: Option<Value>,
    execution: Option<Value>,
) -> Value {
    let mut view = rule_enforcement(enforcement);
    if let Some(members) = view.as_object_mut() {
        let nothing = || Value::Object(Map::new());
        members.insert("trigger_instance".to_owned(), instance.unwrap_or_else(nothing));
        members.insert("execution".to_owned(), execution.unwrap_or_else(nothing));
    }
    view
}

/// Where a sensor stands, which StackStorm does not tell.
#[must_use]
pub fn sensor_status(status: &SensorStatus) -> Value {
    View::new()
        .with("ref", status.reference.to_string())
        .with("node", status.node.as_str())
        .with("state", serde_json::to_value(status.state).unwrap_or_default())
        .with("since", status.since.to_string())
        .maybe("pid", status.pid)
        .maybe("epoch", status.epoch.map(|epoch| epoch.0))
        .with("restarts", status.restarts)
        .maybe("last_error", status.last_error.clone())
        .with("triggers", status.triggers.clone())
        .with("log_tail", status.log_tail.clone())
        .done(status.id)
}

//! What a matching rule asks for.

use serde_json::{Value, json};
use st2_model::{Object, Rule, TriggerInstance};

/// The request of a rule that matched. Its parameters are still templates: they are rendered where
/// every request is (`core/execution`), against the action's schema and the variables given here.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRequest {
    /// Ref of the action, as the rule names it; whether it exists is seen later.
    pub action: String,
    /// Templates by parameter name.
    pub parameters: Object,
    /// Context of the execution, which templates see as `action_context`.
    pub context: Object,
    /// Further variables of the templates: `trigger`, the payload.
    pub variables: Object,
}

impl RuleRequest {
    /// What `rule` asks for when `instance` with this `payload` matches it. Rules always act as
    /// `system_user`; `trace` is `{"id_": …, "trace_tag": …}` when the occurrence is traced.
    #[must_use]
    pub fn new(
        rule: &Rule,
        instance: &TriggerInstance,
        payload: &Value,
        system_user: &str,
        trace: Option<Value>,
    ) -> Self {
        let context = [
            ("trigger_instance", json!({"id": instance.id.to_string(), "name": null})),
            ("rule", json!({"id": rule.id.to_string(), "name": rule.reference.name()})),
            ("user", json!(system_user)),
            ("pack", json!(rule.reference.pack())),
            ("trace_context", trace.unwrap_or_default()),
        ];
        let context = context
            .into_iter()
            .filter(|(name, value)| *name != "trace_context" || !value.is_null())
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let mut variables = Object::new();
        variables.insert("trigger".to_owned(), payload.clone());
        Self {
            action: rule.action.reference.clone(),
            parameters: rule.action.parameters.clone(),
            context,
            variables,
        }
    }
}

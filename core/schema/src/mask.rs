//! Secrets are replaced before a value leaves the system.

use serde_json::{Map, Value, json};

use crate::pattern;

/// What stands in the place of a secret.
pub const MASK: &str = "********";

/// Replaces every part of `value` whose definition says `secret: true`, whatever its type.
pub fn mask(value: &mut Value, schema: &Value) {
    let Some(schema) = schema.as_object() else {
        return;
    };
    if schema.get("secret") == Some(&json!(true)) {
        *value = Value::from(MASK);
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                for definition in member_definitions(schema, name) {
                    mask(member, definition);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                if let Some(definition) = item_definition(schema, index) {
                    mask(item, definition);
                }
            }
        }
        _ => {}
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for branch in schema.get(keyword).and_then(Value::as_array).into_iter().flatten() {
            mask(value, branch);
        }
    }
}

/// Masks parameters of a request or an execution. A parameter is secret when the runner or the
/// action says so.
pub fn mask_parameters(
    parameters: &mut Map<String, Value>,
    runner: &Map<String, Value>,
    action: &Map<String, Value>,
) {
    for (name, value) in parameters {
        for definition in [runner.get(name), action.get(name)].into_iter().flatten() {
            mask(value, definition);
        }
    }
}

/// Masks `result[output_key]` by the output schema of the action; the old form, a bare mapping of
/// properties, is understood too.
pub fn mask_output(result: &mut Value, output_key: &str, output_schema: &Value) {
    let Some(output) = result.get_mut(output_key) else {
        return;
    };
    let is_schema = output_schema.get("type").is_some_and(|kind| !kind.is_object());
    if is_schema {
        mask(output, output_schema);
    } else {
        mask(output, &json!({"properties": output_schema}));
    }
}

fn member_definitions<'a>(schema: &'a Map<String, Value>, name: &str) -> Vec<&'a Value> {
    let mut found: Vec<&Value> = Vec::new();
    if let Some(definition) = schema.get("properties").and_then(|all| all.get(name)) {
        found.push(definition);
    }
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    for (pattern, definition) in patterns.into_iter().flatten() {
        // A pattern that cannot be read, or takes too long, might have matched: mask.
        let matches =
            pattern::compile(pattern).is_none_or(|regex| regex.is_match(name).unwrap_or(true));
        if matches {
            found.push(definition);
        }
    }
    if found.is_empty() {
        found.extend(schema.get("additionalProperties"));
    }
    found
}

fn item_definition(schema: &Map<String, Value>, index: usize) -> Option<&Value> {
    match schema.get("items") {
        Some(Value::Array(positional)) => {
            positional.get(index).or_else(|| schema.get("additionalItems"))
        }
        single => single,
    }
}

//! What the output of an action looks like, guessed from one result.

use serde_json::{Map, Value, json};

use super::{table, yaml};

/// A framed proposal for `output_schema`.
pub(crate) fn proposal(result: &Value) -> String {
    let schema = json!({ "output_schema": fields(result) });
    let text = yaml::to_text(&schema, yaml::TEXT);
    let mut lines = vec!["Based on the action output the following inferred schema was built:", ""];
    lines.extend(text.split('\n'));
    format!("\n{}", table::boxed(&lines))
}

/// The hint that takes the place of the proposal.
pub(crate) const HINT: &str = "\nThe action has no output schema. Run the command with --with-schema to see one that fits this result.";

fn fields(value: &Value) -> Value {
    let Some(found) = value.as_object() else {
        return json!({});
    };
    Value::Object(found.iter().map(|(name, value)| (name.clone(), describe(value))).collect())
}

fn describe(value: &Value) -> Value {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let mut described = Map::new();
    described.insert("type".to_owned(), kind.into());
    if value.is_object() {
        described.insert("parameters".to_owned(), fields(value));
    }
    Value::Object(described)
}

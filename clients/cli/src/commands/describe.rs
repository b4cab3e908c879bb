//! What an action takes: `st2 run REF -h`.

use serde_json::{Map, Value};

use crate::render::wrap;

const WIDTH: usize = 78;
const DESCRIPTION_WIDTH: usize = 70;
const NAME_INDENT: usize = 4;
const TEXT_INDENT: usize = 8;

/// Description and parameters, the runner's and the action's own together.
pub(crate) fn action(action: &Value, runner: &Value) -> String {
    let description = action.get("description").and_then(Value::as_str).unwrap_or_default();
    let mut lines = vec![String::new()];
    lines.extend(wrap::fill(description, DESCRIPTION_WIDTH));
    lines.push(String::new());
    let parameters = visible(action, runner);
    let (required, optional): (Vec<_>, Vec<_>) = parameters
        .into_iter()
        .partition(|(_, fields)| fields.get("required") == Some(&Value::Bool(true)));
    for (title, section) in [("Required Parameters:", required), ("Optional Parameters:", optional)]
    {
        if !section.is_empty() {
            lines.push(title.to_owned());
            for (name, fields) in section {
                parameter(&mut lines, &name, &fields);
            }
        }
    }
    // The printer adds the last line break itself.
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.push(String::new());
    lines.join("\n").trim_end_matches('\n').to_owned() + "\n"
}

fn visible(action: &Value, runner: &Value) -> Vec<(String, Map<String, Value>)> {
    let mut merged: Map<String, Value> = Map::new();
    for declared in [runner.get("runner_parameters"), action.get("parameters")] {
        for (name, fields) in declared.and_then(Value::as_object).into_iter().flatten() {
            let known = merged.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let (Value::Object(known), Some(fields)) = (known, fields.as_object()) {
                known.extend(fields.clone());
            }
        }
    }
    let mut found: Vec<(String, Map<String, Value>)> = merged
        .into_iter()
        .filter_map(|(name, fields)| match fields {
            Value::Object(fields) if fields.get("immutable") != Some(&Value::Bool(true)) => {
                Some((name, fields))
            }
            _ => None,
        })
        .collect();
    found.sort_by_key(|(name, fields)| {
        (fields.get("position").and_then(Value::as_i64).unwrap_or(i64::MAX), name.clone())
    });
    found
}

fn parameter(lines: &mut Vec<String>, name: &str, fields: &Map<String, Value>) {
    lines.push(format!("{}{name}", " ".repeat(NAME_INDENT)));
    let indent = " ".repeat(TEXT_INDENT);
    let mut tell = |text: String| {
        let wrapped = wrap::fill(&text, WIDTH - TEXT_INDENT);
        lines.extend(wrapped.into_iter().map(|line| format!("{indent}{line}")));
    };
    if let Some(description) = fields.get("description").and_then(Value::as_str) {
        tell(description.to_owned());
    }
    if let Some(kind) = fields.get("type") {
        tell(format!("Type: {}", plain(kind)));
    }
    if let Some(allowed) = fields.get("enum").and_then(Value::as_array) {
        let allowed: Vec<String> = allowed.iter().map(plain).collect();
        tell(format!("Enum: {}", allowed.join(", ")));
    }
    if let Some(default) = fields.get("default").filter(|default| !default.is_null()) {
        tell(format!("Default: {}", plain(default)));
    }
    lines.push(String::new());
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
        other => other.to_string(),
    }
}

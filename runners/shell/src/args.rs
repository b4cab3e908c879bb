//! Arguments of scripts: parameters as words of a shell command.

use serde_json::Value;
use st2_model::Object;

/// A word as a POSIX shell reads it back.
#[must_use]
pub(crate) fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

/// The arguments of a script, quoted, with spaces between: named ones in the order of their
/// definition, then positional ones in the order of their position.
#[must_use]
pub(crate) fn arguments(definitions: &Object, values: &Object, kwarg_op: &str) -> String {
    let null = Value::Null;
    let mut positional = Vec::new();
    let mut words = Vec::new();
    for (name, definition) in definitions {
        // A name that the runner declares too is the runner's.
        let Some(value) = values.get(name) else {
            continue;
        };
        match position(definition) {
            Some(position) => positional.push((position, definition, value)),
            None => words.extend(named(name, value, kwarg_op)),
        }
    }
    // What no schema names can still have been given where the action declares nothing.
    for (name, value) in values {
        if !definitions.contains_key(name) {
            words.extend(named(name, value, kwarg_op));
        }
    }
    positional.sort_by_key(|(position, ..)| *position);
    for (_, definition, value) in positional {
        let kind = definition.get("type").unwrap_or(&null);
        words.push(quote(&positional_text(kind, value)));
    }
    words.join(" ")
}

fn position(definition: &Value) -> Option<u64> {
    let position = definition.get("position")?;
    // Content checks make sure that it is a whole number.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position that is no small whole number was refused at registration"
    )]
    position.as_u64().or_else(|| position.as_f64().map(|position| position as u64))
}

fn named(name: &str, value: &Value, kwarg_op: &str) -> Option<String> {
    let option = format!("{kwarg_op}{name}");
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) if text.is_empty() => None,
        Value::Bool(true) => Some(option),
        value => Some(format!("{}={}", quote(&option), quote(&python_text(value)))),
    }
}

/// The text of a positional argument by its declared type.
fn positional_text(kind: &Value, value: &Value) -> String {
    match (kind.as_str(), value) {
        (Some("null"), _) | (_, Value::Null) => String::new(),
        (Some("boolean"), value) => if is_true(value) { "1" } else { "0" }.to_owned(),
        (Some("array" | "list"), Value::Array(items)) => {
            let texts: Vec<String> = items.iter().map(python_text).collect();
            texts.join(",")
        }
        (Some("object"), value @ Value::Object(_)) if is_true(value) => value.to_string(),
        (Some("string" | "number" | "float"), value) | (_, value @ Value::Number(_)) => {
            python_text(value)
        }
        (_, value) if is_true(value) => python_text(value),
        _ => String::new(),
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// What Python's `str` makes of it: packs parse lists and objects with `ast.literal_eval`.
fn python_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => st2_schema::repr(value),
    }
}

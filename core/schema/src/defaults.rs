//! Missing and null properties take the default of their definition.

use serde_json::{Map, Value};

use crate::nullable::declares;

/// Fills defaults into `value`, into nested objects that are present and into array elements.
/// Filling a second time changes nothing.
pub(crate) fn fill(value: &mut Value, schema: &Value) {
    let Some(schema) = schema.as_object() else {
        return;
    };
    match value {
        Value::Object(members) => fill_object(members, schema),
        Value::Array(items) => fill_array(items, schema),
        _ => {}
    }
}

fn fill_object(members: &mut Map<String, Value>, schema: &Map<String, Value>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    // A default may satisfy what another default depends on, so look again until nothing moves.
    while properties
        .iter()
        .filter(|(name, definition)| fill_member(members, schema, name, definition))
        .count()
        > 0
    {}
    for (name, definition) in properties {
        if let (Some(member), Some(definition)) = (members.get_mut(name), definition.as_object())
            && (declares(definition, "object") || declares(definition, "array"))
        {
            fill_declared(member, definition);
        }
    }
}

/// Sets one member to its default; true when the value changed.
fn fill_member(
    members: &mut Map<String, Value>,
    schema: &Map<String, Value>,
    name: &str,
    definition: &Value,
) -> bool {
    let Some(default) = definition.get("default") else {
        return false;
    };
    let present = members.get(name);
    if present.is_some_and(|present| !present.is_null() || default.is_null()) {
        return false;
    }
    let dependencies = schema.get("dependencies").and_then(|all| all.get(name));
    if let Some(Value::Array(needed)) = dependencies
        && !needed.iter().filter_map(Value::as_str).all(|needed| members.contains_key(needed))
    {
        return false;
    }
    members.insert(name.to_owned(), default.clone());
    true
}

fn fill_array(items: &mut [Value], schema: &Map<String, Value>) {
    for (index, item) in items.iter_mut().enumerate() {
        let definition = match schema.get("items") {
            Some(Value::Array(positional)) => positional.get(index),
            single => single,
        };
        let Some(definition) = definition.and_then(Value::as_object) else {
            continue;
        };
        if item.is_null()
            && let Some(default) = definition.get("default")
        {
            *item = default.clone();
        }
        fill_declared(item, definition);
    }
}

fn fill_declared(value: &mut Value, definition: &Map<String, Value>) {
    match value {
        Value::Object(members) if declares(definition, "object") => {
            fill_object(members, definition)
        }
        Value::Array(items) if declares(definition, "array") => fill_array(items, definition),
        _ => {}
    }
}

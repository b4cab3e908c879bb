//! Optional properties without a default accept null, although their definition does not say so.

use serde_json::{Map, Value, json};

/// Opens every optional property of `schema` to null, in nested objects and in objects that are
/// array elements too.
pub(crate) fn allow_null(schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for definition in properties.values_mut() {
        let Some(definition) = definition.as_object_mut() else {
            continue;
        };
        let required = definition.get("required").and_then(Value::as_bool) == Some(true);
        let null_is_fine = match definition.get("default") {
            None => !required,
            Some(default) => default.is_null(),
        };
        let (array, object) = (declares(definition, "array"), declares(definition, "object"));
        if null_is_fine {
            open(definition);
        }
        if array && let Some(items) = definition.get_mut("items") {
            allow_null(items);
        }
        if object {
            let mut nested = Value::Object(std::mem::take(definition));
            allow_null(&mut nested);
            if let Value::Object(nested) = nested {
                *definition = nested;
            }
        }
    }
}

/// Does the definition name `kind` as its type, or as one of its types?
pub(crate) fn declares(definition: &Map<String, Value>, kind: &str) -> bool {
    match definition.get("type") {
        Some(Value::String(declared)) => declared == kind,
        Some(Value::Array(declared)) => declared.iter().any(|declared| declared == kind),
        _ => false,
    }
}

fn open(definition: &mut Map<String, Value>) {
    for keyword in ["anyOf", "oneOf"] {
        if let Some(Value::Array(branches)) = definition.get_mut(keyword) {
            if !branches.iter().any(|branch| branch.get("type") == Some(&json!("null"))) {
                branches.push(json!({"type": "null"}));
            }
            return;
        }
    }
    match definition.get_mut("type") {
        Some(Value::Array(types)) => {
            if !types.iter().any(|declared| declared == "null") {
                types.push(json!("null"));
            }
        }
        Some(Value::String(declared)) if declared == "null" => {}
        Some(Value::String(declared)) => {
            let declared = std::mem::take(declared);
            definition.insert("type".into(), json!([declared, "null"]));
        }
        // A definition without a type means text here, as in StackStorm.
        None => {
            definition.insert("type".into(), json!(["string", "null"]));
        }
        // Anything else is no type; the check of the definition says so.
        Some(_) => {}
    }
}

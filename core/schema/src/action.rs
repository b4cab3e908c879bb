//! Parameters of actions: what runner and action say together, and what an action may change.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{Error, python};

/// The attributes of a runner parameter that an action may set to another value.
const OVERRIDABLE: [&str; 5] = ["default", "description", "enum", "immutable", "required"];

/// Runner parameters with the action's on top, attribute by attribute.
#[must_use]
pub fn merge_parameters(
    runner: &Map<String, Value>,
    action: &Map<String, Value>,
) -> Map<String, Value> {
    let mut merged = runner.clone();
    merge_into(&mut merged, action);
    merged
}

fn merge_into(target: &mut Map<String, Value>, source: &Map<String, Value>) {
    for (key, value) in source {
        match (target.get_mut(key), value) {
            (Some(Value::Object(target)), Value::Object(source)) => merge_into(target, source),
            _ => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The schema of an object with these properties. Without any property everything passes; an
/// empty definition takes any value but null.
#[must_use]
pub fn resource_schema(parameters: &Map<String, Value>, additional: bool) -> Value {
    if parameters.is_empty() {
        return json!({});
    }
    let any = json!({"anyOf": [
        {"type": "array"}, {"type": "boolean"}, {"type": "integer"},
        {"type": "number"}, {"type": "object"}, {"type": "string"},
    ]});
    let properties: Map<String, Value> = parameters
        .iter()
        .map(|(name, definition)| {
            let empty = definition.is_null() || definition.as_object().is_some_and(Map::is_empty);
            (name.clone(), if empty { any.clone() } else { definition.clone() })
        })
        .collect();
    json!({"type": "object", "properties": properties, "additionalProperties": additional})
}

/// The schema that the parameters of a request for the action `reference` have to satisfy.
///
/// # Errors
/// When the action changes what it must not change of a runner parameter.
pub fn action_schema(
    reference: &str,
    runner: &Map<String, Value>,
    action: &Map<String, Value>,
) -> Result<Value, Error> {
    for (name, definition) in action {
        let attributes = attributes(reference, name, definition)?;
        if let Some(inherited) = runner.get(name) {
            check_override(reference, name, attributes, inherited)?;
        }
    }
    let mut schema = resource_schema(&merge_parameters(runner, action), false);
    if let Some(members) = schema.as_object_mut().filter(|members| !members.is_empty()) {
        let name = reference.split_once('.').map_or(reference, |(_, name)| name);
        members.insert("title".into(), Value::from(name));
    }
    Ok(schema)
}

/// What is checked once, when an action is registered: overrides of runner parameters, positions,
/// and that immutable parameters have a value. The definitions themselves are checked by
/// [`crate::check_definitions`].
///
/// # Errors
/// The first rule that is broken, in the order of the definitions.
pub fn check_action_parameters(
    reference: &str,
    runner: &Map<String, Value>,
    action: &Map<String, Value>,
) -> Result<(), Error> {
    let mut positions: BTreeMap<u64, &str> = BTreeMap::new();
    for (name, definition) in action {
        let attributes = attributes(reference, name, definition)?;
        let inherited = runner.get(name);
        if let Some(inherited) = inherited {
            check_override(reference, name, attributes, inherited)?;
        }
        if let Some(position) = attributes.get("position") {
            let position = whole(name, position)?;
            if let Some(earlier) = positions.insert(position, name) {
                return Err(Error::SamePosition {
                    first: name.clone(),
                    second: earlier.to_owned(),
                    position,
                });
            }
        }
        if attributes.contains_key("immutable") {
            check_immutable(name, attributes, inherited)?;
        }
    }
    let positions: Vec<u64> = positions.into_keys().collect();
    let has_gap =
        positions.iter().zip(positions.iter().skip(1)).any(|(lower, higher)| lower + 1 != *higher);
    if has_gap {
        return Err(Error::PositionGap { positions });
    }
    Ok(())
}

/// Refuses a request that supplies values for immutable parameters.
///
/// # Errors
/// [`Error::ImmutableSupplied`] with all such names.
pub fn refuse_immutable(
    runner: &Map<String, Value>,
    action: &Map<String, Value>,
    supplied: &Map<String, Value>,
) -> Result<(), Error> {
    let is_immutable = |definitions: &Map<String, Value>, name: &str| {
        definitions.get(name).and_then(|definition| definition.get("immutable"))
            == Some(&json!(true))
    };
    let names: Vec<&str> = supplied
        .keys()
        .map(String::as_str)
        .filter(|name| is_immutable(runner, name) || is_immutable(action, name))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::ImmutableSupplied { names: format!("[{}]", python::texts(names)) })
}

fn attributes<'a>(
    reference: &str,
    name: &str,
    definition: &'a Value,
) -> Result<&'a Map<String, Value>, Error> {
    definition.as_object().ok_or_else(|| Error::NoMapping {
        action: reference.to_owned(),
        parameter: name.to_owned(),
        found: python::repr(definition),
    })
}

fn check_override(
    reference: &str,
    name: &str,
    attributes: &Map<String, Value>,
    inherited: &Value,
) -> Result<(), Error> {
    for (attribute, value) in attributes {
        let unchanged = inherited.get(attribute).unwrap_or(&Value::Null) == value;
        if !unchanged && !OVERRIDABLE.contains(&attribute.as_str()) {
            return Err(Error::Override {
                action: reference.to_owned(),
                parameter: name.to_owned(),
                attribute: attribute.clone(),
            });
        }
    }
    Ok(())
}

fn check_immutable(
    name: &str,
    attributes: &Map<String, Value>,
    inherited: Option<&Value>,
) -> Result<(), Error> {
    let parameter = name.to_owned();
    if inherited.is_some_and(|inherited| inherited.get("immutable").is_some()) {
        return Err(Error::ImmutableInRunner { parameter });
    }
    let inherits_default = inherited.is_some_and(|inherited| inherited.get("default").is_some());
    if !attributes.contains_key("default") && !inherits_default {
        return Err(Error::ImmutableWithoutDefault { parameter });
    }
    Ok(())
}

/// A position counts arguments, so `1.0` is fine and `0.5` is not.
fn whole(name: &str, position: &Value) -> Result<u64, Error> {
    let as_float = || {
        let float = position.as_f64()?;
        let fits = float >= 0.0 && float.fract() == 0.0 && float < 1e9;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the value was just found to be a small whole number"
        )]
        fits.then_some(float as u64)
    };
    position.as_u64().or_else(as_float).ok_or_else(|| Error::BadPosition {
        parameter: name.to_owned(),
        position: python::repr(position),
    })
}

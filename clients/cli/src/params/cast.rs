//! One text read by one declaration.

use serde_json::{Map, Value};

use super::{Argument, ParamError, number};

/// Reads `text` as the type that `definition` declares. An empty declaration takes text.
pub(super) fn by_definition(
    action: &str,
    name: &str,
    text: &str,
    definition: &Value,
    auto_dict: bool,
) -> Result<Argument, ParamError> {
    let fields = definition.as_object();
    if fields.is_none_or(Map::is_empty) {
        return Ok(Argument::Value(text.into()));
    }
    let declaration = |found: String| ParamError::Declaration {
        action: action.to_owned(),
        name: name.to_owned(),
        found,
    };
    let value = |reason: String| ParamError::Value { name: name.to_owned(), reason };
    let Some(kind) = definition.get("type") else {
        return Err(declaration("no type".to_owned()));
    };
    match kind.as_str().unwrap_or_default() {
        "string" => Ok(Argument::Value(text.into())),
        "integer" => number::integer(text).map_err(value),
        "number" => number::float(text).map(Argument::Value).map_err(value),
        "boolean" => boolean(text).map(Argument::Value).map_err(value),
        "object" => object(text).map(Argument::Value).map_err(value),
        "array" => {
            let found = array(text).map_err(value)?;
            match found {
                Argument::List(items) if auto_dict => dictionary(action, name, items, definition),
                found => Ok(found),
            }
        }
        _ => Err(declaration(format!("type {kind}"))),
    }
}

/// `true` and `false` in any case, `none` for null, else a literal (`0`, `[1]`, `"text"`).
fn boolean(text: &str) -> Result<Value, String> {
    let lower = text.to_lowercase();
    match lower.as_str() {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        "none" => Ok(Value::Null),
        _ => match serde_json::from_str(&lower) {
            Ok(Value::Null) | Err(_) => Err(format!("\"{text}\" is neither true nor false")),
            Ok(literal) => Ok(literal),
        },
    }
}

/// A whole number is an array of itself, JSON is itself, and all else is split at commas.
fn array(text: &str) -> Result<Argument, String> {
    if let Ok(number) = number::integer(text) {
        return Ok(Argument::List(vec![number]));
    }
    match serde_json::from_str(text) {
        Ok(Value::Array(items)) => {
            Ok(Argument::List(items.into_iter().map(Argument::Value).collect()))
        }
        Ok(found @ (Value::Object(_) | Value::String(_))) => Ok(Argument::Value(found)),
        Ok(_) => Err(format!("\"{text}\" is no array; write [{text}] for an array of one item")),
        Err(_) => {
            let items = text.split(',').map(|item| Argument::Value(item.trim().into()));
            Ok(Argument::List(items.collect()))
        }
    }
}

/// JSON when it starts with a brace, else `key=value` pairs; what is no pair is left out.
fn object(text: &str) -> Result<Value, String> {
    if text.starts_with('{') {
        return serde_json::from_str(text)
            .map_err(|error| format!("no valid JSON object: {error}"));
    }
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    Ok(Value::Object(pairs.map(|(key, value)| (key.to_owned(), value.into())).collect()))
}

/// Items of the form `key:value` become one object; anything else stays an array of texts.
fn dictionary(
    action: &str,
    name: &str,
    items: Vec<Argument>,
    definition: &Value,
) -> Result<Argument, ParamError> {
    let texts: Option<Vec<&str>> = items
        .iter()
        .map(|item| match item {
            Argument::Value(Value::String(text)) if text.contains(':') => Some(text.as_str()),
            _ => None,
        })
        .collect();
    let Some(texts) = texts.filter(|texts| !texts.is_empty()) else {
        return Ok(Argument::List(items));
    };
    let properties = definition.get("properties");
    let mut built = Map::new();
    for text in texts {
        let (key, value) = text.split_once(':').unwrap_or((text, ""));
        if value.contains(':') {
            let reason = format!("\"{text}\" has more than one colon");
            return Err(ParamError::Value { name: name.to_owned(), reason });
        }
        let field = format!("{name}.{key}");
        let value = match properties.and_then(|known| known.get(key)) {
            Some(known) => plain(&field, by_definition(action, &field, value, known, true)?)?,
            None => value.into(),
        };
        built.insert(key.to_owned(), value);
    }
    Ok(Argument::List(vec![Argument::Value(Value::Object(built))]))
}

fn plain(name: &str, argument: Argument) -> Result<Value, ParamError> {
    match argument {
        Argument::Value(value) => Ok(value),
        Argument::List(items) => items
            .into_iter()
            .map(|item| plain(name, item))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        Argument::Exact(digits) => {
            let reason = format!("{digits} is too large inside an object");
            Err(ParamError::Value { name: name.to_owned(), reason })
        }
    }
}

//! Filters between values and JSON or YAML text.

use minijinja::{Environment, Error, State, Value};

use super::{Arguments, add};
use crate::jinja::collections::thawed;
use crate::jinja::convert::{self, JsonStyle};
use crate::jinja::error::value_error;
use crate::jinja::python;
use crate::yaml;

/// Text that stands for null between rendering and casting.
pub(crate) const NONE_TEXT: &str = "%*****__%NONE%__*****%";

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "to_json_string", &["indent", "sort_keys", "separators"], to_json_string);
    add(environment, "to_complex", &[], to_complex);
    add(environment, "json_escape", &[], json_escape);
    add(environment, "from_json_string", &[], from_json_string);
    add(environment, "from_yaml_string", &[], from_yaml_string);
    add(environment, "to_yaml_string", &["indent", "allow_unicode"], to_yaml_string);
    add(environment, "use_none", &[], use_none);
}

fn to_json_string(_: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let indent = match args.given(0) {
        None => None,
        Some(indent) => Some(indent_text(indent)?),
    };
    let (item_separator, key_separator) = match args.get(2) {
        Some(pair) if pair.is_none() => {
            let item = if indent.is_some() { "," } else { ", " };
            (item.to_owned(), ": ".to_owned())
        }
        Some(pair) => {
            let parts: Vec<Value> = pair.try_iter()?.collect();
            match parts.as_slice() {
                [item, key] => (python::text_of(item)?, python::text_of(key)?),
                _ => return Err(value_error("separators must be two texts")),
            }
        }
        None => (",".to_owned(), ": ".to_owned()),
    };
    let style = JsonStyle { indent, sort_keys: args.flag(1, false), item_separator, key_separator };
    convert::to_json_text(value, &style).map(Value::from)
}

fn indent_text(indent: &Value) -> Result<String, Error> {
    match indent.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => {
            let width = super::arguments::integer(indent)
                .ok_or_else(|| value_error("indent must be a number or a text"))?;
            Ok(" ".repeat(usize::try_from(width.clamp(0, 64)).unwrap_or(0)))
        }
    }
}

fn to_complex(_: &mut State<'_, '_>, value: &Value, _: &Arguments) -> Result<Value, Error> {
    convert::to_json_text(value, &JsonStyle::default()).map(Value::from)
}

fn json_escape(_: &mut State<'_, '_>, value: &Value, _: &Arguments) -> Result<Value, Error> {
    let text = convert::to_json_text(value, &JsonStyle::default())?;
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&text);
    Ok(Value::from(inner))
}

fn from_json_string(
    state: &mut State<'_, '_>,
    value: &Value,
    _: &Arguments,
) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let json: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| value_error(format!("the text is no JSON document: {error}")))?;
    thawed(&convert::from_json(&json))
}

fn from_yaml_string(
    state: &mut State<'_, '_>,
    value: &Value,
    _: &Arguments,
) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let document = yaml::parse_document(&text)
        .map_err(|error| value_error(format!("the text is no YAML document: {error}")))?;
    thawed(&convert::from_yaml(&document.value))
}

fn to_yaml_string(_: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let yaml = convert::to_yaml(value, 0)?;
    let options = yaml::EmitOptions {
        indent: args.integer(0, 2).unwrap_or(2),
        allow_unicode: args.flag(1, true),
    };
    yaml::emit(&yaml, &options).map(Value::from).map_err(|error| value_error(error.to_string()))
}

fn use_none(_: &mut State<'_, '_>, value: &Value, _: &Arguments) -> Result<Value, Error> {
    Ok(if value.is_none() { Value::from(NONE_TEXT) } else { value.clone() })
}

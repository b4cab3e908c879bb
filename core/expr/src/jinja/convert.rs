//! Values between JSON, YAML and the engine.

use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, Tuple, ValueKind};
use minijinja::{Error, Value};
use serde_json::Value as Json;

use super::collections::{Dict, List};
use super::error::{limit_error, value_error};
use super::{budget, keys, python};
use crate::yaml::YamlValue;

/// Nesting at which conversion stops.
const MAX_DEPTH: usize = 200;
/// Text at which serialisation stops.
const MAX_TEXT: usize = 32 * 1024 * 1024;

pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(*flag),
        Json::Number(number) => {
            if let Some(number) = number.as_i64() {
                Value::from(number)
            } else if let Some(number) = number.as_u64() {
                Value::from(number)
            } else {
                Value::from(number.as_f64().unwrap_or(f64::NAN))
            }
        }
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => List::frozen(items.iter().map(from_json).collect()),
        Json::Object(members) => Dict::frozen(
            members
                .iter()
                .map(|(name, member)| (Value::from(name.as_str()), from_json(member)))
                .collect(),
        ),
    }
}

/// A value of a Python type that JSON does not have; known by how Python prints it.
#[derive(Debug)]
pub(super) struct PyObject {
    pub(super) text: String,
    pub(super) repr: String,
}

impl Object for PyObject {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// A group of the filter `groupby`: a pair whose parts also have names.
#[derive(Debug)]
pub(super) struct Group {
    key: Value,
    members: Value,
}

impl Group {
    pub(super) fn of(key: Value, members: Value) -> Value {
        Value::from_object(Self { key, members })
    }

    /// The same group of changed parts.
    pub(super) fn map(
        &self,
        change: impl Fn(&Value) -> Result<Value, Error>,
    ) -> Result<Value, Error> {
        Ok(Self::of(change(&self.key)?, change(&self.members)?))
    }
}

impl Object for Group {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match (key.as_str(), key.as_usize()) {
            (Some("grouper"), _) | (_, Some(0)) => Some(self.key.clone()),
            (Some("list"), _) | (_, Some(1)) => Some(self.members.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(2)
    }
}

pub(super) fn from_yaml(yaml: &YamlValue) -> Value {
    match yaml {
        YamlValue::Null => Value::from(()),
        YamlValue::Bool(flag) => Value::from(*flag),
        YamlValue::Int(number) => match i128::try_from(number) {
            Ok(number) => integer(number),
            Err(_) => {
                Value::from_object(PyObject { text: number.to_string(), repr: number.to_string() })
            }
        },
        YamlValue::Float(number) => Value::from(*number),
        YamlValue::String(text) => Value::from(text.as_str()),
        YamlValue::Binary(bytes) => Value::from_bytes(bytes.clone()),
        YamlValue::Date(_) | YamlValue::DateTime { .. } | YamlValue::Set(_) => {
            Value::from_object(PyObject { text: yaml.python_str(), repr: yaml.python_repr() })
        }
        YamlValue::Sequence(items) => List::frozen(items.iter().map(from_yaml).collect()),
        YamlValue::Tuple(items) => {
            Value::from(Tuple::new(items.iter().map(from_yaml).collect::<Vec<_>>()))
        }
        YamlValue::Mapping(pairs) => Dict::frozen(
            pairs.iter().map(|(key, item)| (from_yaml(key), from_yaml(item))).collect(),
        ),
    }
}

/// An integer in the engine's smallest form, so that equal numbers look equal.
pub(super) fn integer(number: i128) -> Value {
    match i64::try_from(number) {
        Ok(number) => Value::from(number),
        Err(_) => Value::from(number),
    }
}

/// The value in YAML terms, for printing as YAML.
pub(super) fn to_yaml(value: &Value, depth: usize) -> Result<YamlValue, Error> {
    if depth > MAX_DEPTH {
        return Err(limit_error("the value is nested too deeply"));
    }
    budget::spend()?;
    Ok(match value.kind() {
        ValueKind::None => YamlValue::Null,
        ValueKind::Undefined => return Err(value_error("an undefined value has no YAML form")),
        ValueKind::Bool => YamlValue::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => match i128::try_from(value.clone()) {
            Ok(number) => YamlValue::Int(number.into()),
            Err(_) => {
                YamlValue::Int(value.to_string().parse().map_err(|_| value_error("not a number"))?)
            }
        },
        ValueKind::Number => YamlValue::Float(f64::try_from(value.clone())?),
        ValueKind::String => YamlValue::String(value.as_str().unwrap_or_default().to_owned()),
        ValueKind::Bytes => YamlValue::Binary(value.as_bytes().unwrap_or_default().to_vec()),
        ValueKind::Map => {
            let pairs = value.as_object().and_then(|object| object.try_iter_pairs());
            let mut mapping = Vec::new();
            for (key, item) in pairs.into_iter().flatten() {
                mapping.push((to_yaml(&key, depth + 1)?, to_yaml(&item, depth + 1)?));
            }
            YamlValue::Mapping(mapping)
        }
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::new();
            for item in value.try_iter()? {
                items.push(to_yaml(&item, depth + 1)?);
            }
            YamlValue::Sequence(items)
        }
        _ => match keys::lookup_text(value) {
            Some(text) => YamlValue::String(text),
            None => YamlValue::String(python::text_of(value)?),
        },
    })
}

/// Layout of JSON text, in the terms of Python's `json.dumps`.
#[derive(Debug, Clone)]
pub(super) struct JsonStyle {
    pub(super) indent: Option<String>,
    pub(super) sort_keys: bool,
    pub(super) item_separator: String,
    pub(super) key_separator: String,
}

impl Default for JsonStyle {
    fn default() -> Self {
        Self {
            indent: None,
            sort_keys: false,
            item_separator: ", ".to_owned(),
            key_separator: ": ".to_owned(),
        }
    }
}

/// `json.dumps(value)` with ASCII output.
pub(super) fn to_json_text(value: &Value, style: &JsonStyle) -> Result<String, Error> {
    let mut writer = JsonWriter { style, text: String::new() };
    writer.write(value, 0)?;
    Ok(writer.text)
}

struct JsonWriter<'a> {
    style: &'a JsonStyle,
    text: String,
}

impl JsonWriter<'_> {
    fn write(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH || self.text.len() > MAX_TEXT {
            return Err(limit_error("the value is too large or too deep for JSON"));
        }
        budget::spend()?;
        match value.kind() {
            ValueKind::None => self.text.push_str("null"),
            ValueKind::Bool => {
                let text = if value.is_true() { "true" } else { "false" };
                self.text.push_str(text);
            }
            ValueKind::Number => self.text.push_str(&json_number(value)),
            ValueKind::String => json_text(value.as_str().unwrap_or_default(), &mut self.text),
            ValueKind::Seq if value.downcast_object_ref::<super::filters::Range>().is_none() => {
                self.write_sequence(value, depth)?;
            }
            // Sums and slices of lists.
            ValueKind::Iterable if value.len().is_some() => self.write_sequence(value, depth)?,
            ValueKind::Map => self.write_mapping(value, depth)?,
            _ => match keys::lookup_text(value) {
                // The original refuses lookups here; a datastore item is text like any other.
                Some(text) => json_text(&text, &mut self.text),
                None => {
                    return Err(value_error(format!(
                        "a value of type {} is not JSON serializable",
                        python::type_name(value)
                    )));
                }
            },
        }
        Ok(())
    }

    fn write_sequence(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if value.len() == Some(0) {
            self.text.push_str("[]");
            return Ok(());
        }
        self.text.push('[');
        for (index, item) in value.try_iter()?.enumerate() {
            self.separate(index, depth + 1);
            self.write(&item, depth + 1)?;
        }
        self.close(']', depth);
        Ok(())
    }

    fn write_mapping(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let pairs = value.as_object().and_then(|object| object.try_iter_pairs());
        let mut members: Vec<(Value, Value)> = pairs.into_iter().flatten().collect();
        if members.is_empty() {
            self.text.push_str("{}");
            return Ok(());
        }
        if self.style.sort_keys {
            members.sort_by(|left, right| left.0.cmp(&right.0));
        }
        // Keys of different types can have the same text; as in a JSON parser the last one counts.
        let mut named: IndexMap<String, Value> = IndexMap::with_capacity(members.len());
        for (key, item) in members {
            named.insert(json_key(&key)?, item);
        }
        self.text.push('{');
        for (index, (name, item)) in named.iter().enumerate() {
            self.separate(index, depth + 1);
            json_text(name, &mut self.text);
            self.text.push_str(&self.style.key_separator);
            self.write(item, depth + 1)?;
        }
        self.close('}', depth);
        Ok(())
    }

    fn separate(&mut self, index: usize, depth: usize) {
        if index > 0 {
            let separator = self.style.item_separator.as_str();
            let separator = match self.style.indent {
                Some(_) => separator.trim_end_matches(' '),
                None => separator,
            };
            self.text.push_str(separator);
        }
        self.break_line(depth);
    }

    fn close(&mut self, bracket: char, depth: usize) {
        self.break_line(depth);
        self.text.push(bracket);
    }

    fn break_line(&mut self, depth: usize) {
        if let Some(indent) = &self.style.indent {
            self.text.push('\n');
            for _ in 0..depth {
                self.text.push_str(indent);
            }
        }
    }
}

fn json_number(value: &Value) -> String {
    match python::str_of(value).as_str() {
        "nan" => "NaN".to_owned(),
        "inf" => "Infinity".to_owned(),
        "-inf" => "-Infinity".to_owned(),
        text => text.to_owned(),
    }
}

fn json_key(key: &Value) -> Result<String, Error> {
    match key.kind() {
        ValueKind::String => Ok(key.as_str().unwrap_or_default().to_owned()),
        ValueKind::None => Ok("null".to_owned()),
        ValueKind::Bool => Ok(if key.is_true() { "true" } else { "false" }.to_owned()),
        ValueKind::Number => Ok(json_number(key)),
        _ => Err(value_error(format!(
            "keys must be str, int, float, bool or None, not {}",
            python::type_name(key)
        ))),
    }
}

/// A JSON text literal in ASCII.
pub(super) fn json_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(character),
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

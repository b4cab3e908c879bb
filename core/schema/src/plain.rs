//! From the dialect to plain draft 4, which the validator library reads.

use serde_json::{Map, Value, json};

use crate::pattern;

/// The keyword under which the library finds our own pattern check.
pub(crate) const PATTERN: &str = "st2-pattern";

/// The schema in plain draft 4: boolean `required` moves to the parent, annotations go, patterns
/// are handed to our own check, whatever the dialect does not know is dropped.
pub(crate) fn plain(schema: &Value) -> Value {
    let Some(schema) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (keyword, value) in schema {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                let required: Vec<_> = properties
                    .iter()
                    .filter(|(_, definition)| definition.get("required") == Some(&json!(true)))
                    .map(|(name, _)| Value::from(name.as_str()))
                    .collect();
                if !required.is_empty() {
                    out.insert("required".into(), Value::Array(required));
                }
                out.insert(keyword.clone(), members(properties));
            }
            ("patternProperties", Value::Object(patterns)) => {
                let translated = patterns
                    .iter()
                    .map(|(pattern, definition)| (property_pattern(pattern), plain(definition)));
                out.insert(keyword.clone(), Value::Object(translated.collect()));
            }
            ("definitions", Value::Object(definitions)) => {
                out.insert(keyword.clone(), members(definitions));
            }
            ("dependencies", Value::Object(dependencies)) => {
                out.insert(keyword.clone(), members(dependencies));
            }
            ("allOf" | "anyOf" | "oneOf" | "items", Value::Array(schemas)) => {
                out.insert(keyword.clone(), schemas.iter().map(plain).collect());
            }
            ("additionalProperties" | "additionalItems" | "items" | "not", value) => {
                out.insert(keyword.clone(), plain(value));
            }
            ("pattern", value) => {
                out.insert(PATTERN.into(), value.clone());
            }
            (keyword, value) if is_plain(keyword) => {
                out.insert(keyword.to_owned(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(out)
}

/// A key of `patternProperties` in the words of the library. The empty look-ahead keeps it from
/// reading the pattern as ECMAScript, where `\d` and `\w` know no Unicode.
pub(crate) fn property_pattern(pattern: &str) -> String {
    format!("(?=){}", pattern::translate(pattern))
}

fn members(schemas: &Map<String, Value>) -> Value {
    let translated = schemas.iter().map(|(name, schema)| (name.clone(), plain(schema)));
    Value::Object(translated.collect())
}

fn is_plain(keyword: &str) -> bool {
    matches!(
        keyword,
        "type"
            | "enum"
            | "minimum"
            | "maximum"
            | "exclusiveMinimum"
            | "exclusiveMaximum"
            | "multipleOf"
            | "minLength"
            | "maxLength"
            | "minItems"
            | "maxItems"
            | "uniqueItems"
            | "minProperties"
            | "maxProperties"
            | "$ref"
    )
}

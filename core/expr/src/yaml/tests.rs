//! YAML texts against the recorded answers of the original, and laws no text may break.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Value, json};

use super::{YamlValue, parse_document, parse_document_bytes};
use crate::jinja::python::float_repr;
use crate::jinja::tests::{lines, settle};

/// A value in the notation of the vectors.
fn tagged(value: &YamlValue) -> Value {
    match value {
        YamlValue::Int(number) => match i64::try_from(number) {
            Ok(small) if small.unsigned_abs() <= 1 << 53 => json!(small),
            _ => json!({"$int": number.to_string()}),
        },
        YamlValue::Float(number) => json!({"$float": float_repr(*number)}),
        YamlValue::Date(_) => json!({"$date": value.to_json()}),
        YamlValue::DateTime { .. } => json!({"$datetime": value.to_json()}),
        YamlValue::Binary(_) => json!({"$binary": value.to_json()}),
        YamlValue::Sequence(items) => items.iter().map(tagged).collect(),
        YamlValue::Tuple(items) => json!({"$tuple": items.iter().map(tagged).collect::<Value>()}),
        YamlValue::Set(items) => json!({"$set": items.iter().map(tagged).collect::<Value>()}),
        YamlValue::Mapping(pairs) => {
            let text = |key: &YamlValue| match key {
                YamlValue::String(text) if !text.starts_with('$') => Some(text.clone()),
                _ => None,
            };
            if pairs.iter().all(|(key, _)| text(key).is_some()) {
                let members = pairs.iter().map(|(k, v)| (text(k).unwrap(), tagged(v)));
                Value::Object(members.collect())
            } else {
                let pairs = pairs.iter().map(|(k, v)| json!([tagged(k), tagged(v)]));
                json!({"$map": pairs.collect::<Value>()})
            }
        }
        plain => plain.to_json(),
    }
}

fn check(vector: &Value) -> Result<(), String> {
    let answer = match vector.get("yaml_b64") {
        Some(encoded) => {
            let engine = base64::engine::general_purpose::STANDARD;
            parse_document_bytes(&engine.decode(encoded.as_str().unwrap()).unwrap())
        }
        None => parse_document(vector["yaml"].as_str().unwrap()),
    };
    match (vector.get("value"), answer) {
        (Some(expected), Ok(document)) if *expected == tagged(&document.value) => Ok(()),
        (Some(expected), Ok(document)) => {
            Err(format!("expected {expected}, got {}", tagged(&document.value)))
        }
        (Some(expected), Err(error)) => Err(format!("expected {expected}, failed: {error}")),
        (None, Ok(document)) => {
            let value = tagged(&document.value);
            Err(format!("expected {}, got {value}", vector["error"]))
        }
        (None, Err(error)) => {
            let text = vector["error"]["message"].as_str().unwrap();
            let place = format!("line {}, column {}", error.line, error.column);
            if text.contains("line ") && !text.contains(&place) {
                return Err(format!("expected {text}, got {error}"));
            }
            Ok(())
        }
    }
}

#[test]
fn yaml_vectors() {
    let mut failures = BTreeMap::new();
    for (index, vector) in lines("yaml11.jsonl").iter().enumerate().skip(1) {
        if let Err(failure) = check(vector) {
            failures.insert((index + 1).to_string(), format!("{vector}: {failure}"));
        }
    }
    settle("yaml11", &failures);
}

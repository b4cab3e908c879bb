//! Laws that hold for every schema and value.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{MASK, Options, Schema, mask, nullable, repr};

/// A marker no other part of a generated value contains.
const SECRET: &str = "s3cr3t";

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-c]{0,3}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Definitions with defaults, dependencies, nested objects and arrays.
fn definition() -> impl Strategy<Value = Value> {
    let leaf =
        (prop::sample::select(vec!["string", "integer", "boolean"]), any::<bool>(), scalar())
            .prop_map(|(kind, has_default, default)| {
                let mut definition = json!({"type": kind});
                if has_default {
                    definition["default"] = default;
                }
                definition
            });
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            (prop::collection::btree_map("[a-d]", inner.clone(), 1..4), any::<bool>()).prop_map(
                |(properties, has_default)| {
                    let mut definition = json!({
                        "type": "object",
                        "properties": properties,
                        "dependencies": {"a": ["b"], "b": ["c"]},
                    });
                    if has_default {
                        definition["default"] = json!({});
                    }
                    definition
                }
            ),
            inner.prop_map(|items| json!({"type": "array", "items": items})),
        ]
    })
}

/// A definition and a value of its shape; secret parts hold the marker.
fn secret_value() -> impl Strategy<Value = (Value, Value)> {
    let leaf = any::<bool>().prop_map(|secret| {
        let content = if secret { SECRET } else { "open" };
        (json!({"secret": secret}), json!(content))
    });
    leaf.prop_recursive(4, 32, 4, |inner| {
        let pair = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            pair.clone().prop_map(|pairs| {
                let (mut properties, mut members) = (Map::new(), Map::new());
                for (index, (definition, value)) in pairs.into_iter().enumerate() {
                    properties.insert(format!("p{index}"), definition);
                    members.insert(format!("p{index}"), value);
                }
                (json!({"type": "object", "properties": properties}), Value::Object(members))
            }),
            pair.prop_map(|pairs| {
                let (items, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
                (json!({"type": "array", "items": items}), Value::Array(values))
            }),
            inner.clone().prop_map(|(items, value)| {
                (json!({"items": items}), json!([value.clone(), value]))
            }),
            inner.clone().prop_map(|(rest, value)| {
                (
                    json!({"properties": {"a": {}}, "additionalProperties": rest}),
                    json!({"b": value}),
                )
            }),
            inner.clone().prop_map(|(found, value)| {
                (json!({"patternProperties": {"^k": found}}), json!({"k1": value}))
            }),
            inner.prop_map(|(branch, value)| (json!({"anyOf": [{}, branch]}), value)),
        ]
    })
}

proptest! {
    #[test]
    fn filling_defaults_is_idempotent(definition in definition(), value in value()) {
        let schema = json!({"type": "object", "properties": {"a": definition}});
        let mut once = json!({"a": value});
        crate::defaults::fill(&mut once, &schema);
        let mut twice = once.clone();
        crate::defaults::fill(&mut twice, &schema);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn a_valid_value_stays_valid_and_equal(definition in definition(), value in value()) {
        let schema = json!({"type": "object", "properties": {"a": definition}});
        let schema = Schema::compile(&schema, Options::default()).unwrap();
        let mut value = json!({"a": value});
        if schema.validate(&mut value).is_ok() {
            let before = value.clone();
            prop_assert_eq!(schema.validate(&mut value), Ok(()));
            prop_assert_eq!(value, before);
        }
    }

    #[test]
    fn opening_to_null_is_idempotent(definition in definition()) {
        let mut once = json!({"type": "object", "properties": {"a": definition}});
        nullable::allow_null(&mut once);
        let mut twice = once.clone();
        nullable::allow_null(&mut twice);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn mask_hides_every_secret_and_nothing_else((definition, value) in secret_value()) {
        let open = value.to_string().matches("open").count();
        let mut masked = value;
        mask(&mut masked, &definition);
        let text = masked.to_string();
        prop_assert!(!text.contains(SECRET), "{text}");
        prop_assert_eq!(text.matches("open").count(), open);
        let mut again = masked.clone();
        mask(&mut again, &definition);
        prop_assert_eq!(again, masked);
        prop_assert!(text.contains(MASK) || !definition.to_string().contains("true"));
    }

    /// Whatever stands in a schema or a value, the answer is an answer.
    #[test]
    fn nothing_panics(schema in value(), mut instance in value(), pattern in ".{0,20}") {
        let schema = json!({
            "type": "object",
            "properties": {"a": schema.clone(), "b": {"type": "string", "pattern": pattern.clone()}},
            "patternProperties": {pattern: schema},
        });
        if let Ok(schema) = Schema::compile(&schema, Options::default()) {
            let _outcome = schema.validate(&mut instance);
        }
        prop_assert!(!repr(&instance).is_empty());
    }
}

//! The short way and the long way lead to the same place.

use serde_json::{Value, json};

use super::{Path, Scope};

fn first(key: &str, payload: &Value) -> Option<Value> {
    let scope = Scope { trigger: Some(payload), item: None };
    Path::parse(key).unwrap().first(scope).unwrap().map(std::borrow::Cow::into_owned)
}

#[test]
fn plain_names_are_followed_without_a_query() {
    for (key, is_plain) in [
        ("trigger", true),
        (" trigger.a-b.@c ", true),
        ("trigger.'a'", false),
        ("trigger.*", false),
        ("trigger.a,b", false),
        ("trigger[0]", false),
    ] {
        let path = Path::parse(key).unwrap();
        assert_eq!(matches!(path, Path::Names(_)), is_plain, "{key}");
    }
    assert!(Path::parse("trigger.where").is_err());
}

#[test]
fn both_ways_agree() {
    let payload = json!({"a": {"b": [1, 2]}, "n": null});
    for (plain, query) in [
        ("trigger.a.b", "trigger.a['b']"),
        ("trigger.n", "trigger.'n'"),
        ("trigger.a.x", "trigger.a['x']"),
        ("trigger.a.b.c", "trigger.a.b.'c'"),
        ("other.a", "other.'a'"),
    ] {
        assert_eq!(first(plain, &payload), first(query, &payload), "{plain}");
    }
}

#[test]
fn an_element_sees_the_payload_when_it_asks() {
    let (payload, element) = (json!({"k": [7]}), json!([8]));
    let scope = Scope { trigger: Some(&payload), item: Some(&element) };
    for (key, expected) in [("trigger.k[0]", json!(7)), ("item[0]", json!(8)), ("item", json!([8]))]
    {
        let found = Path::parse(key).unwrap().first(scope).unwrap().unwrap().into_owned();
        assert_eq!(found, expected, "{key}");
    }
}

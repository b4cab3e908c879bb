//! Keys beyond the recordings.

use serde_json::{Value, json};

use super::{Path, Scope};
use crate::error::LookupError;

fn all(key: &str, payload: &Value) -> Result<Vec<Value>, LookupError> {
    let scope = Scope { trigger: Some(payload), item: None };
    Path::parse(key)
        .unwrap()
        .all(scope)
        .map(|found| found.into_iter().map(|v| v.into_owned()).collect())
}

fn refusal(key: &str) -> String {
    Path::parse(key).unwrap_err().to_string()
}

#[test]
fn operators_bind_as_the_original_binds_them() {
    let payload = json!({"a": {"b": 1, "c": 2}, "b": 3, "l": [{"n": 1}, {"n": 2, "x": 0}]});
    for (key, expected) in [
        ("trigger.a | b", json!([{"b": 1, "c": 2}, 3])),
        ("(trigger.a).b | (trigger.b)", json!([1])),
        ("trigger.a.b,c", json!([1, 2])),
        ("trigger.a..b", json!([1])),
        ("trigger..b", json!([3, 1])),
        ("trigger.l[*] where x", json!([{"n": 2, "x": 0}])),
        ("trigger.l[-1].n", json!([2])),
        ("trigger.l[0:1][0].n", json!([])),
        ("trigger.l[5:].n", json!([])),
        ("trigger.a[*].b", json!([1])),
        ("trigger.a.`parent`.b", json!([3])),
        ("trigger.a.b.$.trigger.b", json!([3])),
        ("trigger.a.*", json!([1, 2])),
    ] {
        let found = match all(key, &payload) {
            Ok(found) => Value::from(found),
            Err(LookupError::NoElements(_)) => json!([]),
            Err(other) => panic!("{key}: {other}"),
        };
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn what_a_payload_breaks_is_said() {
    let payload = json!({"n": 1, "s": "ab", "l": []});
    for (key, expected) in [
        ("trigger.n[0]", LookupError::NoElements("a number")),
        ("trigger.l[-1]", LookupError::OutOfRange(-1)),
        ("trigger.s[-3]", LookupError::OutOfRange(-3)),
        ("trigger.n & s", LookupError::Intersection),
        ("`parent`", LookupError::NoParent),
    ] {
        assert_eq!(all(key, &payload), Err(expected), "{key}");
    }
    assert_eq!(all("trigger.s[-1]", &payload), Ok(vec![json!("b")]));
}

#[test]
fn what_is_no_path_says_where() {
    for (key, expected) in [
        ("", "key \"\": a name is missing at position 0"),
        ("a.", "key \"a.\": a name is missing at position 2"),
        ("a..[", "key \"a..[\": a name is missing at position 4"),
        ("a.é", "key \"a.é\": character \"é\" must be quoted at position 2"),
        ("a.'b", "key \"a.'b\": the closing ' is missing at position 2"),
        ("a[1", "key \"a[1\": a name is missing at position 3"),
        ("a b", "key \"a b\": this is not expected here at position 2"),
        (
            "a[99999999999999999999]",
            "key \"a[99999999999999999999]\": the number is too large at position 2",
        ),
    ] {
        assert_eq!(refusal(key), expected);
    }
    assert!(refusal(&"(".repeat(5_000)).ends_with("the path is too long at position 0"));
    assert!(refusal(&"a.".repeat(5_000)).ends_with("the path is too long at position 0"));
}

#[test]
fn deep_payloads_are_followed_within_bounds() {
    let mut payload = json!(1);
    for _ in 0..600 {
        payload = json!({"a": payload});
    }
    assert_eq!(all("trigger..b", &payload), Err(LookupError::TooManyNodes));
}

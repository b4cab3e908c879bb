//! Queries by example.

use serde_json::{Value, json};

use super::JsonPath;

#[track_caller]
fn check(path: &str, value: &Value, expected: &Value) {
    let found = JsonPath::parse(path).unwrap().find(value).unwrap();
    assert_eq!(Value::Array(found), *expected, "{path}");
}

#[test]
fn steps_and_names() {
    let value =
        json!({"body": {"x-y": 1, "a.b": 2, "é": 3}, "l": [{"id": 1}, {"id": 2}], "s": "abc"});
    check("body.x-y", &value, &json!([1]));
    check("body['a.b']", &value, &json!([2]));
    check("body.'é'", &value, &json!([3]));
    check("body.[x-y]", &value, &json!([1]));
    check("l[*].id", &value, &json!([1, 2]));
    check("l.id", &value, &json!([]));
    check("l[-1].id", &value, &json!([2]));
    check("l[1:].id", &value, &json!([2]));
    check("s[0]", &value, &json!(["a"]));
    check("l[0].`parent`[1].id", &value, &json!([2]));
    check("body.*", &value, &json!([1, 2, 3]));
    check("l[0].$.s", &value, &json!(["abc"]));
    check("s[*]", &value, &json!(["abc"]));
    check("l[5]", &value, &json!([]));
}

#[test]
fn operators() {
    let value = json!({"a": {"id": 1, "b": {"id": 2}}, "s": 3, "n": 4});
    check("$..id", &value, &json!([1, 2]));
    check("a.id | s", &value, &json!([1]));
    check("s | n", &value, &json!([3, 4]));
    check("(a.id) | s", &value, &json!([1, 3]));
    check("* where b", &value, &json!([{"id": 1, "b": {"id": 2}}]));
    check("s,n", &value, &json!([3, 4]));
}

#[test]
fn members_of_no_object() {
    let (a, b) = (json!({"x": [1, 2]}), json!({"x": 3}));
    let members = [("a", &a), ("b", &b)];
    for (path, expected) in [
        ("a.x[1]", json!([2])),
        ("$..x", json!([[1, 2], 3])),
        ("*.x", json!([[1, 2], 3])),
        ("b.`parent`.a.x[0]", json!([1])),
        ("$", json!([{"a": {"x": [1, 2]}, "b": {"x": 3}}])),
        ("c", json!([])),
    ] {
        let found = JsonPath::parse(path).unwrap().find_among(&members).unwrap();
        assert_eq!(json!(found), expected, "{path}");
    }
}

#[test]
fn what_does_not_parse_or_apply() {
    for path in
        ["", "a b", "a.", "[?(@.x)]", "1a", "é", "where", "`now`", "a & b", "a[", "a[1:2:3]", "'a"]
    {
        assert!(JsonPath::parse(path).is_err(), "{path}");
    }
    let number = JsonPath::parse("[0]").unwrap();
    assert!(number.find(&json!(5)).is_err());
    assert!(number.find(&json!({"a": 1})).is_err());
    let last = JsonPath::parse("[-2]").unwrap();
    assert!(last.find(&json!([1])).is_err());
}

#[test]
fn a_long_path_is_refused_and_a_deep_value_is_bounded() {
    assert!(JsonPath::parse(&"(".repeat(10_000)).is_err());
    assert!(JsonPath::parse(&vec!["a"; 10_000].join(".")).is_err());
    let mut value = json!(1);
    for _ in 0..120 {
        value = json!({ "a": value, "b": 1 });
    }
    let path = JsonPath::parse("$..*..*..*..*..b").unwrap();
    assert!(path.find(&value).is_err());
}

proptest::proptest! {
    #[test]
    fn never_panics(path in "[a-c.\\[\\]*|&$`'\",:0-9() where-]{0,30}") {
        if let Ok(path) = JsonPath::parse(&path) {
            let value = json!({"a": [1, {"b": "text"}, null], "b": {"c": 1.5}});
            drop(path.find(&value));
        }
    }
}

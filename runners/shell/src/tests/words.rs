//! Parameters as words of a command; the expected texts are those of StackStorm.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::args::{arguments, quote};
use crate::command::script;

fn object(value: Value) -> st2_model::Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn command(definitions: Value, values: Value) -> String {
    script("/s", &arguments(&object(definitions), &object(values), "--"))
}

#[test]
fn named() {
    for (value, expected) in [
        (json!(5), "/s --a=5"),
        (json!(5.0), "/s --a=5.0"),
        (json!("x"), "/s --a=x"),
        (json!("a b"), "/s --a='a b'"),
        (json!("it's"), r#"/s --a='it'"'"'s'"#),
        (json!(true), "/s --a"),
        (json!(false), "/s"),
        (json!(null), "/s"),
        (json!(""), "/s"),
        (json!([]), "/s --a='[]'"),
        (json!({}), "/s --a='{}'"),
        (json!(0), "/s --a=0"),
        (json!(1e20), "/s --a=1e+20"),
        (
            json!({"a": {"b": [true, null, 1.5]}}),
            r#"/s --a='{'"'"'a'"'"': {'"'"'b'"'"': [True, None, 1.5]}}'"#,
        ),
    ] {
        assert_eq!(command(json!({"a": {}}), json!({"a": value})), expected);
    }
}

#[test]
fn positional() {
    for (kind, value, expected) in [
        (json!("array"), json!([1, "a", true, null, {"k": 1}]), "1,a,True,None,{'k': 1}"),
        (json!("array"), json!([1.0, [1, 2]]), "1.0,[1, 2]"),
        (json!("array"), json!([]), ""),
        (json!("boolean"), json!(false), "0"),
        (json!("boolean"), json!(true), "1"),
        (json!("boolean"), json!(null), ""),
        (json!("string"), json!("5"), "5"),
        (json!("string"), json!(5), "5"),
        (json!("string"), json!(true), "True"),
        (json!("number"), json!(0.0), "0.0"),
        (json!("object"), json!({"k": [1, null], "ü": "ß"}), r#"{"k":[1,null],"ü":"ß"}"#),
        (json!("object"), json!({}), ""),
        (json!("integer"), json!(0), "0"),
        (json!("integer"), json!(7), "7"),
        (json!("null"), json!(5), ""),
        (Value::Null, json!({"a": 1}), "{'a': 1}"),
        (Value::Null, json!(null), ""),
    ] {
        let definition = json!({"a": {"type": kind, "position": 0}});
        let expected = format!("/s {}", quote(expected));
        assert_eq!(command(definition, json!({"a": value})), expected, "{kind} {value}");
    }
}

#[test]
fn named_ones_come_first_then_positions_in_order() {
    let definitions = json!({
        "last": {"type": "string", "position": 1},
        "first": {"type": "string", "position": 0},
        "named": {"type": "string"},
    });
    let values = json!({"last": "z", "first": null, "named": "n"});
    assert_eq!(command(definitions, values), "/s --named=n '' z");
}

#[test]
fn another_prefix() {
    let text = arguments(&object(json!({"a": {}})), &object(json!({"a": 1})), "");
    assert_eq!(text, "a=1");
}

proptest! {
    /// What is quoted is one word to the shell, and the same text.
    #[test]
    fn quoted_text_holds_no_open_quote(text in "[^\u{0}]{0,40}") {
        let quoted = quote(&text);
        let mut read = String::new();
        let mut quote_char = None;
        for c in quoted.chars() {
            match (quote_char, c) {
                (None, '\'' | '"') => quote_char = Some(c),
                (Some(open), c) if open == c => quote_char = None,
                (None, c) => {
                    prop_assert!(c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c));
                    read.push(c);
                }
                (Some(_), c) => read.push(c),
            }
        }
        prop_assert_eq!(quote_char, None);
        prop_assert_eq!(read, text);
    }
}

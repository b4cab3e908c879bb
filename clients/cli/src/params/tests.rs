//! What the recorded vectors leave out.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{Declared, parse};

fn read(words: &[&str], auto_dict: bool) -> Result<Value, String> {
    let runner = Map::new();
    let declared = json!({
        "i": {"type": "integer"}, "n": {"type": "number"}, "b": {"type": "boolean"},
        "l": {"type": "array"}, "o": {"type": "object"}, "t": {"type": ["string", "null"]}, "e": {},
    });
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let own = declared.as_object().unwrap();
    let declared = Declared { action: "p.a", runner: &runner, own };
    let found = parse(&words, declared, auto_dict, Path::new("/"));
    found.map(|found| serde_json::to_value(found).unwrap()).map_err(|error| error.to_string())
}

#[test]
fn integers_are_read_as_one_writes_them() {
    assert_eq!(read(&["i= +1_0 "], false).unwrap(), json!({"i": 10}));
    assert_eq!(read(&["i=-0"], false).unwrap(), json!({"i": 0}));
    assert_eq!(read(&["i=18446744073709551615"], false).unwrap(), json!({"i": u64::MAX}));
    for wrong in ["i=", "i=_1", "i=1__0", "i=1_", "i=--1", "i=1e3", "i=\u{0661}x"] {
        let error = read(&[wrong], false).unwrap_err();
        assert!(error.contains("Parameter \"i\""), "{error}");
    }
}

#[test]
fn numbers_must_be_finite() {
    assert_eq!(read(&["n=1e3"], false).unwrap(), json!({"n": 1000.0}));
    for wrong in ["n=nan", "n=-inf", "n=1e999", "n=one"] {
        let error = read(&[wrong], false).unwrap_err();
        assert!(error.contains("Parameter \"n\""), "{error}");
    }
}

#[test]
fn arrays_of_objects_are_not_repeatable() {
    assert_eq!(read(&["l={\"a\":1}"], false).unwrap(), json!({"l": {"a": 1}}));
    let error = read(&["l=a", "l={\"a\":1}"], false).unwrap_err();
    assert!(error.contains("several times"), "{error}");
}

#[test]
fn an_array_of_one_large_number_keeps_its_digits() {
    let runner = Map::new();
    let own = json!({"l": {"type": "array"}});
    let declared = Declared { action: "p.a", runner: &runner, own: own.as_object().unwrap() };
    let words = ["l=99999999999999999999".to_owned()];
    let found = parse(&words, declared, false, Path::new("/")).unwrap();
    assert_eq!(serde_json::to_string(&found).unwrap(), r#"{"l":[99999999999999999999]}"#);
}

#[test]
fn an_empty_dictionary_stays_an_empty_array() {
    assert_eq!(read(&["l=[]"], true).unwrap(), json!({"l": []}));
}

#[test]
fn declarations_that_say_no_single_type_are_named() {
    let error = read(&["t=x"], false).unwrap_err();
    assert!(
        error.contains("\"t\" of \"p.a\"") && error.contains("type [\"string\",\"null\"]"),
        "{error}"
    );
    assert_eq!(read(&["e=5"], false).unwrap(), json!({"e": "5"}));
}

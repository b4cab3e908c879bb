//! YAML texts against the recorded answers of the original, and laws no text may break.

use base64::Engine as _;
use serde_json::{Value, json};

use super::{Limits, YamlValue, parse, parse_document, parse_document_bytes, parse_with};
use crate::jinja::python::float_repr;

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
fn vectors_yaml11() {
    st2_vectors::run("yaml11", |_, vector| check(vector));
}

#[test]
fn errors_tell_line_and_column() {
    let error = parse_document("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
    assert_eq!((error.line, error.column), (3, 2), "{error}");
    let error = parse_document_bytes(b"a: b\nc: \xff\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, 4), "{error}");
    let error = parse_document("a: 1\nb: \u{7}\n").unwrap_err();
    assert_eq!((error.line, error.column), (2, 4), "{error}");
}

#[test]
fn texts_that_end_without_a_line_end() {
    for (text, expected) in [
        ("a: |\n  x", "x"),
        ("a: |+\n  x", "x"),
        ("a: |-\n  x", "x"),
        ("a: >\n  x\n  y", "x y"),
        ("a: |\n  x\n  ", "x\n"),
        ("a: |\n  x\n\n  ", "x\n"),
        ("a: |+\n  x\n  ", "x\n"),
        ("a: |\n  x\n", "x\n"),
        ("a: 'x'", "x"),
        ("a: x", "x"),
        ("a: |", ""),
        ("a: |\n", ""),
        ("a: |\r\n  x", "x"),
        ("a: |\n  x\n# c", "x\n"),
    ] {
        assert_eq!(parse(text).unwrap(), json!({ "a": expected }), "{text:?}");
    }
    assert!(parse("[!a, b]").is_err());
}

#[test]
fn duplicate_keys_are_warned_about_and_merges_are_not() {
    let document = parse_document("a: 1\nb: {c: 1, c: 2}\na: 3\n").unwrap();
    let places: Vec<_> = document.warnings.iter().map(|w| (w.line, w.column)).collect();
    assert_eq!(places, [(2, 11), (3, 1)]);
    assert_eq!(document.warnings[1].message, "found duplicate key \"a\"");
    assert_eq!(document.value.to_json(), json!({"a": 3, "b": {"c": 2}}));
    let merged = parse_document("x: &x {a: 1}\ny: {<<: *x, a: 2}\nz: {<<: [*x, *x]}\n").unwrap();
    assert!(merged.warnings.is_empty());
}

#[test]
fn the_json_view() {
    let value = parse(
        "1: a\nyes: b\n~: c\n2020-01-02: 2020-01-02 03:04:05.5Z\nf: [.inf, 1.0, 18446744073709551615]\ng: !!set {a}\nh: !!binary aGk=\n",
    )
    .unwrap();
    let expected = json!({
        "1": "a", "true": "b", "null": "c", "2020-01-02": "2020-01-02T03:04:05.500000+00:00",
        "f": [null, 1.0, 18_446_744_073_709_551_615_u64], "g": ["a"], "h": "aGk="
    });
    // Python's keys 1 and true are one, so the second replaces the first.
    let mut expected = expected.as_object().unwrap().clone();
    expected.shift_remove("true");
    expected.insert("1".to_owned(), json!("b"));
    assert_eq!(value, Value::Object(expected));
}

#[test]
fn documents_are_bounded() {
    let limits = Limits::default();
    let mut laughs = "a0: &a0 [x, x]\n".to_owned();
    for level in 1..40 {
        let last = level - 1;
        laughs.push_str(&format!("a{level}: &a{level} [*a{last}, *a{last}]\n"));
    }
    let mut merges = "a0: &a0 {x: 1}\n".to_owned();
    for level in 1..40 {
        let last = level - 1;
        merges.push_str(&format!("a{level}: &a{level} {{<<: [*a{last}, *a{last}]}}\n"));
    }
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(1000));
    for document in [
        laughs,
        merges,
        text,
        "[".repeat(10_000),
        "- ".repeat(10_000),
        format!("{}1{}", "[".repeat(200), "]".repeat(200)),
        "? ".repeat(10_000),
        format!("a: {}", "9".repeat(100_000)),
    ] {
        assert!(parse_document(&document).is_err(), "{:.40}", document);
    }
    let small = Limits { bytes: 10, ..limits };
    assert!(parse_with("a: 123456789\n", &small).is_err());
    let flat = Limits { values: 5, ..limits };
    assert!(parse_with("[1, 2, 3, 4, 5]", &flat).is_err());
}

#[test]
fn values_print_as_documents_that_read_back() {
    let text = "a: [1, 'x', null, 1.5, .inf, 010, '010', 'yes', yes, 2020-01-02, '2020-01-02']\nb: {c: \"x\\ny\", d: '', e: ' x', f: 'č', g: '- a', h: 'a: b'}\n1: 2020-01-02 03:04:05\n";
    let value = parse_document(text).unwrap().value;
    let printed = super::emit(&value, &super::EmitOptions::default()).unwrap();
    assert_eq!(parse_document(&printed).unwrap().value, value, "{printed}");
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "([ab]|: |- |\\? |\\n|\\n  |\\[|\\]|\\{|\\}|, |&a |\\*a|!!|!!set |'|\"|\\||>|#|<<|%|---|\\.\\.\\.|~|[0-9:._+-]|\\t|é|\u{2028}){0,40}") {
        drop(parse(&text));
    }

    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
        drop(super::parse_bytes(&bytes));
    }

    #[test]
    fn any_text_reads_back(text in proptest::prelude::any::<String>(), lines in "[a \\t\\n:#'-]{0,20}", key in "[a-z:#'\" -]{0,10}") {
        let value = YamlValue::Mapping(vec![(
            YamlValue::String(key),
            YamlValue::Sequence(vec![YamlValue::String(text), YamlValue::String(lines)]),
        )]);
        let printed = super::emit(&value, &super::EmitOptions::default()).unwrap();
        assert_eq!(parse_document(&printed).unwrap().value, value, "{printed}");
    }
}

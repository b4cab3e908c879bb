//! Tests of the crate; recorded answers are in `vectors`, laws in `laws`.

mod laws;
mod vectors;

use serde_json::{Value, json};

use crate::{
    Error, Field, Options, Schema, SchemaError, check_action_parameters, check_definitions, mask,
    mask_output, mask_parameters, refuse_immutable,
};

fn first(schema: &Value, value: Value) -> Option<SchemaError> {
    let schema = Schema::compile(schema, Options::default()).unwrap();
    let mut value = value;
    schema.validate(&mut value).err().and_then(|errors| errors.into_iter().next())
}

fn message(schema: &Value, value: Value) -> String {
    first(schema, value).map(|error| error.message).unwrap_or_default()
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap()
}

#[test]
fn patterns_are_python_patterns() {
    let cases = [
        (r"^a+$", "aa", true),
        (r"^a+$", "aa\n", true),
        (r"^a+$", "aab", false),
        (r"a", "xay", true),
        (r"^\d+\Z", "٣", true),
        (r"^\w+$", "ä_1", true),
        (r"(?i)^AB$", "ab", true),
        (r"(?P<x>a)(?P=x)", "aa", true),
        (r"^[[&~]+$", "[&~", true),
        (r"^[]a]+$", "]a", true),
        (r"^{.*}$", "{x}", true),
        (r"^x{,2}$", "xx", true),
        (r"^x{,2}$", "xxx", false),
        (r"(?=a)a(?!b)", "ac", true),
        (r"^[\w--z]+$", "a-z", true),
    ];
    for (pattern, text, expected) in cases {
        for schema in [
            json!({"type": "object", "properties": {"p": {"type": "string", "pattern": pattern}}}),
            json!({"type": "object", "patternProperties": {(pattern): {}}, "additionalProperties": false}),
        ] {
            let value = match schema.get("properties") {
                Some(_) => json!({"p": text}),
                None => json!({(text): 1}),
            };
            assert_eq!(
                first(&schema, value).is_none(),
                expected,
                "{pattern} on {text:?} in {schema}"
            );
        }
    }
}

#[test]
fn a_hostile_pattern_ends_in_an_error() {
    let schema = json!({"type": "object", "properties": {"p": {"type": "string", "pattern": r"^(a|aa)+(?!b)c\1$"}}});
    let message = message(&schema, json!({"p": "a".repeat(200)}));
    assert!(message.contains("too many steps"), "{message}");
    let schema =
        json!({"type": "object", "patternProperties": {r"^(a|aa)+(?!b)c\1$": {"type": "null"}}});
    let _bounded = first(&schema, json!({"a".repeat(200): 1}));
}

#[test]
fn depth_is_bounded() {
    let mut schema = json!({"type": "string"});
    for _ in 0..90 {
        schema = json!({"type": "array", "items": schema});
    }
    let error = Schema::compile(&schema, Options::default()).unwrap_err();
    assert!(
        error.to_string().contains("given schemas") || error.to_string().contains("nested"),
        "{error}"
    );
    let mut value = json!(1);
    for _ in 0..5000 {
        value = Value::Array(vec![value]);
    }
    let any = Schema::compile(&json!({}), Options::default()).unwrap();
    let errors = any.validate(&mut value).unwrap_err();
    assert_eq!(errors[0].keyword, "depth");
    // Dropping 5000 levels recursively is fine; taking them apart keeps the stack small anyway.
    while let Value::Array(mut items) = value {
        value = items.pop().unwrap_or_default();
    }
}

#[test]
fn references_stay_inside() {
    let outside = json!({"type": "object", "properties": {"a": {"$ref": "http://example.com/x"}}});
    assert!(matches!(Schema::compile(&outside, Options::default()), Err(Error::Unusable { .. })));
    let inside = json!({
        "type": "object",
        "definitions": {"n": {"type": "integer"}},
        "properties": {"a": {"$ref": "#/definitions/n"}},
    });
    assert_eq!(message(&inside, json!({"a": "x"})), "'x' is not of type 'integer'");
}

#[test]
fn definitions_are_checked_as_at_registration() {
    let check = |parameters: Value| {
        check_definitions(Field::Parameters, &parameters)
            .map_err(|errors| (errors[0].path.to_string(), errors[0].keyword.clone()))
    };
    let wrong = |path: &str, keyword: &str| Err((path.to_owned(), keyword.to_owned()));
    assert_eq!(check(json!({"p": "text"})), wrong("parameters.p", "type"));
    assert_eq!(check(json!({"p": {"type": "str"}})), wrong("parameters.p.type", "enum"));
    assert_eq!(
        check(json!({"p": {"type": ["string", "null"]}})),
        wrong("parameters.p.type", "enum")
    );
    assert_eq!(check(json!({"p": {"items": {"type": ["string", "null"]}}})), Ok(()));
    assert_eq!(check(json!({"a-b": {}})), wrong("parameters", "additionalProperties"));
    assert_eq!(check(json!({"ä": {}})), Ok(()));
    assert_eq!(
        check(json!({"p": {"format": "email"}})),
        wrong("parameters.p", "additionalProperties")
    );
    assert_eq!(check(json!({"p": {"properties": {"q": {"format": "email"}}}})), Ok(()));
    assert_eq!(check(json!({"p": {"exclusiveMinimum": 5}})), wrong("parameters.p", "dependencies"));
    assert_eq!(
        check(json!({"p": {"anyOf": [{"type": "foo"}]}})),
        wrong("parameters.p.anyOf.0.type", "anyOf")
    );
    assert_eq!(check(json!({"p": {"pattern": "["}})), Ok(()));
    assert_eq!(
        check(json!({"p": {"description": null}})),
        wrong("parameters.p.description", "type")
    );
    assert_eq!(check(json!({"p": {"required": ["q"]}})), wrong("parameters.p.required", "type"));
    assert_eq!(check(json!({"p": {"$ref": "#"}})), wrong("parameters.p", "additionalProperties"));
    assert_eq!(check(json!([])), wrong("parameters", "type"));
    let errors = check_definitions(Field::Attributes, &json!({"a-b": {}})).unwrap_err();
    assert_eq!(errors[0].message, r"'a-b' does not match any of the regexes: '^\\w+$'");
}

#[test]
fn actions_may_change_little_of_runner_parameters() {
    let runner = object(json!({
        "cmd": {"type": "string", "description": "c"},
        "sudo": {"type": "boolean", "immutable": true, "default": false},
    }));
    let check = |action: Value| {
        check_action_parameters("p.a", &runner, &object(action)).map_err(|error| error.to_string())
    };
    assert_eq!(check(json!({"cmd": {"default": "ls", "immutable": true}})), Ok(()));
    let wrong = |text: &str| Err(text.to_owned());
    assert_eq!(
        check(json!({"cmd": {"type": "array"}})),
        wrong(
            r#"The attribute "type" for the runner parameter "cmd" in action "p.a" cannot be overridden."#
        )
    );
    assert_eq!(
        check(json!({"cmd": {"immutable": true}})),
        wrong("Immutable param cmd requires a default value.")
    );
    assert_eq!(
        check(json!({"sudo": {"immutable": true}})),
        wrong("Param sudo is declared immutable in runner. Cannot override in action.")
    );
    assert_eq!(check(json!({"a": {"position": 3}, "b": {"position": 4}})), Ok(()));
    assert_eq!(
        check(json!({"a": {"position": 0}, "b": {"position": 2}})),
        wrong("Positions supplied [0, 2] for parameters are not contiguous.")
    );
    assert_eq!(
        check(json!({"a": {"position": 1}, "b": {"position": 1}})),
        wrong("Parameters b and a have same position 1. Position values have to be unique.")
    );
    assert_eq!(
        check(json!({"a": {"position": 0.5}})),
        wrong("Position 0.5 of parameter a has to be a whole number.")
    );
    assert!(check(json!({"cmd": null})).is_err());
    let supplied = object(json!({"sudo": true, "cmd": "x"}));
    let error = refuse_immutable(&runner, &object(json!({})), &supplied).unwrap_err();
    assert_eq!(error.to_string(), "Override of immutable parameter(s) ['sudo'] is unsupported.");
}

#[test]
fn masks_follow_the_definitions() {
    let runner = object(json!({"env": {"type": "object", "properties": {"A": {"secret": true}}}}));
    let action =
        object(json!({"token": {"secret": true}, "env": {"properties": {"B": {"secret": true}}}}));
    let mut parameters =
        object(json!({"env": {"A": 1, "B": [2], "C": 3}, "token": {"x": 1}, "other": "o"}));
    mask_parameters(&mut parameters, &runner, &action);
    let expected = json!({"env": {"A": "********", "B": "********", "C": 3}, "token": "********", "other": "o"});
    assert_eq!(Value::Object(parameters), expected);

    let legacy = json!({"type": {"type": "string"}, "key": {"secret": true}});
    let mut result = json!({"result": {"key": "k", "type": "t"}, "stdout": "k"});
    mask_output(&mut result, "result", &legacy);
    assert_eq!(result, json!({"result": {"key": "********", "type": "t"}, "stdout": "k"}));

    let schema =
        json!({"type": "array", "items": [{"secret": true}], "additionalItems": {"secret": true}});
    let mut list = json!([1, 2]);
    mask(&mut list, &schema);
    assert_eq!(list, json!(["********", "********"]));
}

#[test]
fn sentences_quote_values_as_python_does() {
    let schema = json!({"type": "object", "properties": {
        "f": {"type": "string"}, "m": {"type": "number", "multipleOf": 0.1},
        "d": {"type": "object", "properties": {"a": {}, "b": {}}, "dependencies": {"a": ["b"]}},
        "l": {"type": "array", "items": [{}], "additionalItems": false},
    }});
    assert_eq!(message(&schema, json!({"f": 1e16})), "1e+16 is not of type 'string', 'null'");
    assert_eq!(message(&schema, json!({"f": 1e-5})), "1e-05 is not of type 'string', 'null'");
    assert_eq!(
        message(&schema, json!({"f": {"it's": [null, true, "a\u{7}\n"]}})),
        r#"{"it's": [None, True, 'a\x07\n']} is not of type 'string', 'null'"#
    );
    assert_eq!(message(&schema, json!({"d": {"a": "x"}})), "'b' is a dependency of 'a'");
    assert_eq!(
        message(&schema, json!({"l": [1, 2, 3]})),
        "Additional items are not allowed (2, 3 were unexpected)"
    );
    assert_eq!(message(&schema, json!({"y": 1, "x": 2})), "");
    let config = Schema::for_config(&object(json!({"o": {"type": "object", "properties": {"x": {"type": "integer", "required": true}}}}))).unwrap();
    let errors = config.validate(&mut json!({"o": {}, "more": 1})).unwrap_err();
    assert_eq!(
        (errors[0].path.to_string(), errors[0].message.as_str()),
        ("o.x".to_owned(), "'x' is a required property")
    );
}

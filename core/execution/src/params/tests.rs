//! Tests of the rendering of parameters; recorded answers are in `vectors`.

mod vectors;

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use st2_expr::jinja::{Engine, KeyRef, KeyTable, SYSTEM_SCOPE, USER_SCOPE};

use super::{
    FinalParams, ParamError, ParamInputs, cast, literal, render_final_params, render_live_params,
};

struct Case {
    runner: Map<String, Value>,
    action: Map<String, Value>,
    parameters: Map<String, Value>,
    context: Map<String, Value>,
    config: Value,
    keys: KeyTable,
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn case(action: Value, parameters: Value) -> Case {
    Case {
        runner: Map::new(),
        action: object(action),
        parameters: object(parameters),
        context: object(json!({"user": "bob"})),
        config: json!({}),
        keys: KeyTable::complete(),
    }
}

impl Case {
    fn inputs(&self) -> ParamInputs<'_> {
        ParamInputs {
            runner: &self.runner,
            action: &self.action,
            parameters: &self.parameters,
            context: &self.context,
            config: &self.config,
            keys: Arc::new(self.keys.clone()),
            crypto_key: None,
            system_user: "stanley",
        }
    }

    fn live(&self) -> Result<Map<String, Value>, ParamError> {
        render_live_params(&Engine::default(), &self.inputs(), &Map::new())
    }

    fn finals(&self) -> Result<FinalParams, ParamError> {
        render_final_params(&Engine::default(), &self.inputs())
    }
}

fn live(action: Value, parameters: Value) -> Result<Value, String> {
    case(action, parameters).live().map(Value::Object).map_err(|error| error.to_string())
}

#[test]
fn all_missing_datastore_items_are_asked_for_at_once() {
    let mut case = case(
        json!({"a": {}, "b": {}, "c": {}, "l": {}}),
        json!({
            "a": "{{ st2kv.system.x }}",
            "b": "{{ a }}{{ st2kv.system.later }}",
            "c": "{{ st2kv.user.y }}",
            "l": ["{{ st2kv.system.z }}", "{{ st2kv.system.x }}"],
        }),
    );
    case.keys = KeyTable::new();
    let key = |scope: &str, name: &str| KeyRef { scope: scope.into(), name: name.into() };
    let first = [key(SYSTEM_SCOPE, "x"), key(SYSTEM_SCOPE, "z"), key(USER_SCOPE, "bob:y")];
    assert_eq!(case.live(), Err(ParamError::KeysNeeded(first.to_vec())));
    for key in first {
        case.keys.insert(key, Some("v".into()));
    }
    assert_eq!(case.live(), Err(ParamError::KeysNeeded(vec![key(SYSTEM_SCOPE, "later")])));
    case.keys.insert(key(SYSTEM_SCOPE, "later"), None);
    assert_eq!(case.live().unwrap()["b"], "v");
}

#[test]
fn content_cannot_break_or_change_the_structure() {
    let injected = r#"", "admin": true, "x": "\"#;
    assert_eq!(
        live(json!({}), json!({"o": {"k": "{{ s }}"}, "s": injected})).unwrap()["o"],
        json!({"k": injected})
    );
    let quoted = live(
        json!({}),
        json!({"l": ["{{ s == \"x\" }}", "{{ 'y' }}\n", "  {% if true %}z{% endif %}"], "s": "x"}),
    );
    assert_eq!(quoted.unwrap()["l"], json!(["True", "y\n", "  z"]));
}

#[test]
fn nested_leaves_take_the_type_their_schema_declares() {
    let action = json!({"o": {"type": "object", "properties": {
        "n": {"type": "integer"}, "s": {"type": "string"}, "l": {"type": "array", "items": {"type": "boolean"}},
    }}});
    let given = json!({"o": {"n": "{{ x }}", "s": "{{ x }}", "l": ["{{ x == 5 }}"], "free": "{{ x }}"}, "x": 5});
    assert_eq!(
        live(action, given).unwrap()["o"],
        json!({"n": 5, "s": "5", "l": [true], "free": "5"})
    );
}

#[test]
fn an_immutable_parameter_keeps_its_default_whatever_is_supplied() {
    let action = json!({"a": {"type": "string", "immutable": true, "default": "fixed"}, "b": {}});
    for supplied in ["{{ b }}", "{{ nope }}", "other", "{{ bad"] {
        let case = case(action.clone(), json!({"a": supplied, "b": "x"}));
        assert_eq!(case.live().unwrap()["a"], "fixed", "{supplied}");
        assert_eq!(case.finals().unwrap().action["a"], "fixed", "{supplied}");
    }
}

#[test]
fn a_supplied_template_wins_over_a_default_template() {
    let action = json!({"a": {"default": "{{ b }}"}, "b": {"default": "default"}});
    assert_eq!(live(action, json!({"a": "{{ b }}-mine"})).unwrap()["a"], "default-mine");
}

#[test]
fn circles_name_their_members_only() {
    let given = json!({"a": "{{ b }}", "b": "{{ a }}", "c": "{{ a }}", "d": "{{ e }}", "e": 1});
    let error = case(json!({}), given).live().unwrap_err();
    assert_eq!(error, ParamError::Cyclic { names: vec!["a".into(), "b".into()] });
}

#[test]
fn literals_of_python_are_read() {
    let same = |text: &str, value: Value| assert_eq!(literal::parse(text), Ok(value), "{text}");
    same(
        "{'x': True, 'y': None, 'z': [1, 2.5, -3, (4,), (), (5)]}",
        json!({"x": true, "y": null, "z": [1, 2.5, -3, [4], [], 5]}),
    );
    same(r#"'it\'s' "ok" u'\x41\u00e9\n\q'"#, json!("it'sokAé\n\\q"));
    same("r'\\d'", json!("\\d"));
    same("'''a\nb'''", json!("a\nb"));
    same("0x1F", json!(31));
    same("1_000", json!(1000));
    same("1e3", json!(1000.0));
    same("-1.5e-3", json!(-0.0015));
    same("[1, 2, ]", json!([1, 2]));
    for broken in [
        "",
        "yes",
        "{bad}",
        "key=value",
        "[1",
        "1 2",
        "{1: 2}",
        "'a",
        "[,]",
        "{'a' 1}",
        "01",
        "1__0",
        "b'x'",
        "f()",
        "1e999",
        "'\\x4'",
    ] {
        assert!(literal::parse(broken).is_err(), "{broken}");
    }
    assert!(literal::parse(&"[".repeat(100_000)).is_err());
}

proptest! {
    #[test]
    fn literals_round_trip(value in any_value()) {
        prop_assert_eq!(literal::parse(&st2_schema::repr(&value)), Ok(value));
    }

    #[test]
    fn casting_twice_is_casting_once(value in any_value(), kind in kinds()) {
        if let Ok(once) = cast(kind, value) && !once.is_string() {
            prop_assert_eq!(cast(kind, once.clone()).ok(), (!once.is_null()).then_some(once.clone()).or(cast(kind, once).ok()));
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,40}", kind in kinds()) {
        let _outcome = literal::parse(&text);
        let _outcome = cast(kind, Value::from(text.clone()));
        let _outcome = live(json!({"p": {"type": kind}}), json!({"p": text, "l": [text]}));
    }

    /// What the live pass leaves is literal for the final pass, whatever it looks like.
    #[test]
    fn stored_values_are_never_rendered(text in ".{0,20}") {
        let case = case(json!({"p": {"type": "string"}}), json!({"p": format!("{{{{ {text}")}));
        prop_assert_eq!(&case.finals().unwrap().action["p"], &case.parameters["p"]);
    }
}

fn kinds() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["string", "integer", "number", "boolean", "array", "object"])
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

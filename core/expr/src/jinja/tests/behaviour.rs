//! What the recorded answers do not cover: lookups that are not loaded, names, values, limits.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::{
    Context, Engine, JinjaError, KeyRef, KeyTable, Limits, SYSTEM_SCOPE, USER_SCOPE, is_expression,
    variables,
};

fn context(values: Value) -> Context {
    Context::new(values.as_object().unwrap_or(&Map::new()))
}

fn render(template: &str, values: Value) -> String {
    Engine::default().render(template, &context(values)).unwrap()
}

fn key(scope: &str, name: &str) -> KeyRef {
    KeyRef { scope: scope.to_owned(), name: name.to_owned() }
}

#[test]
fn items_that_are_not_loaded_are_asked_for_all_at_once() {
    let template = "{{ st2kv.system.a.b }} {{ st2kv.user.c | upper }} {{ missing }}";
    let engine = Engine::default();
    let empty = context(json!({})).with_keys(Arc::new(KeyTable::new()), "ann");
    let needed = engine.render(template, &empty).unwrap_err();
    let expected = vec![key(SYSTEM_SCOPE, "a.b"), key(USER_SCOPE, "ann:c")];
    assert_eq!(needed, JinjaError::KeysNeeded(expected));

    let mut table = KeyTable::new();
    table.insert(key(SYSTEM_SCOPE, "a.b"), Some("B".to_owned()));
    table.insert(key(USER_SCOPE, "ann:c"), None);
    let loaded = context(json!({"missing": 1})).with_keys(Arc::new(table), "ann");
    assert_eq!(engine.render(template, &loaded).unwrap(), "B  1");
}

#[test]
fn a_value_asks_for_the_items_of_all_its_parts() {
    let empty = context(json!({})).with_keys(Arc::new(KeyTable::new()), "ann");
    let value = json!({"x": ["{{ st2kv.system.a }}", 5], "{{ st2kv.system.b }}": null});
    let expected = vec![key(SYSTEM_SCOPE, "a"), key(SYSTEM_SCOPE, "b")];
    let expected = JinjaError::KeysNeeded(expected);
    let engine = Engine::default();
    assert_eq!(engine.render_value(&value, &empty).unwrap_err(), expected);
    let filled = empty.with("n", &json!(1));
    assert_eq!(engine.render_mapping(&value, &filled).unwrap_err(), expected);
}

#[test]
fn the_short_name_of_system_items_is_opt_in() {
    let mut table = KeyTable::complete();
    table.insert(key(SYSTEM_SCOPE, "a"), Some("A".to_owned()));
    let plain = context(json!({})).with_keys(Arc::new(table), "ann");
    let engine = Engine::default();
    assert!(engine.render("{{ system.a }}", &plain).is_err());
    let criteria = plain.with_system_name();
    assert_eq!(engine.render("{{ system.a | to_complex }}", &criteria).unwrap(), "\"A\"");
}

#[test]
fn without_a_datastore_there_is_no_st2kv() {
    let error = Engine::default().render("{{ st2kv.system.a }}", &context(json!({})));
    assert!(matches!(error, Err(JinjaError::Undefined { .. })));
}

#[test]
fn iterating_a_lookup_ends() {
    let table = Arc::new(KeyTable::complete());
    let context = context(json!({})).with_keys(table, "ann");
    let engine = Engine::default();
    for template in [
        "{{ st2kv.system.a | list }}",
        "{% for x in st2kv.system.a %}{% endfor %}",
        "{{ st2kv.system }}",
    ] {
        assert!(engine.render(template, &context).is_err(), "{template}");
    }
}

#[test]
fn render_value_renders_texts_inside_and_keeps_the_rest() {
    let value = json!({"a": "{{ n }}", "b": [1, true, null, "x{{ s }}"], "c": {"{{ s }}": 2.5}});
    let rendered =
        Engine::default().render_value(&value, &context(json!({"n": 5, "s": "y"}))).unwrap();
    assert_eq!(rendered, json!({"a": "5", "b": [1, true, null, "xy"], "c": {"y": 2.5}}));
}

#[test]
fn names_a_template_uses() {
    let names = |template: &str| variables(template).unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(names("{{ b.c }}{% if a %}{{ d[e] }}{% endif %}"), ["a", "b", "d", "e"]);
    assert_eq!(
        names("{% set x = y %}{{ x }}{% for i in range(z) %}{{ i }}{% endfor %}"),
        ["y", "z"]
    );
    assert_eq!(names("{% macro m(a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}"), ["b"]);
    assert_eq!(names("plain"), Vec::<String>::new());
    assert!(variables("{{ a").is_err());
}

#[test]
fn what_counts_as_an_expression() {
    assert!(is_expression("a{{ b }}"));
    assert!(is_expression("{% if a %}"));
    assert!(!is_expression("{# a #}"));
    assert!(!is_expression("<% a %>"));
}

#[test]
fn errors_name_what_is_missing_and_where() {
    let engine = Engine::default();
    let error = |template: &str| engine.render(template, &context(json!({"d": {}}))).unwrap_err();
    assert_eq!(error("{{ d.missing }}").to_string(), "`d.missing` is undefined");
    assert_eq!(error("{{ missing | upper }}").to_string(), "`missing` is undefined");
    let syntax = error("a\n{{ b c }}");
    assert!(matches!(syntax, JinjaError::Syntax { line: 2, .. }), "{syntax:?}");
    assert!(error("{{ 1 | nofilter }}").to_string().contains("nofilter"));
}

#[test]
fn lists_and_mappings_of_a_template_can_change() {
    let cases = [
        (
            "{% set l = [] %}{% for x in [1, 2] %}{% set _ = l.append(x * 2) %}{% endfor %}{{ l }}",
            "[2, 4]",
        ),
        (
            "{% set l = [3, 1] %}{% if l.sort() %}{% endif %}{{ l }}{{ l.pop() }}{{ l }}",
            "[1, 3]3[1]",
        ),
        ("{% set d = {} %}{% set _ = d.update({'a': 1}, b=2) %}{{ d }}", "{'a': 1, 'b': 2}"),
        (
            "{% set d = {} %}{% for x in ['a', 'b', 'a'] %}{% set _ = d.setdefault(x, []).append(1) %}{% endfor %}{{ d }}",
            "{'a': [1, 1], 'b': [1]}",
        ),
        (
            "{% set l = [1] %}{% set _ = l.extend([2, 3]) %}{% set _ = l.insert(0, 0) %}{{ l }}{% set _ = l.remove(2) %}{{ l }}",
            "[0, 1, 2, 3][0, 1, 3]",
        ),
        (
            "{% set l = given | list %}{% set _ = l.append(3) %}{{ l }}{{ given }}",
            "[1, 2, 3][1, 2]",
        ),
        ("{% set d = dict(map) %}{{ d.pop('a') }}{{ d }}{{ map }}", "1{}{'a': 1}"),
        (
            "{% macro m() %}{% set l = [1] %}{% set _ = l.append(2) %}{{ l }}{% endmacro %}{{ m() }}",
            "[1, 2]",
        ),
    ];
    for (template, expected) in cases {
        let values = json!({"given": [1, 2], "map": {"a": 1}});
        assert_eq!(render(template, values), expected, "{template}");
    }
}

#[test]
fn values_of_the_context_do_not_change() {
    let error = Engine::default()
        .render("{{ given.append(1) }}", &context(json!({"given": []})))
        .unwrap_err();
    assert!(error.to_string().contains("| list"), "{error}");
}

#[test]
fn operators_have_the_meaning_of_python() {
    let cases = [
        ("{{ '%s-%03d' % ('a', 7) }}", "a-007"),
        ("{{ '%(k)s' % d }}", "v"),
        ("{{ 'a%%' % () }}", "a%"),
        ("{{ -7 % 3 }}{{ 7.5 % -2 }}{{ true % 2 }}", "2-0.51"),
        ("{{ -t }}{{ -(1.5) }}", "-1-1.5"),
        ("{{ ([1] + [2])[1] }}{{ ([0] * 3) | length }}{{ [1, 2, 3][1:][0] }}", "232"),
        ("{{ [1, 2] < [1, 3] }}{{ 'a' < 'b' }}{{ 2 >= 2.0 }}", "TrueTrueTrue"),
        ("{{ (1, [2], {'a': none}) }}", "(1, [2], {'a': None})"),
        ("{{ [1.0, 1e16, '\\'', \"it's\"] }}", "[1.0, 1e+16, \"'\", \"it's\"]"),
        ("{{ u }}{{ [u] }}", "č['č']"),
    ];
    for (template, expected) in cases {
        let values = json!({"t": true, "d": {"k": "v"}, "u": "č"});
        assert_eq!(render(template, values), expected, "{template}");
    }
    let engine = Engine::default();
    for template in [
        "{{ none < 1 }}",
        "{{ 'a' > 1 }}",
        "{{ '%d' % 'x' }}",
        "{{ 1 % 0 }}",
        "{{ [] % 2 }}",
        "{{ {[1]: 2} }}",
    ] {
        assert!(engine.render(template, &context(json!({}))).is_err(), "{template}");
    }
}

#[test]
fn limits_are_the_callers() {
    let engine = Engine::new(Limits {
        steps: 1000,
        values: 100,
        template_bytes: 200,
        output_bytes: 10,
        depth: 10,
    });
    let error = |template: &str| engine.render(template, &context(json!({}))).unwrap_err();
    let limit = |error: JinjaError| matches!(error, JinjaError::Limit { .. });
    assert!(limit(error("{% for i in range(1000) %}{% endfor %}")));
    assert!(limit(error(&format!("{{{{ 1 }}}}{}", " ".repeat(300)))));
    assert!(limit(error("{{ 'x' * 11 }}")));
}

#[test]
fn random_follows_the_seed() {
    let engine = Engine::default();
    let pick = |seed: u64| {
        let context = context(json!({"l": [1, 2, 3, 4, 5, 6, 7, 8]})).with_seed(seed);
        engine.render("{{ l | random }}", &context).unwrap()
    };
    assert_eq!(pick(1), pick(1));
    let picked: std::collections::BTreeSet<String> = (0..50).map(pick).collect();
    assert!(picked.len() > 3, "{picked:?}");
}

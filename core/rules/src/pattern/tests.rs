//! Patterns beyond the recordings.

use serde_json::{Value, json};
use st2_expr::jinja::{Context, Engine};

use super::segments::{Segment, split, typed};
use super::{Pattern, Rendered};
use crate::path::Scope;

fn render(pattern: &str) -> Result<(Value, Option<String>), String> {
    let payload = json!({"n": 5, "s": "str", "l": [1, "a"], "q": "say \"hi\"\nyou"});
    let scope = Scope { trigger: Some(&payload), item: None };
    let context = || Context::new(&serde_json::Map::new()).with("trigger", &payload);
    match Pattern::new(&json!(pattern)) {
        Pattern::Fixed(value) => Ok((value, None)),
        Pattern::Template(template) => template
            .render(scope, &Engine::default(), context)
            .map(|Rendered { value, text }| (value.into_owned(), text))
            .map_err(|e| e.to_string()),
    }
}

#[test]
fn parts_end_where_the_engine_ends_them() {
    use Segment::{Expression, Other, Raw, Text};
    let template = "a{{ x['}}'] }}{# {{ #}{% raw %}{{ y }}{%- endraw %}{{- {'k': {}} -}}\n";
    let parts = [
        Text("a"),
        Expression(" x['}}'] "),
        Other("{# {{ #}"),
        Raw("{% raw %}{{ y }}{%- endraw %}"),
        Expression(" {'k': {}} "),
        Text("\n"),
    ];
    assert_eq!(split(template).unwrap(), parts);
    assert_eq!(split("{{ x"), None);
    assert_eq!(
        typed(&split("{{a}}{{b}}\n{{c}}").unwrap()),
        "{{a}}{{ (b) | to_complex }}\n{{ (c) | to_complex }}"
    );
}

#[test]
fn one_expression_keeps_its_type() {
    for (pattern, expected) in [
        ("{{ trigger.l }}", json!([1, "a"])),
        ("{{ trigger.q }}", json!("say \"hi\"\nyou")),
        ("  {{ trigger.n + 1 }}  ", json!(6)),
        ("{{ trigger.n ~ 1 }}", json!("51")),
        ("[{{ trigger.n }}, 6]", json!([5, 6])),
    ] {
        assert_eq!(render(pattern), Ok((expected, None)), "{pattern}");
    }
}

#[test]
fn text_around_an_expression_makes_a_string() {
    assert_eq!(render("v{{ trigger.n }}"), Ok((json!("v5"), None)));
    assert_eq!(render("1{{ trigger.n }}"), Ok((json!(15), Some("15".into()))));
    assert_eq!(render("a\r\n"), Ok((json!("a"), None)));
    assert!(render("{{ trigger.nope }}").is_err());
    assert!(render("v{{ trigger.nope }}").is_err());
}

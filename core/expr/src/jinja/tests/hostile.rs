//! Templates written to hang, to use up memory or to overflow the stack: each ends in a clear error
//! or in a result, on a thread with the stack of a test.

use serde_json::{Map, json};

use super::super::{Context, Engine, JinjaError, Limits};

fn render(template: &str) -> Result<String, JinjaError> {
    let context = Context::new(&Map::new())
        .allow_undefined(true)
        .with("x", &json!(1))
        .with("l", &json!([1, 2]));
    let engine = Engine::new(Limits { steps: 700_000, values: 20_000, ..Limits::default() });
    engine.render(template, &context)
}

#[track_caller]
fn refused(template: &str) {
    let shown: String = template.chars().take(60).collect();
    match render(template) {
        Ok(text) => panic!("{shown}: gave {} bytes", text.len()),
        Err(JinjaError::KeysNeeded(_)) => panic!("{shown}"),
        Err(_) => {}
    }
}

/// Ends with a result or an error, not with the process.
fn ends(template: &str) {
    drop(render(template));
}

/// Repeats `step` on a value that lives on from one turn to the next.
fn carried(start: &str, step: &str) -> String {
    format!(
        "{{% set ns = namespace(v={start}) %}}{{% for i in range(30000) %}}{{% set ns.v = {step} %}}{{% endfor %}}{{{{ ns.v | length }}}}"
    )
}

#[test]
fn long_chains_are_refused_before_they_are_parsed() {
    let n = 20_000;
    for (before, link, behind) in [
        ("{{ x", ".a", " }}"),
        ("{{ 1", "|string", " }}"),
        ("{{ ", "not ", " 1 }}"),
        ("{{ ", "-", " 1 }}"),
        ("{{ x", "+1", " }}"),
        ("{{ x", "~1", " }}"),
        ("{{ 1", " and 1", " }}"),
        ("{{ 1", "**1", " }}"),
        ("{{ 1", " == 1", " }}"),
        ("{{ 1", " is odd", " }}"),
        ("{{ 1", " if 0 else 1", " }}"),
        ("{{ 1", " if 1", " }}"),
        ("{% if 0 %}1", "{% elif 0 %}1", "{% endif %}"),
        ("{{ x", "()", " }}"),
        ("{{ x", "[0]", " }}"),
        ("{{ ", "[", " }}"),
        ("{{ ", "(", " }}"),
        ("{{ ", "{1:", " }}"),
        ("", "{% for x in [1] %}", ""),
        ("", "{% if 1 %}", ""),
        ("", "{% macro m() %}", ""),
        ("{{ x", "[x.a.a.a", " }}"),
        ("{{ ", "x(-", " }}"),
    ] {
        refused(&format!("{before}{}{behind}", link.repeat(n)));
    }
}

#[test]
fn the_longest_allowed_chain_renders() {
    assert_eq!(render(&format!("{{{{ x{} }}}}", "+1".repeat(100))).unwrap(), "101");
    assert_eq!(render(&format!("{{{{ 1{} }}}}", "|string".repeat(100))).unwrap(), "1");
    let branches = format!("{{% if 0 %}}{}{{% else %}}e{{% endif %}}", "{% elif 0 %}1".repeat(100));
    assert_eq!(render(&branches).unwrap(), "e");
    let items: Vec<String> = (0..2000).map(|i| format!("{i} + 1")).collect();
    let list = format!("{{{{ [{}] | length }}}}", items.join(", "));
    assert_eq!(render(&list).unwrap(), "2000");
    let brackets = format!("{{{{ {}1{} | length }}}}", "[".repeat(30), "]".repeat(30));
    assert_eq!(render(&brackets).unwrap(), "1");
}

#[test]
fn values_do_not_grow_in_height_with_the_turns_of_a_loop() {
    for step in [
        "[ns.v]",
        "(ns.v, 1)",
        "{'a': ns.v}",
        "dict(a=ns.v)",
        "ns.v | batch(1) | list",
        "[ns.v[:]]",
        "(ns.v[:], 1)",
        "[ns.v, ns.v]",
        "[ns.v | map('string')]",
        "cycler(ns.v)",
        "loop",
        "[(ns.v,)]",
        "{'a': [ns.v | list]}",
        "[ns.v] | groupby(0)",
        "{1: ns.v}.items()",
        "(ns.v, ns.v)",
        "namespace(a=ns.v)",
        "[ns.v] + [ns.v]",
        "[ns.v] * 2",
        "[ns.v, ns.v] | list",
        "dict([(1, ns.v), (2, ns.v)])",
    ] {
        ends(&carried("[1]", step));
    }
    refused(&"{% set l = [l] %}".repeat(100_000));
    refused(
        "{% set a = [] %}{% for i in range(100000) %}{% set b = [] %}{% set _ = b.append(a) %}{% set a = b %}{% endfor %}{% set _ = a.append(a) %}",
    );
    refused("{% set a = [] %}{% set b = [a] %}{% set _ = a.append(b) %}");
    refused("{% set a = {} %}{% set _ = a.update({'a': [a]}) %}");
    refused(
        "{% set l = [] %}{% set ns = namespace(v=l) %}{% for i in range(100000) %}{% set n = [] %}{% set _ = ns.v.append(n) %}{% set ns.v = n %}{% endfor %}{{ l }}",
    );
}

#[test]
fn flat_values_may_grow() {
    let counted = |step: &str| {
        format!(
            "{{% set ns = namespace(v=[1]) %}}{{% for i in range(2000) %}}{{% set ns.v = {step} %}}{{% endfor %}}{{{{ ns.v | length }}}}"
        )
    };
    assert_eq!(render(&counted("ns.v | reverse | list")).unwrap(), "1");
    assert_eq!(render(&counted("ns.v[:]")).unwrap(), "1");
    assert_eq!(render(&counted("ns.v | map('string')")).unwrap(), "1");
    let appended = "{% set l = [] %}{% for i in range(50000) %}{% set _ = l.append(i) %}{% endfor %}{{ l | length }}";
    assert_eq!(render(appended).unwrap(), "50000");
    refused(&counted("namespace(a=ns.v)").replace("2000", "100000"));
}

#[test]
fn endless_and_huge_renderings_stop() {
    let doubled = "{% set ns = namespace(v=[1]) %}{% for i in range(30) %}{% set ns.v = [ns.v, ns.v] %}{% endfor %}";
    for template in [
        "{% for i in range(100000) %}{% for j in range(100000) %}{{ 1 }}{% endfor %}{% endfor %}".to_owned(),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(),
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}".to_owned(),
        "{% set ns = namespace(s='x') %}{% for i in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s | length }}".to_owned(),
        "{{ ('x' * 1000000000) | length }}".to_owned(),
        "{{ [1] * 1000000000 }}".to_owned(),
        "{{ 10 ** 10 ** 10 }}".to_owned(),
        "{{ '%1000000000d' % 1 }}".to_owned(),
        "{{ '{:1000000000}'.format(1) }}".to_owned(),
        "{{ 'x'.ljust(1000000000) }}".to_owned(),
        "{{ 'x' | center(1000000000) }}".to_owned(),
        "{{ range(100001) }}".to_owned(),
        "{{ ('a' * 10000) | replace('a', 'b' * 10000) | length }}".to_owned(),
        "{{ ('a' * 10000).replace('a', 'b' * 100000) | length }}".to_owned(),
        "{{ ('a' * 3000) | regex_search('(a*)*(a*)*(a*)*\\\\1b') }}".to_owned(),
        format!("{doubled}{{{{ ns.v }}}}"),
        format!("{doubled}{{{{ ns.v | to_json_string }}}}"),
        format!("{doubled}{{{{ ns.v | pprint }}}}"),
        format!("{doubled}{{{{ ns.v | to_yaml_string }}}}"),
        format!("{doubled}{{{{ ns.v | jsonpath_query('$..x') }}}}"),
        format!("{doubled}{{{{ '%s' % (ns.v,) }}}}"),
        format!("{doubled}{{{{ [ns.v] | join }}}}"),
        format!("{doubled}{{{{ ns.v ~ '' }}}}"),
        format!("{doubled}{{{{ ns.v | string }}}}"),
    ] {
        refused(&template);
    }
}

#[test]
fn comparing_shared_values_is_bounded() {
    let pair = |name: &str| {
        format!(
            "{{% set {name} = namespace(v=[1]) %}}{{% for i in range(35) %}}{{% set {name}.v = [{name}.v, {name}.v] %}}{{% endfor %}}"
        )
    };
    let template = format!("{}{}{{{{ a.v == b.v }}}}", pair("a"), pair("b"));
    refused(&template);
    refused(&format!("{}{}{{{{ [a.v, b.v] | sort }}}}", pair("a"), pair("b")));
    refused(&format!("{}{}{{{{ [a.v].index(b.v) }}}}", pair("a"), pair("b")));
    refused(&format!("{}{}{{{{ a.v in [b.v] }}}}", pair("a"), pair("b")));
}

proptest::proptest! {
    #[test]
    fn never_panics(template in "(\\{\\{|\\{%|%\\}|\\}\\}|\\[|\\]|\\(|\\)|[ a-c'|.,:=~+*%-]|if|for|in|set|not|x|l|1|0|else|endif|endfor|range|join|sort|format|\\{\\}){0,40}") {
        drop(render(&template));
    }

    #[test]
    fn expressions_never_panic(expression in "(\\[|\\]|\\(|\\)|[ a-c'|.,:~+*%<=-]|x|l|1|0|2\\.5|'%s'|none|true|join|sort|int|round|tojson|indent|batch|\\.split|\\.format|\\.append|regex_replace){0,14}") {
        drop(render(&format!("{{{{ {expression} }}}}")));
    }

    #[test]
    fn text_without_templates_stays(text in "[^{}%#\\r\\n]{0,40}") {
        assert_eq!(render(&text).unwrap(), text);
    }
}

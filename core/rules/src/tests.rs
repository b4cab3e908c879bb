//! What rules do together, and where they deliberately do better than the original.

use std::sync::Arc;

use serde_json::{Value, json};
use st2_expr::jinja::{Engine, KeyLookup, KeyRef, KeyTable, SYSTEM_SCOPE};
use st2_model::{Id, Rule, Timestamp};

use crate::vectors::rule;
use crate::{CompiledRule, Error, Evaluation, Occurrence, Outcome, RuleRequest, RuleSet};

fn named(name: &str, kind: &str, criteria: Value) -> Rule {
    let mut rule = rule(&criteria);
    rule.reference = format!("pk.{name}").parse().unwrap();
    rule.kind.reference = kind.to_owned();
    rule
}

fn evaluate(
    rules: Vec<Rule>,
    payload: &Value,
    keys: &KeyTable,
) -> Result<Vec<String>, Vec<KeyRef>> {
    let set = RuleSet::new(rules, Arc::new(Engine::default()));
    let id = Id::derived(&["tests"]);
    let occurrence = Occurrence { id: &id, trigger: "pk.trigger", payload };
    let now = Timestamp::from_micros(0);
    match set.evaluate(&occurrence, Arc::new(keys.clone()), now) {
        Evaluation::KeysNeeded(keys) => Err(keys),
        Evaluation::Decided(verdicts) => Ok(verdicts
            .into_iter()
            .map(|verdict| {
                let name = verdict.rule.rule().reference.name().to_owned();
                match verdict.outcome {
                    Outcome::Failed(failure) => {
                        format!("{name}: {}", failure.reason("r", "i"))
                    }
                    _ => name,
                }
            })
            .collect()),
    }
}

fn decide(criteria: Value, payload: &Value) -> Outcome {
    let keys: Arc<dyn KeyLookup> = Arc::new(KeyTable::complete());
    CompiledRule::new(rule(&criteria))
        .decide(payload, &Engine::default(), keys, Timestamp::from_micros(0))
        .unwrap()
}

#[test]
fn backstops_are_asked_only_when_nothing_else_matched() {
    let equals = |n: i64| json!({"trigger.n": {"type": "equals", "pattern": n}});
    let rules = vec![
        named("last", "backstop", json!({})),
        named("five", "standard", equals(5)),
        named("six", "standard", equals(6)),
    ];
    let table = KeyTable::complete();
    assert_eq!(evaluate(rules.clone(), &json!({"n": 5}), &table).unwrap(), ["five"]);
    assert_eq!(evaluate(rules, &json!({"n": 7}), &table).unwrap(), ["last"]);
}

#[test]
fn a_broken_rule_fails_alone_and_names_what_is_wrong() {
    let rules = vec![
        named("bad", "standard", json!({"trigger.n": {"type": "nope", "pattern": 1}})),
        named("good", "standard", json!({"trigger.n": {"type": "gt", "pattern": 1}})),
    ];
    let verdicts = evaluate(rules, &json!({"n": 5}), &KeyTable::complete()).unwrap();
    assert_eq!(verdicts.len(), 2);
    assert!(verdicts[0].starts_with(
        "bad: Failed to match rule \"r\" against trigger instance \"i\": rule pk.bad: criterion \
         \"trigger.n\": operator \"nope\" is unknown; allowed operators: matchwildcard,"
    ));
    assert_eq!(verdicts[1], "good");
}

#[test]
fn disabled_rules_and_other_triggers_are_left_out() {
    let mut disabled = named("off", "standard", json!({}));
    disabled.enabled = false;
    let mut other = named("other", "standard", json!({}));
    other.trigger = "pk.other".to_owned();
    let rules = vec![disabled, other, named("on", "standard", json!({}))];
    assert_eq!(evaluate(rules, &Value::Null, &KeyTable::complete()).unwrap(), ["on"]);
}

#[test]
fn datastore_items_of_all_rules_are_asked_for_at_once() {
    let pattern = |p: &str| json!({"trigger.s": {"type": "equals", "pattern": p}});
    let rules = vec![
        named("a", "standard", pattern("{{ st2kv.system.foo }}")),
        named("b", "standard", pattern("x{{ system.bar }}")),
        named("c", "standard", json!({"system.baz.q": {"type": "equals", "pattern": "1"}})),
    ];
    let payload = json!({"s": "xbar"});
    let needed = evaluate(rules.clone(), &payload, &KeyTable::new()).unwrap_err();
    let names: Vec<&str> = needed.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["bar", "baz.q", "foo"]);
    let mut table = KeyTable::new();
    for (key, value) in needed.into_iter().zip([Some("bar"), Some("1"), None]) {
        assert_eq!(key.scope, SYSTEM_SCOPE);
        table.insert(key, value.map(str::to_owned));
    }
    assert_eq!(evaluate(rules, &payload, &table).unwrap(), ["b", "c"]);
}

#[test]
fn search_sees_the_payload_and_stops_early() {
    let search = |condition: &str, pattern: Value| json!({"trigger.l": {"type": "search", "condition": condition, "pattern": pattern}});
    let payload = json!({"l": [1, "a", 3], "n": 3});
    let to_n = json!({"item": {"type": "equals", "pattern": "{{ trigger.n }}"}});
    assert_eq!(decide(search("any", to_n.clone()), &payload), Outcome::Matched);
    assert_eq!(decide(search("all", to_n), &payload), Outcome::NotMatched);
    // "a" cannot be ordered, but 1 decides before it is looked at.
    let below_two = json!({"item": {"type": "lt", "pattern": 2}});
    assert_eq!(decide(search("any", below_two.clone()), &payload), Outcome::Matched);
    let Outcome::Failed(failure) = decide(search("all", below_two), &payload) else {
        panic!("a string has no order with a number");
    };
    assert!(matches!(failure.error, Error::NotComparable { .. }));
}

#[test]
fn search_is_bounded() {
    let element: Value = (0..200).collect();
    let payload = json!({"l": vec![element.clone(); 200]});
    let inner = json!({"item": {"type": "search", "condition": "any", "pattern": {
        "trigger.l[*]": {"type": "equals", "pattern": 1, "match": "any"},
    }}});
    let criteria = json!({"trigger.l": {"type": "search", "condition": "any", "pattern": inner}});
    let Outcome::Failed(failure) = decide(criteria, &payload) else {
        panic!("this many checks are refused");
    };
    assert!(matches!(failure.error, Error::TooManySteps { .. }), "{:?}", failure.error);
}

#[test]
fn search_nested_too_deep_is_refused() {
    let mut criteria = json!({"item": {"type": "equals", "pattern": 1}});
    for _ in 0..20 {
        criteria = json!({"item": {"type": "search", "condition": "any", "pattern": criteria}});
    }
    let compiled = CompiledRule::new(rule(&criteria));
    assert!(matches!(compiled.problem(), Some(Error::TooDeep { .. })));
}

#[test]
fn all_matches_of_a_key_can_be_asked() {
    let payload = json!({"l": [{"n": 1}, {"n": 2}], "e": []});
    let ids =
        |matches: &str, key: &str| json!({key: {"type": "gt", "pattern": 1, "match": matches}});
    for (matches, key, expected) in [
        ("first", "trigger.l[*].n", Outcome::NotMatched),
        ("any", "trigger.l[*].n", Outcome::Matched),
        ("all", "trigger.l[*].n", Outcome::NotMatched),
        ("all", "trigger.l[1:].n", Outcome::Matched),
        ("all", "trigger.e[*].n", Outcome::NotMatched),
        ("any", "trigger.e[*].n", Outcome::NotMatched),
    ] {
        assert_eq!(decide(ids(matches, key), &payload), expected, "{matches} {key}");
    }
}

#[test]
fn glued_digits_are_compared_as_what_the_payload_is() {
    let criteria = json!({"trigger.v": {"type": "equals", "pattern": "1{{ trigger.n }}"}});
    assert_eq!(decide(criteria.clone(), &json!({"n": 5, "v": 15})), Outcome::Matched);
    assert_eq!(decide(criteria.clone(), &json!({"n": 5, "v": "15"})), Outcome::Matched);
    assert_eq!(decide(criteria, &json!({"n": 5, "v": "5"})), Outcome::NotMatched);
}

#[test]
fn absent_values_are_told_from_other_failures() {
    let criteria = json!({"trigger.v": {"type": "gt", "pattern": 1}});
    for (payload, absent) in [(json!({"x": 1}), true), (json!({"v": "a"}), false)] {
        match decide(criteria.clone(), &payload) {
            Outcome::Failed(failure) => assert_eq!(failure.is_absent_value, absent),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_hostile_regular_expression_ends() {
    let criteria = json!({"trigger.v": {"type": "regex", "pattern": "^(a|aa)+(?=b)$"}});
    let Outcome::Failed(failure) = decide(criteria, &json!({"v": "a".repeat(5_000)})) else {
        panic!("the budget is used up");
    };
    assert!(matches!(failure.error, Error::TooManySteps { .. }));
}

#[test]
fn a_request_carries_templates_and_what_they_need() {
    let mut rule = rule(&json!({}));
    rule.action.parameters.insert("cmd".to_owned(), json!("echo {{ trigger.n }}"));
    let instance: st2_model::TriggerInstance = serde_json::from_value(json!({
        "id": "5f0000000000000000000001",
        "trigger": "pk.trigger",
        "occurrence_time": 0,
        "payload": {"inline": {"n": 5}},
        "status": "pending",
    }))
    .unwrap();
    let payload = instance.payload.inline().unwrap();
    let request = RuleRequest::new(&rule, &instance, payload, "stanley", None);
    assert_eq!(request.action, "core.noop");
    assert_eq!(request.parameters["cmd"], "echo {{ trigger.n }}");
    assert_eq!(request.variables["trigger"], json!({"n": 5}));
    let expected = json!({
        "trigger_instance": {"id": "5f0000000000000000000001", "name": null},
        "rule": {"id": "5f0000000000000000000002", "name": "rule1"},
        "user": "stanley",
        "pack": "pk",
    });
    assert_eq!(Value::Object(request.context), expected);
}

//! Laws that hold for all values.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use st2_expr::jinja::{Engine, KeyLookup, KeyTable};
use st2_model::{Id, Timestamp};

use crate::operators::{Operator, Test};
use crate::path::{Path, Scope};
use crate::pattern::Pattern;
use crate::vectors::rule;
use crate::{CompiledRule, Evaluation, Occurrence, Outcome, RuleSet, dates};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-cA-C]{0,3}", "[0-9]{1,3}", Just("2026-03-15T12:30:00Z".to_owned()), ".{0,6}",]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop_oneof![Just(0.0), Just(1.0), Just(-2.5), Just(1e300)].prop_map(Value::from),
        text().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[abc]", inner), 0..4)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Texts of the alphabet that the little languages share.
fn source() -> impl Strategy<Value = String> {
    let parts = prop_oneof![
        Just("trigger"),
        Just("item"),
        Just("system"),
        Just("."),
        Just(".."),
        Just("["),
        Just("]"),
        Just("("),
        Just(")"),
        Just("*"),
        Just("+"),
        Just("?"),
        Just("{"),
        Just("}"),
        Just("{{"),
        Just("}}"),
        Just("{%"),
        Just("%}"),
        Just("if"),
        Just("for"),
        Just("in"),
        Just("|"),
        Just("&"),
        Just("$"),
        Just("^"),
        Just("\\"),
        Just("\\d"),
        Just("\\1"),
        Just("0"),
        Just("1"),
        Just("12"),
        Just("-"),
        Just(":"),
        Just(","),
        Just("'"),
        Just("\""),
        Just("`this`"),
        Just("`parent`"),
        Just(" "),
        Just("where"),
        Just("a"),
        Just("b"),
        Just("?P<n>"),
        Just("?<="),
        Just("?!"),
        Just("?i:"),
        Just("#"),
        Just("é"),
        Just("Mar"),
        Just("Mon"),
        Just("am"),
        Just("UTC"),
        Just("2026"),
        Just("T"),
        Just("/"),
        Just("h"),
    ];
    prop::collection::vec(parts, 0..12).prop_map(|parts| parts.concat())
}

fn operator_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(Operator::names().collect::<Vec<_>>())
}

fn criterion() -> impl Strategy<Value = (String, Value)> {
    let key = prop_oneof![
        Just("trigger.a".to_owned()),
        Just("trigger.b".to_owned()),
        Just("trigger.a.b".to_owned()),
        Just("trigger.a[0]".to_owned()),
        Just("trigger..b".to_owned()),
        Just("item".to_owned()),
        source(),
    ];
    let pattern = prop_oneof![
        3 => value(),
        1 => Just(json!("{{ trigger.a }}")),
        1 => source().prop_map(Value::from),
        1 => value().prop_map(|v| json!({"item": {"type": "equals", "pattern": v}})),
    ];
    let condition = prop_oneof![Just("all"), Just("any"), Just("all2any"), Just("any2any")];
    (key, operator_name(), pattern, condition).prop_map(|(key, name, pattern, condition)| {
        (key, json!({"type": name, "pattern": pattern, "condition": condition}))
    })
}

fn criteria() -> impl Strategy<Value = Value> {
    prop::collection::vec(criterion(), 0..3).prop_map(|all| all.into_iter().collect())
}

fn check(name: &str, value: &Value, pattern: &Value) -> Option<bool> {
    let now = "2026-03-15T12:30:45Z".parse().unwrap();
    Test::new(Operator::named(name).unwrap(), pattern.clone()).check(value, now).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_operator_and_its_negation_are_complements(v in value(), p in value()) {
        prop_assume!(!p.is_null());
        let pairs = [
            ("equals", "nequals"),
            ("contains", "ncontains"),
            ("icontains", "incontains"),
            ("inside", "ninside"),
            ("exists", "nexists"),
        ];
        for (yes, no) in pairs {
            prop_assert_eq!(check(yes, &v, &p), check(no, &v, &p).map(|b| !b), "{} {}", yes, no);
        }
    }

    #[test]
    fn order_is_consistent(v in value(), p in value()) {
        let (less, greater) = (check("lt", &v, &p), check("gt", &v, &p));
        prop_assert!(!(less == Some(true) && greater == Some(true)));
        if !p.is_null() && !v.is_null() {
            prop_assert_eq!(less, check("gt", &p, &v));
            let equal = check("equals", &v, &p) == Some(true);
            if less.is_some() {
                prop_assert_eq!(equal, less == Some(false) && greater == Some(false));
            }
        }
    }

    #[test]
    fn equality_has_two_directions(v in value(), p in value()) {
        prop_assume!(!p.is_null() && !v.is_null());
        prop_assert_eq!(check("equals", &v, &p), check("equals", &p, &v));
        prop_assert_eq!(check("equals", &v, &v), Some(true));
    }

    #[test]
    fn nothing_that_is_read_panics(text in source(), v in value()) {
        let now = Timestamp::from_micros(1_773_577_845_500_000);
        drop(dates::parse(&text, now));
        if let Ok(path) = Path::parse(&text) {
            let scope = Scope { trigger: Some(&v), item: Some(&v) };
            let first = path.first(scope).map(|v| v.map(std::borrow::Cow::into_owned));
            let all = path.all(scope).map(|all| all.first().map(|v| v.clone().into_owned()));
            prop_assert_eq!(first, all);
        }
        drop(Pattern::new(&Value::String(text)));
    }

    /// Finding rules by their constants must not change what comes out.
    #[test]
    fn a_rule_set_answers_as_its_rules_do(
        all in prop::collection::vec(criteria(), 1..6),
        payload in value(),
    ) {
        let engine = Arc::new(Engine::default());
        let keys: Arc<dyn KeyLookup> = Arc::new(KeyTable::complete());
        let now = Timestamp::from_micros(1_773_577_845_500_000);
        let rules: Vec<_> = all.iter().map(rule).collect();
        let expected: Vec<Outcome> = rules
            .iter()
            .map(|rule| {
                CompiledRule::new(rule.clone())
                    .decide(&payload, &engine, Arc::clone(&keys), now)
                    .unwrap()
            })
            .filter(|outcome| *outcome != Outcome::NotMatched)
            .collect();
        let set = RuleSet::new(rules, engine);
        let id = Id::derived(&["law"]);
        let occurrence = Occurrence { id: &id, trigger: "pk.trigger", payload: &payload };
        let Evaluation::Decided(verdicts) = set.evaluate(&occurrence, keys, now) else {
            return Err(TestCaseError::fail("keys needed although the table is complete"));
        };
        let outcomes: Vec<Outcome> = verdicts.into_iter().map(|v| v.outcome).collect();
        prop_assert_eq!(outcomes, expected);
    }
}

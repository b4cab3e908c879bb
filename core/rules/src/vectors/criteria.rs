//! Whole criteria against `criteria.jsonl`, and `search` against `operators.jsonl`.

use std::sync::Arc;

use serde_json::{Value, json};
use st2_expr::jinja::{Engine, KeyLookup, KeyRef, KeyTable, SYSTEM_SCOPE};
use st2_model::{Rule, Timestamp};

use crate::evaluate::Evaluator;
use crate::path::Scope;
use crate::pattern::Pattern;
use crate::{CompiledRule, Error, Outcome};

const INSTANCE: &str = "5f0000000000000000000001";

/// The datastore that the recording names.
fn datastore() -> Arc<dyn KeyLookup> {
    let mut keys = KeyTable::complete();
    let items =
        [("foo", "bar"), ("num", "5"), ("a.b", "dotted"), ("json", "{\"k\": 1}"), ("empty", "")];
    for (name, value) in items {
        let key = KeyRef { scope: SYSTEM_SCOPE.to_owned(), name: name.to_owned() };
        keys.insert(key, Some(value.to_owned()));
    }
    Arc::new(keys)
}

fn now() -> Timestamp {
    "2026-03-15T12:30:45.500000Z".parse().unwrap()
}

pub(crate) fn rule(criteria: &Value) -> Rule {
    serde_json::from_value(json!({
        "id": "5f0000000000000000000002",
        "ref": "pk.rule1",
        "type": {"ref": "standard"},
        "trigger": "pk.trigger",
        "criteria": criteria,
        "action": {"ref": "core.noop"},
        "enabled": true,
        "context": {},
        "tags": [],
        "metadata_file": "",
    }))
    .unwrap()
}

/// The part of a recorded reason that is ours to say: all before the text of the exception.
fn stable_part(reason: &str) -> &str {
    let start = reason.find("\": ").unwrap() + 3;
    let rest = &reason[start..];
    let end = if rest.starts_with("Failed to render pattern") {
        rest.rfind("\": ").unwrap() + 3
    } else {
        rest.find(": ").unwrap() + 2
    };
    &reason[..start + end]
}

fn check_rule(row: &Value, payload: &Value, engine: &Engine) -> Result<(), String> {
    let mut rule = rule(&row["criteria"]);
    rule.enabled = row["enabled"].as_bool().unwrap_or(true);
    let rule = CompiledRule::new(rule);
    let outcome = rule.decide(payload, engine, datastore(), now()).unwrap();
    if row.get("error").is_some() {
        return match &outcome {
            Outcome::Failed(failure)
                if matches!(failure.error, Error::UnknownOperator { .. } | Error::Shape { .. }) =>
            {
                Ok(())
            }
            other => Err(format!("got {other:?}")),
        };
    }
    let matched = outcome == Outcome::Matched;
    let ours: Vec<String> = match &outcome {
        Outcome::Failed(failure) => vec![failure.reason("pk.rule1", INSTANCE)],
        _ => Vec::new(),
    };
    let theirs: Vec<&str> = row["result"]["enforcement_failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reason| reason.as_str().unwrap())
        .collect();
    let same = row["result"]["matched"] == matched
        && ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(ours, theirs)| ours.starts_with(stable_part(theirs)));
    if same {
        return Ok(());
    }
    Err(format!("got {matched} {ours:?}"))
}

fn check_pattern(row: &Value, payload: &Value, engine: &Engine) -> Result<(), String> {
    let pattern = Pattern::new(&row["pattern_only"]);
    let evaluator = Evaluator::new(engine, datastore(), now(), Some(payload));
    let scope = Scope { trigger: Some(payload), item: None };
    let ours = match &pattern {
        Pattern::Fixed(value) => Ok(value.clone()),
        Pattern::Template(template) => template
            .render(scope, engine, || evaluator.context(scope))
            .map(|rendered| rendered.value.into_owned()),
    };
    match (&ours, row["result"].get("rendered_pattern")) {
        (Ok(ours), Some(theirs)) if ours == theirs => Ok(()),
        (Err(_), None) => Ok(()),
        _ => Err(format!("got {ours:?}")),
    }
}

#[test]
fn vectors_criteria() {
    let engine = Engine::default();
    st2_vectors::run("criteria", |header, row| {
        let payload = match &row["payload"] {
            Value::String(text) if text == "@P" => &header["payloads"]["P"],
            other => other,
        };
        if row.get("criteria").is_some() {
            check_rule(row, payload, &engine)
        } else {
            check_pattern(row, payload, &engine)
        }
    });
}

/// A `search` of the recordings, over a payload that holds nothing but its value.
pub(super) fn search(row: &Value, engine: &Engine) -> Result<bool, Error> {
    let criteria = json!({
        "trigger.value": {
            "type": "search",
            "condition": row["criteria_condition"],
            "pattern": row["criteria_pattern"],
        }
    });
    let payload = json!({"value": row["value"]});
    let rule = CompiledRule::new(rule(&criteria));
    match rule.decide(&payload, engine, datastore(), now()).unwrap() {
        Outcome::Matched => Ok(true),
        Outcome::NotMatched => Ok(false),
        // What fails in a child counts as "no match" of the operator.
        Outcome::Failed(_) if row["result"] == false => Ok(false),
        Outcome::Failed(failure) => Err(failure.error),
    }
}

//! Recorded answers of StackStorm's parameter rendering.

use serde_json::{Map, Value, json};
use st2_expr::jinja::{Engine, KeyRef, KeyTable, SYSTEM_SCOPE, USER_SCOPE};
use st2_vectors::Recording;

use super::{Case, object};
use crate::params::{ParamError, cast, render_live_params};

#[test]
fn vectors_params() {
    let recording = Recording::read("params");
    let keys = table(&recording.header()["kv"]);
    recording.run(|_, row| check(row, &keys));
}

fn table(kv: &Value) -> KeyTable {
    let mut keys = KeyTable::complete();
    for (group, scope) in [("sys", SYSTEM_SCOPE), ("user", USER_SCOPE)] {
        for (name, value) in object(kv[group].clone()) {
            let key = KeyRef { scope: scope.to_owned(), name };
            keys.insert(key, value.as_str().map(str::to_owned));
        }
    }
    keys
}

fn run(row: &Value, keys: &KeyTable) -> Result<Value, ParamError> {
    let mode = row["mode"].as_str().unwrap();
    if mode == "cast" {
        let kind = row["type"].as_str().unwrap();
        return cast(kind, row["value"].clone())
            .map_err(|reason| ParamError::Cast { parameter: String::new(), reason });
    }
    let mut case = Case {
        runner: object(row["runner"].clone()),
        action: object(row["action"].clone()),
        parameters: object(row["params"].clone()),
        context: object(row["context"].clone()),
        config: row["config"].clone(),
        keys: keys.clone(),
    };
    if mode != "final" {
        let additional: Map<String, Value> = object(row["additional"].clone());
        let live = render_live_params(&Engine::default(), &case.inputs(), &additional)?;
        if mode == "live" {
            return Ok(Value::Object(live));
        }
        case.parameters = live;
    }
    let finals = case.finals()?;
    Ok(json!({"runner": finals.runner, "action": finals.action}))
}

fn check(row: &Value, keys: &KeyTable) -> Result<(), String> {
    let outcome = run(row, keys);
    let Some(expected) = row.get("error") else {
        return match outcome {
            Ok(value) if value == row["result"] => Ok(()),
            Ok(value) => Err(format!("gave {value}")),
            Err(error) => Err(format!("failed: {error}")),
        };
    };
    let error = match outcome {
        Ok(value) => return Err(format!("passed with {value}")),
        Err(error) => error,
    };
    let is_cast = matches!(error, ParamError::Cast { .. });
    if (expected["type"] != "ParamException") != is_cast {
        return Err(format!("another kind of error: {error:?}"));
    }
    let wanted = expected.get("message").or_else(|| expected.get("message_prefix"));
    let wanted = wanted.and_then(Value::as_str).unwrap_or_default();
    let got = error.to_string();
    // The engine's own words may differ, and so may those of int(), float() and literals; what
    // failed is said in the same way.
    let same = match &error {
        ParamError::Render { parameter, .. } => {
            wanted.starts_with(&format!("Failed to render parameter \"{parameter}\": "))
        }
        ParamError::Cast { .. } => !wanted.starts_with("Value ") || got == wanted,
        _ => got.starts_with(wanted),
    };
    if same { Ok(()) } else { Err(format!("another message: {got}")) }
}

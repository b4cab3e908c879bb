//! What executions can be filtered by.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Map, Value};
use st2_http::{Fault, Params};
use st2_model::{Execution, ResourceRef};
use st2_ports::Filter;

use super::filters::distinct;
use crate::Api;
use crate::api::Answer;

/// What is asked for, the path where it is stored, and whether only the name of a ref is shown.
const KINDS: [(&str, &str, bool); 7] = [
    ("action", "action", false),
    ("status", "status", false),
    ("rule", "origin.rule_ref", true),
    ("runner", "runner", false),
    ("trigger", "origin.trigger_ref", true),
    ("trigger_type", "origin.trigger_type_ref", true),
    ("user", "context.user", false),
];

pub(super) async fn filters(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let asked = params.list("types");
    let mut shown = Map::new();
    for (name, path, is_named) in KINDS {
        if asked.as_ref().is_none_or(|asked| asked.contains(&name)) {
            shown.insert(name.to_owned(), values(&api, path, is_named).await?);
        }
    }
    Ok(Json(Value::Object(shown)).into_response())
}

async fn values(api: &Api, path: &str, is_named: bool) -> Result<Value, Fault> {
    let found = distinct(&api.ports, path).await?.into_iter();
    if !is_named {
        return Ok(found.map(Value::from).collect());
    }
    let name = |text: String| {
        text.parse::<ResourceRef>().map_or(text, |reference| reference.name().to_owned())
    };
    let names: BTreeSet<String> = found.map(name).collect();
    let absent = Filter::Exists(path.to_owned(), false);
    let query = st2_ports::Query::of(absent).limit(1);
    let has_others = !api.ports.repository::<Execution>().find(&query).await?.is_empty();
    let null = has_others.then_some(Value::Null);
    Ok(null.into_iter().chain(names.into_iter().map(Value::from)).collect())
}

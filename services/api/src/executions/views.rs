//! What executions can be filtered by.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use serde_json::{Map, Value};
use st2_http::Params;
use st2_model::ResourceRef;

use super::filters::distinct;
use super::seen;
use crate::Api;
use crate::api::{Answer, shown};

pub(super) async fn filters(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let asked = params.list("types");
    let is_asked = |name: &str| asked.as_ref().is_none_or(|asked| asked.contains(&name));
    let mut list = Map::new();
    for name in ["action", "status"].into_iter().filter(|name| is_asked(name)) {
        list.insert(name.to_owned(), distinct(&api.ports, name).await?.into());
    }
    let others = ["rule", "runner", "trigger", "trigger_type", "user"];
    if others.into_iter().any(is_asked) {
        let seen = seen::look(&api.seen, &api.ports).await?;
        for name in others.into_iter().filter(|name| is_asked(name)) {
            let values = match name {
                "runner" => seen.runners.iter().cloned().collect(),
                "user" => seen.users.iter().cloned().collect(),
                "rule" => names(&seen.rules, seen.has_plain),
                "trigger" => names(&seen.triggers, seen.has_plain),
                _ => names(&seen.trigger_types, seen.has_plain),
            };
            list.insert(name.to_owned(), values);
        }
    }
    Ok(shown(Value::Object(list)))
}

/// The names in some refs, behind null when there are executions without any.
fn names(refs: &BTreeSet<String>, has_plain: bool) -> Value {
    let name = |text: &String| {
        text.parse::<ResourceRef>().map_or_else(|_| text.clone(), |found| found.name().to_owned())
    };
    let names: BTreeSet<String> = refs.iter().map(name).collect();
    let null = has_plain.then_some(Value::Null);
    null.into_iter().chain(names.into_iter().map(Value::from)).collect()
}

//! The filters of the list of executions that need more than one look.

use st2_http::{Fault, Params};
use st2_model::{Execution, ResourceRef};
use st2_ports::{Filter, Order, Ports, Query};

use super::seen;
use crate::Api;
use crate::listing::{Question, equals};

/// Filters by the name, without the pack, of something whose ref is stored.
const BY_NAME: [(&str, &str); 3] = [
    ("rule", "origin.rule_ref"),
    ("trigger", "origin.trigger_ref"),
    ("trigger_type", "origin.trigger_type_ref"),
];

/// Paths that the parameter `filter` may name, and where they are stored.
const PATHS: [(&str, &str); 18] = [
    ("id", "id"),
    ("action", "action"),
    ("action.ref", "action"),
    ("status", "status"),
    ("liveaction", "live_action"),
    ("liveaction.id", "live_action"),
    ("liveaction.action", "action"),
    ("parent", "parent"),
    ("runner", "runner"),
    ("runner.name", "runner"),
    ("rule.ref", "origin.rule_ref"),
    ("trigger.ref", "origin.trigger_ref"),
    ("trigger_type.ref", "origin.trigger_type_ref"),
    ("trigger_instance", "origin.trigger_instance"),
    ("trigger_instance.id", "origin.trigger_instance"),
    ("user", "context.user"),
    ("delay", "delay_ms"),
    ("result_size", "result_size"),
];

/// Adds what `rule`, `trigger`, `trigger_type`, `filter` and the directions ask for.
pub(super) async fn refine(
    api: &Api,
    params: &Params,
    question: &mut Question,
) -> Result<(), Fault> {
    for (name, path) in BY_NAME {
        if let Some(value) = params.text(name) {
            question.and(named(api, path, value).await?);
        }
    }
    for token in params.text("filter").unwrap_or_default().split_whitespace() {
        let (path, value) = token
            .split_once(':')
            .ok_or_else(|| Fault::bad_request(format!("invalid format for filter \"{token}\"")))?;
        question.and(by_path(api, path, value).await?);
    }
    let has = |name: &str| params.text(name).is_some();
    if params.text("sort").is_none() {
        if has("sort_desc") || has("timestamp_lt") {
            question.sort_first("start_timestamp", Order::Descending);
        } else if has("sort_asc") || has("timestamp_gt") {
            question.sort_first("start_timestamp", Order::Ascending);
        }
    }
    Ok(())
}

async fn by_path(api: &Api, path: &str, value: &str) -> Result<Filter, Fault> {
    if let Some((_, stored)) = PATHS.iter().find(|(known, _)| *known == path) {
        return Ok(match value.parse::<i64>() {
            Ok(number) if matches!(path, "delay" | "result_size") => Filter::eq(*stored, number),
            _ => equals(stored, value),
        });
    }
    if path == "action.pack" {
        return Ok(Filter::Prefix("action".to_owned(), format!("{value}.")));
    }
    if let Some((_, stored)) =
        BY_NAME.iter().find(|(known, _)| path.strip_suffix(".name") == Some(*known))
    {
        return named(api, stored, value).await;
    }
    if path.starts_with("context.") || path.starts_with("parameters.") {
        return Ok(equals(path, value));
    }
    let field = path.split('.').next().unwrap_or(path);
    Err(Fault::bad_request(format!("Cannot resolve field \"{field}\"")))
}

/// Executions at whose `path` stands the ref of something of this name, in whatever pack.
async fn named(api: &Api, path: &str, name: &str) -> Result<Filter, Fault> {
    if name.eq_ignore_ascii_case("null") {
        return Ok(Filter::Exists(path.to_owned(), false));
    }
    let seen = seen::look(&api.seen, &api.ports).await?;
    let refs = match path {
        "origin.rule_ref" => &seen.rules,
        "origin.trigger_ref" => &seen.triggers,
        _ => &seen.trigger_types,
    };
    let is_named = |known: &&String| {
        known.parse::<ResourceRef>().is_ok_and(|reference| reference.name() == name)
    };
    Ok(Filter::is_in(path, refs.iter().filter(is_named).cloned()))
}

/// The different texts at `path`, which has an index, of all executions, in order: one question for
/// each, so that none of the executions between is read.
pub(super) async fn distinct(ports: &Ports, path: &str) -> Result<Vec<String>, Fault> {
    let executions = ports.repository::<Execution>();
    let mut found: Vec<String> = Vec::new();
    loop {
        // No text lies between another one and the same with a NUL behind it.
        let from = found.last().map_or_else(String::new, |last| format!("{last}\0"));
        let mut query = Query::of(Filter::at_least(path, from)).by(path, Order::Ascending).limit(1);
        query.without = vec!["result"];
        let Some(next) = executions.find(&query).await?.into_iter().next() else {
            return Ok(found);
        };
        match text_at(&next.value, path) {
            Some(text) if found.last() != Some(&text) => found.push(text),
            _ => return Ok(found),
        }
    }
}

fn text_at(execution: &Execution, path: &str) -> Option<String> {
    match path {
        "action" => Some(execution.action.to_string()),
        "status" => Some(execution.status.to_string()),
        _ => None,
    }
}

//! Webhooks: rules wait for them as triggers, whoever calls one makes the trigger occur.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use st2_http::{Fault, JsonBody};
use st2_intake::{Check, IntakeError, Occurrence, Selector};
use st2_model::Trigger;
use st2_ports::{Filter, Order, Query};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, shown};
use crate::triggerinstances::intake_fault;

const WEBHOOK: &str = "core.st2.webhook";
/// The hook that is always there: its body names the trigger.
const GENERIC: &str = "st2";
/// Headers that are not passed on.
const WITHHELD: [&str; 4] = ["x-auth-token", "st2-api-key", "cookie", TRACE_TAG];
const TRACE_TAG: &str = "st2-trace-tag";

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/webhooks", get(list)).route("/webhooks/{*url}", get(one).post(call))
}

async fn list(State(api): State<Arc<Api>>) -> Answer {
    Ok(shown(all(&api).await?.iter().map(content::trigger).collect()))
}

async fn one(State(api): State<Arc<Api>>, Path(url): Path<String>) -> Answer {
    let found = registered(&api, &url).await?;
    let first = found.first().ok_or_else(Fault::no_such_path)?;
    Ok(shown(content::trigger(first)))
}

async fn call(
    State(api): State<Arc<Api>>,
    Path(hook): Path<String>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Answer {
    let hook = hook.trim_matches('/');
    if !body.is_object() && !body.is_array() {
        let shown = st2_schema::repr(&body);
        return Err(Fault::bad_request(format!("{shown} is not of type 'object', 'array'")));
    }
    let tag = headers.get(TRACE_TAG).and_then(|tag| tag.to_str().ok());
    let tag =
        tag.map_or_else(|| format!("webhook-{hook}-{}", api.ports.ids.token(16)), str::to_owned);
    if hook == GENERIC {
        generic(&api, &body, tag).await?;
    } else {
        let triggers = registered(&api, hook).await?;
        if triggers.is_empty() {
            let text = format!("Webhook {hook} not registered with st2");
            return Err(Fault::not_found(text));
        }
        let payload = payload(&headers, &body);
        let occurrences = triggers.iter().map(|trigger| Occurrence {
            trigger: Selector::Id(trigger.id.to_string()),
            payload: payload.clone(),
            trace_tag: Some(tag.clone()),
            dedupe: None,
            check: Check::Always,
        });
        for answer in api.intake.dispatch_all(occurrences.collect(), None).await {
            match answer {
                // The last rule that waited for it was removed meanwhile.
                Ok(_) | Err(IntakeError::UnknownTrigger(_)) => {}
                Err(error) => return Err(intake_fault(error)),
            }
        }
    }
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

async fn generic(api: &Api, body: &Value, tag: String) -> Result<(), Fault> {
    let Some(members) = body.as_object() else {
        return Err(Fault::bad_request("Webhook body needs to be an object, got: array"));
    };
    let trigger = members.get("trigger").and_then(Value::as_str);
    let trigger = trigger.filter(|trigger| !trigger.is_empty());
    let trigger = trigger.ok_or_else(|| Fault::bad_request("Trigger not specified."))?;
    let payload = members.get("payload").cloned().unwrap_or_else(|| json!({}));
    let mut occurrence = Occurrence::of(trigger, payload);
    occurrence.trace_tag = Some(tag);
    occurrence.check = Check::Always;
    api.intake.dispatch(occurrence).await.map_err(intake_fault)?;
    Ok(())
}

/// What a rule sees of a call. The names of headers are written in title case and in lower case.
fn payload(headers: &HeaderMap, body: &Value) -> Value {
    let (mut titled, mut lower) = (Map::new(), Map::new());
    for name in headers.keys().filter(|name| !WITHHELD.contains(&name.as_str())) {
        let values = headers.get_all(name).iter();
        let values: Vec<_> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let value = Value::from(values.join(","));
        titled.insert(title(name.as_str()), value.clone());
        lower.insert(name.as_str().to_owned(), value);
    }
    json!({"headers": titled, "headers_lower": lower, "body": body})
}

fn title(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}

/// The triggers that wait for the hook `url`.
async fn registered(api: &Api, url: &str) -> Result<Vec<Trigger>, Fault> {
    let url = url.trim_matches('/');
    let mut found = all(api).await?;
    found.retain(|trigger| {
        let waits_for = trigger.parameters.get("url").and_then(Value::as_str);
        waits_for.is_some_and(|waits_for| waits_for.trim_matches('/') == url)
    });
    Ok(found)
}

async fn all(api: &Api) -> Result<Vec<Trigger>, Fault> {
    let query = Query::of(Filter::eq("type", WEBHOOK)).by("ref", Order::Ascending);
    let found = api.ports.repository::<Trigger>().find(&query).await?;
    Ok(found.into_iter().map(|trigger| trigger.value).collect())
}

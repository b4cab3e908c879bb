//! Triggers and, as a part of them, timers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_content::{ensure_trigger, settle_trigger};
use st2_http::{Fault, JsonBody, Params};
use st2_model::{Object, ResourceRef, Trigger, TriggerType};
use st2_ports::{Filter, Order, Query, Topic};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, created, removed, shown};
use crate::forms::{Form, content_fault, object, text};
use crate::lookup;

/// The trigger types that the timers engine serves.
const TIMERS: [&str; 3] = ["core.st2.IntervalTimer", "core.st2.DateTimer", "core.st2.CronTimer"];

static TRIGGER: Form = Form::new(
    r#"{"type": "object", "properties": {
        "name": {"type": "string", "required": true},
        "pack": {"type": "string", "required": true},
        "type": {"type": "string", "required": true},
        "parameters": {"type": ["object", "null"]},
        "description": {"type": ["string", "null"]}
    }}"#,
);

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/triggers", get(list).post(create))
        .route("/triggers/{id}", get(one).put(update).delete(remove))
        .route("/timers", get(timers))
        .route("/timers/{ref_or_id}", get(timer))
}

async fn list(State(api): State<Arc<Api>>) -> Answer {
    Ok(shown(all(&api, Filter::All).await?))
}

async fn timers(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let kinds = match params.text("timer_type") {
        None => TIMERS.to_vec(),
        Some(kind) if TIMERS.contains(&kind) => vec![kind],
        Some(kind) => {
            return Err(Fault::bad_request(format!(
                "Timer type {kind} not in supported types - {}",
                TIMERS.join(", ")
            )));
        }
    };
    Ok(shown(all(&api, Filter::is_in("type", kinds)).await?))
}

async fn timer(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let trigger = lookup::by_ref_or_id::<Trigger>(&api.ports, &ref_or_id).await?.value;
    if !TIMERS.contains(&trigger.kind.to_string().as_str()) {
        let text = format!("Resource with a reference or id \"{ref_or_id}\" not found");
        return Err(Fault::not_found(text));
    }
    Ok(shown(content::trigger(&trigger)))
}

async fn one(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answer {
    let trigger = lookup::by_id::<Trigger>(&api.ports, &id).await?;
    Ok(shown(content::trigger(&trigger.value)))
}

async fn create(State(api): State<Arc<Api>>, JsonBody(body): JsonBody) -> Answer {
    Ok(created(content::trigger(&store(&api, body).await?)))
}

async fn update(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let old = lookup::by_id::<Trigger>(&api.ports, &id).await?.value;
    let trigger = store(&api, body).await?;
    if trigger.id != old.id {
        forget(&api, &old).await?;
    }
    Ok(shown(content::trigger(&trigger)))
}

async fn remove(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answer {
    let trigger = lookup::by_id::<Trigger>(&api.ports, &id).await?.value;
    forget(&api, &trigger).await?;
    Ok(removed())
}

async fn all(api: &Api, filter: Filter) -> Result<Value, Fault> {
    let query = Query::of(filter).by("ref", Order::Ascending);
    let found = api.ports.repository::<Trigger>().find(&query).await?;
    Ok(found.iter().map(|trigger| content::trigger(&trigger.value)).collect())
}

/// Stores the trigger that `body` describes, unless one of its type and parameters, or of its
/// name, exists: that one is the answer then.
async fn store(api: &Api, body: Value) -> Result<Trigger, Fault> {
    let members = TRIGGER.check(body)?;
    let member = |name: &str| text(&members, name).unwrap_or_default();
    let wrong = |error: st2_model::ParseRefError| Fault::bad_request(error.to_string());
    let reference = ResourceRef::new(member("pack"), member("name")).map_err(wrong)?;
    let triggers = api.ports.repository::<Trigger>();
    if let Some(existing) = triggers.find_by("ref", &reference).await? {
        return Ok(existing.value);
    }
    let kind: ResourceRef = member("type").parse().map_err(wrong)?;
    let known = api.ports.repository::<TriggerType>().get(TriggerType::id_of(&kind)).await?;
    let known = known.map(|found| found.value);
    let parameters: Object = object(&members, "parameters");
    let validate = api.settings.validate_trigger_parameters;
    let mut trigger =
        settle_trigger(&kind, known.as_ref(), parameters, validate).map_err(content_fault)?;
    if let Some(existing) = triggers.get(trigger.id).await? {
        return Ok(existing.value);
    }
    trigger.reference = reference;
    trigger.description = text(&members, "description").map(str::to_owned);
    ensure_trigger(&api.ports, &trigger).await?;
    Ok(trigger)
}

async fn forget(api: &Api, trigger: &Trigger) -> Result<(), Fault> {
    if api.ports.repository::<Trigger>().delete(trigger.id).await? {
        api.wake(Topic::TriggerChanged, trigger.id).await;
    }
    Ok(())
}

//! Trigger instances.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde_json::{Value, json};
use st2_execution::load_payload;
use st2_http::{Fault, Params};
use st2_intake::{IntakeError, Occurrence};
use st2_model::{Trigger, TriggerInstance};
use st2_ports::{Filter, Order, Query};
use st2_wire::occurrence;

use crate::Api;
use crate::api::{Answer, shown};
use crate::listing::{By, Listing};
use crate::lookup;

const LISTING: Listing = Listing {
    limit: Some(100),
    filters: &[
        ("id", By::Id),
        ("trigger", By::Text("trigger")),
        ("status", By::Text("status")),
        ("timestamp", By::Time("occurrence_time")),
        ("timestamp_gt", By::After("occurrence_time")),
        ("timestamp_lt", By::Before("occurrence_time")),
        ("occurrence_time", By::Time("occurrence_time")),
    ],
    order: &[("occurrence_time", Order::Descending)],
    members: &["id", "trigger", "occurrence_time", "payload", "status"],
    excludable: &[],
    keeps: &["id"],
};

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/triggerinstances", get(list))
        .route("/triggerinstances/{id}", get(one))
        .route("/triggerinstances/{id}/re_emit", post(re_emit))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let mut question = LISTING.question(&params)?;
    if let Some(kind) = params.text("trigger_type") {
        let refs = triggers_of(&api, kind).await?;
        if refs.is_empty() {
            return Ok(shown(json!([])));
        }
        question.and(Filter::is_in("trigger", refs));
    }
    let rows = question.ask::<TriggerInstance>(&api.ports).await?;
    let mut list = Vec::with_capacity(rows.items.len());
    for instance in &rows.items {
        let payload = match projection.wants("payload") {
            true => load_payload(&*api.ports.store, &instance.payload).await?,
            false => Value::Null,
        };
        list.push(projection.apply(occurrence::trigger_instance(instance, payload)));
    }
    Ok(rows.with(list))
}

async fn triggers_of(api: &Api, kind: &str) -> Result<Vec<String>, Fault> {
    let query = Query::of(Filter::eq("type", kind));
    let found = api.ports.repository::<Trigger>().find(&query).await?;
    Ok(found.into_iter().map(|trigger| trigger.value.reference.to_string()).collect())
}

async fn one(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answer {
    let instance = lookup::by_id::<TriggerInstance>(&api.ports, &id).await?.value;
    Ok(shown(show(&api, &instance).await?))
}

/// A trigger instance with its payload.
pub(crate) async fn show(api: &Api, instance: &TriggerInstance) -> Result<Value, Fault> {
    let payload = load_payload(&*api.ports.store, &instance.payload).await?;
    Ok(occurrence::trigger_instance(instance, payload))
}

async fn re_emit(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answer {
    let instance = lookup::by_id::<TriggerInstance>(&api.ports, &id).await?.value;
    let mut payload = load_payload(&*api.ports.store, &instance.payload).await?;
    if let Value::Object(members) = &mut payload {
        members.insert("__context".to_owned(), json!({"original_id": instance.id.to_string()}));
    }
    let mut again = Occurrence::of(instance.trigger.to_string(), payload.clone());
    again.trace_tag.clone_from(&instance.trace_tag);
    api.intake.dispatch(again).await.map_err(intake_fault)?;
    Ok(shown(json!({
        "message": format!("Trigger instance {} succesfully re-sent.", instance.id),
        "payload": payload,
    })))
}

/// What is told when an occurrence is not accepted.
pub(crate) fn intake_fault(error: IntakeError) -> Fault {
    match error {
        IntakeError::Store(error) => error.into(),
        IntakeError::Payload { trigger, reason } => Fault::bad_request(format!(
            "Trigger payload validation failed and validation is enabled, not dispatching a \
             trigger \"{trigger}\": {reason}"
        )),
        error @ IntakeError::UnknownTrigger(_) => Fault::bad_request(error.to_string()),
    }
}

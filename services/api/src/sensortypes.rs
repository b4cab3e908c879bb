//! Sensor types and, which StackStorm does not tell, where each sensor stands.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use st2_http::{Fault, JsonBody, Params};
use st2_model::{SensorStatus, SensorType};
use st2_ports::{Filter, Order, Query, Topic};
use st2_wire::{content, occurrence};

use crate::Api;
use crate::api::{Answer, refuse_system_pack, shown};
use crate::forms::Form;
use crate::listing::{By, Listing, counted};
use crate::lookup;

const LISTING: Listing = Listing {
    limit: None,
    filters: &[
        ("id", By::Id),
        ("name", By::Name),
        ("pack", By::Pack),
        ("trigger", By::Text("trigger_types")),
        ("enabled", By::Flag("enabled")),
    ],
    order: &[("ref", Order::Ascending)],
    members: &[
        "id",
        "ref",
        "uid",
        "name",
        "pack",
        "description",
        "artifact_uri",
        "entry_point",
        "trigger_types",
        "poll_interval",
        "enabled",
        "metadata_file",
    ],
    excludable: &[],
    keeps: &["id", "ref"],
};

static UPDATE: Form =
    Form::new(r#"{"type": "object", "properties": {"enabled": {"type": "boolean"}}}"#);

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/sensortypes", get(list))
        .route("/sensortypes/status", get(statuses))
        .route("/sensortypes/{ref_or_id}", get(one).put(update))
        .route("/sensortypes/{ref_or_id}/status", get(status))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<SensorType>(&api.ports).await?;
    Ok(rows.answer(|sensor| projection.apply(content::sensor_type(sensor))))
}

async fn one(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let sensor = lookup::by_ref_or_id::<SensorType>(&api.ports, &ref_or_id).await?;
    Ok(shown(content::sensor_type(&sensor.value)))
}

/// Only `enabled` is changed. Without it nothing is.
async fn update(
    State(api): State<Arc<Api>>,
    Path(ref_or_id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let members = UPDATE.check(body)?;
    let mut sensor = lookup::by_ref_or_id::<SensorType>(&api.ports, &ref_or_id).await?.value;
    refuse_system_pack(sensor.reference.pack())?;
    if let Some(enabled) = members.get("enabled").and_then(serde_json::Value::as_bool)
        && enabled != sensor.enabled
    {
        sensor.enabled = enabled;
        api.ports.repository().put(&sensor).await?;
        api.wake(Topic::SensorChanged, sensor.id).await;
    }
    Ok(shown(content::sensor_type(&sensor)))
}

async fn status(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let sensor = lookup::by_ref_or_id::<SensorType>(&api.ports, &ref_or_id).await?.value;
    let status = api.ports.repository::<SensorStatus>().get(sensor.id).await?;
    let status = status.ok_or_else(|| {
        Fault::not_found(format!("No node has taken up the sensor \"{}\" yet.", sensor.reference))
    })?;
    Ok(shown(occurrence::sensor_status(&status.value)))
}

async fn statuses(State(api): State<Arc<Api>>) -> Answer {
    let query = Query::of(Filter::All).by("ref", Order::Ascending);
    let found = api.ports.repository::<SensorStatus>().find(&query).await?;
    let list: Vec<_> = found.iter().map(|one| occurrence::sensor_status(&one.value)).collect();
    let total = u64::try_from(list.len()).unwrap_or(u64::MAX);
    Ok(counted(list, total, None))
}

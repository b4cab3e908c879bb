//! Runner types.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_http::{Fault, JsonBody, Params};
use st2_model::RunnerType;
use st2_ports::{Order, Topic, Versioned};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, shown};
use crate::forms::Form;
use crate::listing::{By, Listing};
use crate::lookup;

const LISTING: Listing = Listing {
    limit: Some(100),
    filters: &[("id", By::Id), ("name", By::OneOf("name"))],
    order: &[("name", Order::Ascending)],
    members: &[
        "id",
        "uid",
        "name",
        "description",
        "enabled",
        "runner_package",
        "runner_module",
        "runner_parameters",
        "output_key",
        "output_schema",
    ],
    excludable: &[],
    keeps: &["id"],
};

static UPDATE: Form = Form::new(
    r#"{"type": "object", "properties": {"enabled": {"type": "boolean", "required": true}}}"#,
);

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/runnertypes", get(list))
        .route("/runnertypes/{name_or_id}", get(one).put(update))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<RunnerType>(&api.ports).await?;
    Ok(rows.answer(|runner| projection.apply(content::runner_type(runner))))
}

async fn one(State(api): State<Arc<Api>>, Path(name_or_id): Path<String>) -> Answer {
    Ok(shown(content::runner_type(&find(&api, &name_or_id).await?.value)))
}

async fn update(
    State(api): State<Arc<Api>>,
    Path(name_or_id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let members = UPDATE.check(body)?;
    let mut runner = find(&api, &name_or_id).await?.value;
    runner.enabled = members.get("enabled").and_then(Value::as_bool).unwrap_or(runner.enabled);
    api.ports.repository().put(&runner).await?;
    api.wake(Topic::ContentChanged, &runner.name).await;
    Ok(shown(content::runner_type(&runner)))
}

async fn find(api: &Api, name_or_id: &str) -> Result<Versioned<RunnerType>, Fault> {
    let by_name = RunnerType::id_of(name_or_id);
    if let Some(found) = api.ports.repository::<RunnerType>().get(by_name).await? {
        return Ok(found);
    }
    lookup::find_by_id(&api.ports, name_or_id).await?.ok_or_else(|| {
        Fault::not_found(format!("Resource with a name or id \"{name_or_id}\" not found"))
    })
}

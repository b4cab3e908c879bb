//! Actions: what there is, how they look with their runners, and changes through the API.

mod files;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Value, json};
use st2_http::{Fault, Params};
use st2_model::{Action, Object, RunnerType};
use st2_ports::{Filter, Order, Query};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, shown};
use crate::listing::{By, Listing};
use crate::lookup;

const LISTING: Listing = Listing {
    limit: None,
    filters: &[
        ("id", By::Id),
        ("name", By::Name),
        ("pack", By::Pack),
        ("tags", By::Text("tags.name")),
    ],
    order: &[("ref", Order::Ascending)],
    members: &[
        "id",
        "ref",
        "uid",
        "name",
        "pack",
        "description",
        "enabled",
        "runner_type",
        "entry_point",
        "parameters",
        "output_schema",
        "tags",
        "notify",
        "metadata_file",
        "idempotent",
    ],
    excludable: &["parameters", "notify"],
    keeps: &["id", "ref"],
};

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/actions", get(list).post(write::create))
        .route("/actions/views/overview", get(overviews))
        .route("/actions/views/overview/{ref_or_id}", get(overview))
        .route("/actions/views/parameters/{ref_or_id}", get(parameters))
        .route("/actions/views/entry_point/{ref_or_id}", get(entry_point))
        .route("/actions/{ref_or_id}", get(one).put(write::update).delete(write::remove))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<Action>(&api.ports).await?;
    Ok(rows.answer(|action| projection.apply(content::action(action))))
}

async fn one(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let action = lookup::by_ref_or_id::<Action>(&api.ports, &ref_or_id).await?;
    Ok(shown(content::action(&action.value)))
}

async fn overviews(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<Action>(&api.ports).await?;
    let runners = runner_types(&api).await?;
    Ok(rows.answer(|action| {
        let runner = runners.iter().find(|runner| is_runner_of(runner, action));
        projection.apply(with_runner(action, runner))
    }))
}

async fn overview(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let action = lookup::by_ref_or_id::<Action>(&api.ports, &ref_or_id).await?.value;
    let runners = runner_types(&api).await?;
    let runner = runners.iter().find(|runner| is_runner_of(runner, &action));
    Ok(shown(with_runner(&action, runner)))
}

async fn parameters(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let action = lookup::find_by_ref_or_id::<Action>(&api.ports, &ref_or_id).await?;
    let action = action.ok_or_else(|| {
        let kind = if ref_or_id.contains('.') { "ref" } else { "id" };
        Fault::not_found(format!(
            "Database lookup for {kind}=\"{ref_or_id}\" resulted in exception. Referenced action \
             \"{ref_or_id}\" doesnt exist"
        ))
    })?;
    let runners = runner_types(&api).await?;
    let runner = runners.iter().find(|runner| is_runner_of(runner, &action.value));
    Ok(shown(json!({"parameters": merged(&action.value, runner)})))
}

async fn entry_point(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let action = lookup::by_ref_or_id::<Action>(&api.ports, &ref_or_id).await?.value;
    let nothing =
        || Fault::not_found(format!("Action ref_or_id={ref_or_id} has no entry_point to output"));
    if action.entry_point.is_empty() {
        return Err(nothing());
    }
    let file = files::entry_point(&api, &action).await?.ok_or_else(nothing)?;
    let text = tokio::fs::read(&file).await.map_err(|_| nothing())?;
    let kind = match file.extension().and_then(|end| end.to_str()) {
        Some("yaml" | "yml") => "application/x-yaml",
        Some("py") => "application/x-python",
        _ => "text/plain",
    };
    Ok(([(CONTENT_TYPE, kind)], text).into_response())
}

async fn runner_types(api: &Api) -> Result<Vec<RunnerType>, Fault> {
    let found = api.ports.repository::<RunnerType>().find(&Query::of(Filter::All)).await?;
    Ok(found.into_iter().map(|runner| runner.value).collect())
}

/// A runner may be named with `_` for `-`.
fn is_runner_of(runner: &RunnerType, action: &Action) -> bool {
    runner.name == action.runner_type || runner.name == action.runner_type.replace('_', "-")
}

fn merged(action: &Action, runner: Option<&RunnerType>) -> Object {
    match runner {
        Some(runner) => st2_schema::merge_parameters(&runner.runner_parameters, &action.parameters),
        None => action.parameters.clone(),
    }
}

fn with_runner(action: &Action, runner: Option<&RunnerType>) -> Value {
    let mut shown = content::action(action);
    if let Some(parameters) = shown.get_mut("parameters") {
        *parameters = Value::Object(merged(action, runner));
    }
    shown
}

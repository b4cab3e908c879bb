//! Executions: list, one, request, change, and what hangs on one.

mod change;
mod filters;
mod parts;
mod request;
mod seen;
mod show;
mod views;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use st2_http::{Fault, Params};
use st2_model::Execution;
use st2_ports::{Filter, Order, Query, Versioned};

use crate::Api;
use crate::api::Answer;
use crate::listing::{By, Listing};
use crate::lookup;
pub(crate) use request::request_fault;
pub(crate) use seen::Seen;
pub(crate) use show::{Origins, Wish};

const LISTING: Listing = Listing {
    limit: Some(100),
    filters: &[
        ("id", By::FewIds),
        ("action", By::Text("action")),
        ("status", By::Text("status")),
        ("liveaction", By::Text("live_action")),
        ("parent", By::Text("parent")),
        ("runner", By::Text("runner")),
        ("trigger_instance", By::Text("origin.trigger_instance")),
        ("user", By::Text("context.user")),
        ("timestamp", By::Time("start_timestamp")),
        ("timestamp_gt", By::After("start_timestamp")),
        ("timestamp_lt", By::Before("start_timestamp")),
        ("start_timestamp", By::Time("start_timestamp")),
    ],
    order: &[("start_timestamp", Order::Descending)],
    members: &[
        "id",
        "trigger",
        "trigger_type",
        "trigger_instance",
        "rule",
        "action",
        "runner",
        "liveaction",
        "workflow_execution",
        "task_execution",
        "status",
        "start_timestamp",
        "end_timestamp",
        "elapsed_seconds",
        "parameters",
        "result",
        "result_size",
        "context",
        "parent",
        "children",
        "log",
        "delay",
        "web_url",
    ],
    excludable: &["result", "trigger_instance", "status"],
    keeps: &["id"],
};

/// Greatest `max_result_size`, in bytes.
const RESULT_BYTES_MAX: i64 = 14 * 1024 * 1024;

pub(crate) fn routes() -> Router<Arc<Api>> {
    let mut router = Router::new();
    for base in ["/executions", "/actionexecutions"] {
        let path = |rest: &str| format!("{base}{rest}");
        router = router
            .route(base, get(list).post(request::create))
            .route(&path("/views/filters"), get(views::filters))
            .route(&path("/{id}"), get(one).put(change::update).delete(change::cancel))
            .route(&path("/{id}/output"), get(parts::output))
            .route(&path("/{id}/result"), get(parts::result))
            .route(&path("/{id}/attribute/{attribute}"), get(parts::attribute))
            .route(&path("/{id}/children"), get(parts::children))
            .route(&path("/{id}/re_run"), post(request::re_run));
    }
    router
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let mut question = LISTING.question(&params)?;
    filters::refine(&api, &params, &mut question).await?;
    if !projection.wants("result") {
        question.without.push("result");
    }
    if !["trigger", "trigger_type", "trigger_instance", "rule"]
        .into_iter()
        .any(|name| projection.wants(name))
    {
        question.without.push("origin");
    }
    let wish = Wish {
        projection,
        show_secrets: api.shows_secrets(&params)?,
        result_bytes_max: Some(st2_model::Payload::INLINE_BYTES_MAX as u64),
    };
    let rows = question.ask::<Execution>(&api.ports).await?;
    let shown = api.show_executions(&rows.items, &wish).await?;
    Ok(rows.with(shown))
}

async fn one(State(api): State<Arc<Api>>, Path(id): Path<String>, params: Params) -> Answer {
    let wish = Wish {
        projection: LISTING.projection(&params)?,
        show_secrets: api.shows_secrets(&params)?,
        result_bytes_max: max_result_size(&params)?,
    };
    let execution = find(&api, &id).await?.value;
    Ok(Json(api.show_execution(&execution, &wish).await?).into_response())
}

fn max_result_size(params: &Params) -> Result<Option<u64>, Fault> {
    match params.integer("max_result_size")? {
        None => Ok(None),
        Some(size) if size > RESULT_BYTES_MAX => {
            Err(Fault::bad_request("max_result_size query parameter must be smaller than 14 MB"))
        }
        Some(size) => u64::try_from(size)
            .ok()
            .filter(|size| *size > 0)
            .map(Some)
            .ok_or_else(|| Fault::bad_request("max_result_size must be a positive number")),
    }
}

/// The execution of this id, or the newest one for `last`.
async fn find(api: &Api, id: &str) -> Result<Versioned<Execution>, Fault> {
    if id != "last" {
        return lookup::by_id(&api.ports, id).await;
    }
    let query = Query::of(Filter::All).by("start_timestamp", Order::Descending).limit(1);
    let newest = api.ports.repository::<Execution>().find(&query).await?;
    newest
        .into_iter()
        .next()
        .ok_or_else(|| Fault::bad_request("No executions found in the database"))
}

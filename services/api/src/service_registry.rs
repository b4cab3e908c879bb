//! Which services are there.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::{Value, json};
use st2_http::Fault;
use st2_ports::CoordinationError;

use crate::Api;
use crate::api::{Answer, shown};

/// The groups that services join.
const GROUPS: [&str; 10] = [
    "actionrunner",
    "api",
    "auth",
    "garbagecollector",
    "notifier",
    "rulesengine",
    "scheduler",
    "sensorcontainer",
    "stream",
    "workflowengine",
];

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/service_registry/groups", get(groups))
        .route("/service_registry/groups/{group}/members", get(members))
}

async fn groups(State(api): State<Arc<Api>>) -> Answer {
    let mut groups = Vec::new();
    for group in GROUPS {
        if !api.ports.coordinator.members(group).await.map_err(unavailable)?.is_empty() {
            groups.push(group);
        }
    }
    Ok(shown(json!({"groups": groups})))
}

async fn members(State(api): State<Arc<Api>>, Path(group): Path<String>) -> Answer {
    let found = api.ports.coordinator.members(&group).await.map_err(unavailable)?;
    if found.is_empty() {
        return Err(Fault::not_found(format!("Group with ID \"{group}\" not found.")));
    }
    let list: Vec<Value> = found
        .iter()
        .map(|member| {
            json!({
                "group_id": group,
                "member_id": member.id,
                "capabilities": member.capabilities,
            })
        })
        .collect();
    Ok(shown(json!({"members": list})))
}

fn unavailable(error: CoordinationError) -> Fault {
    Fault::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

//! Canceling, pausing, resuming, and reports from outside.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde_json::{Value, json};
use st2_execution::{Error, Refusal};
use st2_http::{Caller, Fault, JsonBody, Params};
use st2_model::{Execution, ExecutionStatus, Id, kinds};

use super::show::{Wish, execution_fault};
use crate::Api;
use crate::api::Answer;
use crate::forms::{Form, text};
use crate::lookup;

static UPDATE: Form = Form::new(
    r#"{"type": "object", "properties": {
        "status": {"type": "string", "required": true, "enum": ["requested", "scheduled",
            "delayed", "running", "succeeded", "failed", "timeout", "abandoned", "canceling",
            "canceled", "pending", "pausing", "paused", "resuming"]},
        "result": {"type": "object"}
    }, "additionalProperties": false}"#,
);

pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let mut members = UPDATE.check(body)?;
    let status: ExecutionStatus = text(&members, "status")
        .unwrap_or_default()
        .parse()
        .map_err(|error| Fault::bad_request(format!("{error}")))?;
    let current = lookup::by_id::<Execution>(&api.ports, &id).await?.value;
    if current.status.is_completed() {
        return Err(Fault::bad_request("Execution is already in completed state."));
    }
    let live_action = current.live_action;
    let change = Change { api: &api, id: current.id, live_action, user: &caller.user };
    match status {
        ExecutionStatus::Canceled if current.status == ExecutionStatus::Canceling => {
            change.report(status, None).await?;
        }
        ExecutionStatus::Canceling | ExecutionStatus::Canceled => change.cancel().await?,
        ExecutionStatus::Paused if current.status == ExecutionStatus::Pausing => {
            change.report(status, None).await?;
        }
        ExecutionStatus::Pausing | ExecutionStatus::Paused => change.pause().await?,
        ExecutionStatus::Resuming => change.resume().await?,
        _ => change.report(status, members.shift_remove("result")).await?,
    }
    show(&api, current.id, show_secrets).await
}

pub(super) async fn cancel(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    params: Params,
) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let current = lookup::by_id::<Execution>(&api.ports, &id).await?.value;
    match api.executions.cancel(current.id, &caller.user).await {
        Ok(_) => show(&api, current.id, show_secrets).await,
        Err(Error::Refused { refusal: Refusal::Completed(ExecutionStatus::Canceled), .. }) => {
            show(&api, current.id, show_secrets).await
        }
        // Clients expect this one as a success with a fault in it.
        Err(Error::Refused { refusal: Refusal::Completed(status), .. }) => {
            let text = format!("Action cannot be canceled. State = {status}.");
            Ok(Json(json!({"faultstring": text})).into_response())
        }
        Err(error) => Err(execution_fault(&error)),
    }
}

async fn show(api: &Api, id: Id<kinds::Execution>, show_secrets: bool) -> Answer {
    let now = api.executions.get(id).await.map_err(|error| execution_fault(&error))?;
    let wish = Wish { show_secrets, ..Wish::default() };
    Ok(Json(api.show_execution(&now.value, &wish).await?).into_response())
}

struct Change<'a> {
    api: &'a Api,
    id: Id<kinds::Execution>,
    live_action: Id<kinds::LiveAction>,
    user: &'a str,
}

impl Change<'_> {
    async fn cancel(&self) -> Result<(), Fault> {
        let canceled = self.api.executions.cancel(self.id, self.user).await;
        canceled.map(|_| ()).map_err(|error| execution_fault(&error))
    }

    async fn report(&self, status: ExecutionStatus, result: Option<Value>) -> Result<(), Fault> {
        let reported = self.api.executions.report(self.id, status, result).await;
        reported.map(|_| ()).map_err(|error| execution_fault(&error))
    }

    async fn pause(&self) -> Result<(), Fault> {
        let paused = self.api.executions.pause(self.id, self.user).await;
        paused.map_err(|error| self.refused("pause", &error))
    }

    async fn resume(&self) -> Result<(), Fault> {
        let resumed = self.api.executions.resume(self.id, self.user).await;
        resumed.map_err(|error| self.refused("resume", &error))
    }

    fn refused(&self, verb: &str, error: &Error) -> Fault {
        match error.refusal() {
            Some(refusal) => {
                let id = self.live_action;
                Fault::bad_request(format!(
                    "Failed updating execution. Unable to {verb} liveaction \"{id}\" because \
                     {refusal}."
                ))
            }
            None => execution_fault(error),
        }
    }
}

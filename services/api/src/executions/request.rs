//! Requesting executions, anew or again.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde_json::{Value, json};
use st2_execution::{Request, RequestError};
use st2_http::{Caller, Fault, JsonBody, Params};
use st2_model::{ActionRef, Execution, Notify, NotifyRoute, Object};

use super::show::{Wish, execution_fault};
use crate::Api;
use crate::api::Answer;
use crate::forms::{Form, object, text};
use crate::lookup;

static REQUEST: Form = Form::new(
    r#"{"type": "object", "properties": {
        "action": {"type": "string", "required": true},
        "parameters": {"type": "object"},
        "user": {"type": ["string", "null"]},
        "context": {"type": "object"},
        "delay": {"type": ["integer", "null"], "minimum": 0},
        "notify": {"type": ["object", "null"], "properties": {
            "on-complete": {"type": "object"},
            "on-success": {"type": "object"},
            "on-failure": {"type": "object"}
        }, "additionalProperties": false}
    }}"#,
);

static RE_RUN: Form = Form::new(
    r#"{"type": "object", "properties": {
        "parameters": {"type": "object"},
        "tasks": {"type": "array", "items": {"type": "string"}},
        "reset": {"type": "array", "items": {"type": "string"}},
        "user": {"type": ["string", "null"]},
        "delay": {"type": ["integer", "null"], "minimum": 0}
    }}"#,
);

static ROUTE: Form = Form::new(
    r#"{"type": "object", "properties": {
        "message": {"type": ["string", "null"]},
        "data": {"type": ["object", "null"]},
        "routes": {"type": ["array", "null"], "items": {"type": "string"}},
        "channels": {"type": ["array", "null"], "items": {"type": "string"}}
    }, "additionalProperties": false}"#,
);

pub(super) async fn create(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    params: Params,
    JsonBody(body): JsonBody,
) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let members = REQUEST.check(body)?;
    let mut context = object(&members, "context");
    context.insert("user".to_owned(), user(&members, &caller).into());
    context.extend(context_of(&headers)?);
    let mut request = Request::new(reference(&members)?, object(&members, "parameters"));
    request.context = context;
    request.notify = notify(&members)?;
    request.delay_ms = members.get("delay").and_then(Value::as_u64);
    send(&api, request, show_secrets).await
}

pub(super) async fn re_run(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let members = RE_RUN.check(if body.is_null() { json!({}) } else { body })?;
    let old = lookup::by_id::<Execution>(&api.ports, &id).await?.value;
    let given = object(&members, "parameters");
    let again = again(&old, &members, &given)?;
    let mut parameters =
        api.executions.unseal(&old).await.map_err(|error| execution_fault(&error))?;
    parameters.extend(given);
    let mut request = Request::new(old.action.clone(), parameters);
    request.context.insert("re-run".to_owned(), again);
    if let Some(trace) = old.context.get("trace_context") {
        request.context.insert("trace_context".to_owned(), trace.clone());
    }
    request.context.insert("user".to_owned(), user(&members, &caller).into());
    request.notify = old.notify.clone();
    request.delay_ms = members.get("delay").and_then(Value::as_u64);
    send(&api, request, show_secrets).await
}

/// What the context of a re-run says of the run before.
fn again(old: &Execution, members: &Object, given: &Object) -> Result<Value, Fault> {
    let list = |name: &str| members.get(name).and_then(Value::as_array).cloned();
    let (tasks, reset) = (list("tasks").unwrap_or_default(), list("reset").unwrap_or_default());
    let mut again = json!({"ref": old.id.to_string()});
    if tasks.is_empty() && reset.is_empty() {
        return Ok(again);
    }
    if !tasks.is_empty() && !given.is_empty() {
        return Err(Fault::bad_request(
            "Parameters override is not supported when re-running task(s) for a workflow.",
        ));
    }
    if reset.iter().any(|task| !tasks.contains(task)) {
        return Err(Fault::bad_request(
            "List of tasks to reset does not match the tasks to rerun.",
        ));
    }
    if old.runner != "orquesta" {
        return Err(Fault::bad_request("Task option is only supported for Orquesta workflows."));
    }
    if let Some(members) = again.as_object_mut() {
        members.insert("tasks".to_owned(), tasks.into());
        if !reset.is_empty() {
            members.insert("reset".to_owned(), reset.into());
        }
    }
    Ok(again)
}

async fn send(api: &Api, request: Request, show_secrets: bool) -> Answer {
    let requested = api.executions.request(request).await.map_err(request_fault)?;
    let wish = Wish { show_secrets, ..Wish::default() };
    let shown = api.show_execution(&requested.execution.value, &wish).await?;
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// What is told when a request is not accepted.
pub(crate) fn request_fault(error: RequestError) -> Fault {
    match error {
        RequestError::Store(error) => error.into(),
        RequestError::Definition { source, .. } => Fault::bad_request(source.to_string()),
        other => Fault::bad_request(other.to_string()),
    }
}

fn reference(members: &Object) -> Result<ActionRef, Fault> {
    let text = text(members, "action").unwrap_or_default();
    text.parse().map_err(|_| Fault::bad_request(format!("Action \"{text}\" cannot be found.")))
}

/// In whose name: the caller's, unless an administrator, which everybody is, names another.
fn user(members: &Object, caller: &Caller) -> String {
    let named = text(members, "user").filter(|user| !user.is_empty());
    named.unwrap_or(&caller.user).to_owned()
}

/// The context that the header gives.
fn context_of(headers: &HeaderMap) -> Result<Object, Fault> {
    let Some(header) = headers.get("st2-context") else { return Ok(Object::new()) };
    serde_json::from_slice::<Object>(header.as_bytes()).map_err(|_| {
        Fault::bad_request(
            "Unable to convert st2-context from the headers into JSON (was text that is no JSON \
             object).",
        )
    })
}

fn notify(members: &Object) -> Result<Option<Notify>, Fault> {
    let Some(Value::Object(sections)) = members.get("notify") else { return Ok(None) };
    let route = |name: &str| -> Result<Option<NotifyRoute>, Fault> {
        let Some(section) = sections.get(name) else { return Ok(None) };
        let section = ROUTE.check(section.clone())?;
        let texts = |name: &str| -> Option<Vec<String>> {
            let items = section.get(name)?.as_array()?;
            Some(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        };
        Ok(Some(NotifyRoute {
            message: text(&section, "message").map(str::to_owned),
            data: section.get("data").and_then(Value::as_object).cloned(),
            routes: texts("routes").or_else(|| texts("channels")),
        }))
    };
    Ok(Some(Notify {
        on_complete: route("on-complete")?,
        on_success: route("on-success")?,
        on_failure: route("on-failure")?,
    }))
}

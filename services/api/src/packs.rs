//! Packs: what is installed, their files, and registering them.

mod files;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Map, Value, json};
use st2_content::{Error, Kind, Report, Request};
use st2_http::{Caller, Fault, JsonBody, Params};
use st2_model::{Object, Pack, ResourceRef};
use st2_ports::{Order, Versioned};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, shown};
use crate::executions::request_fault;
use crate::forms::Form;
use crate::listing::{By, Listing};
use crate::lookup;

const LISTING: Listing = Listing {
    limit: Some(100),
    filters: &[("id", By::Id), ("name", By::Text("name")), ("ref", By::Text("ref"))],
    order: &[("ref", Order::Ascending)],
    members: &[
        "id",
        "ref",
        "uid",
        "name",
        "description",
        "keywords",
        "version",
        "stackstorm_version",
        "python_versions",
        "author",
        "email",
        "contributors",
        "files",
        "dependencies",
        "system",
        "path",
    ],
    excludable: &[],
    keeps: &["id", "ref"],
};

static REGISTER: Form = Form::new(
    r#"{"type": "object", "properties": {
        "packs": {"type": ["array", "null"], "items": {"type": "string"}},
        "types": {"type": ["array", "null"], "items": {"type": "string", "enum": ["all", "runner",
            "action", "actions", "trigger", "triggers", "sensor", "sensors", "rule", "rules",
            "rule_type", "rule_types", "alias", "aliases", "policy_type", "policy_types", "policy",
            "policies", "config", "configs"]}},
        "fail_on_failure": {"type": ["boolean", "null"]}
    }}"#,
);

static INSTALL: Form = Form::new(
    r#"{"type": "object", "properties": {
        "packs": {"type": "array", "items": {"type": "string"}, "required": true},
        "force": {"type": "boolean"},
        "skip_dependencies": {"type": "boolean"}
    }}"#,
);

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/packs", get(list))
        .route("/packs/register", post(register))
        .route("/packs/install", post(install))
        .route("/packs/uninstall", post(uninstall))
        .route("/packs/views/files/{ref_or_id}", get(files::all))
        .route("/packs/views/file/{ref_or_id}/{*path}", get(files::one))
        .route("/packs/{ref_or_id}", get(one))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<Pack>(&api.ports).await?;
    Ok(rows.answer(|pack| projection.apply(content::pack(pack))))
}

async fn one(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    Ok(shown(content::pack(&find(&api, &ref_or_id).await?.value)))
}

async fn find(api: &Api, ref_or_id: &str) -> Result<Versioned<Pack>, Fault> {
    let by_ref = Pack::id_of(ref_or_id);
    if let Some(found) = api.ports.repository::<Pack>().get(by_ref).await? {
        return Ok(found);
    }
    lookup::find_by_id(&api.ports, ref_or_id).await?.ok_or_else(|| {
        Fault::not_found(format!("Resource with a ref or id \"{ref_or_id}\" not found"))
    })
}

async fn register(State(api): State<Arc<Api>>, JsonBody(body): JsonBody) -> Answer {
    let members = REGISTER.check(body)?;
    let packs = texts(&members, "packs");
    let kinds = texts(&members, "types");
    let request = Request {
        packs: (!packs.is_empty()).then(|| packs.into_iter().collect()),
        kinds: kinds_of(&kinds),
        force: true,
        ..Request::default()
    };
    let report = api.registrar.register(request).await.map_err(register_fault)?;
    let must_fit = members.get("fail_on_failure").and_then(Value::as_bool).unwrap_or(true);
    if let Some(problem) = report.problems.first().filter(|_| must_fit) {
        return Err(Fault::bad_request(problem.to_string()));
    }
    Ok(shown(counts(&report)))
}

fn texts(members: &Object, name: &str) -> Vec<String> {
    let items = members.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The kinds that are named, in singular or plural, with those that they need.
fn kinds_of(names: &[String]) -> Option<std::collections::BTreeSet<Kind>> {
    if names.is_empty() || names.iter().any(|name| name == "all") {
        return None;
    }
    let mut kinds = std::collections::BTreeSet::new();
    for name in names {
        match name.trim_end_matches('s') {
            "runner" => kinds.extend([Kind::Runners]),
            "action" => kinds.extend([Kind::Runners, Kind::Actions]),
            "trigger" => kinds.extend([Kind::Triggers]),
            "sensor" => kinds.extend([Kind::Sensors]),
            "rule" => kinds.extend([Kind::RuleTypes, Kind::Rules]),
            "rule_type" => kinds.extend([Kind::RuleTypes]),
            "alia" | "aliase" => kinds.extend([Kind::Aliases]),
            "policy_type" => kinds.extend([Kind::PolicyTypes]),
            "policy" | "policie" => kinds.extend([Kind::PolicyTypes, Kind::Policies]),
            _ => kinds.extend([Kind::Configs]),
        }
    }
    Some(kinds)
}

fn counts(report: &Report) -> Value {
    let mut counts = Map::new();
    for (kind, count) in &report.counts {
        counts.insert(kind.name().to_owned(), count.found.into());
        if count.overridden > 0 {
            counts.insert(format!("{}(overridden)", kind.name()), count.overridden.into());
        }
    }
    Value::Object(counts)
}

fn register_fault(error: Error) -> Fault {
    match error {
        Error::Store(error) => error.into(),
        error @ Error::PackNotFound { .. } => Fault::bad_request(error.to_string()),
        other => Fault::internal(&other),
    }
}

async fn install(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody,
) -> Answer {
    let members = INSTALL.check(body)?;
    let mut parameters = Object::new();
    for name in ["packs", "force", "skip_dependencies"] {
        if let Some(value) = members.get(name) {
            parameters.insert(name.to_owned(), value.clone());
        }
    }
    run(&api, &caller, "install", parameters).await
}

async fn uninstall(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody,
) -> Answer {
    let mut members = INSTALL.check(body)?;
    members.retain(|name, _| name == "packs");
    run(&api, &caller, "uninstall", members).await
}

/// Requests an action of the pack `packs`.
async fn run(api: &Api, caller: &Caller, action: &str, parameters: Object) -> Answer {
    let action = ResourceRef::new("packs", action);
    let action = action.map_err(|error| Fault::internal(&error))?;
    let request = st2_execution::Request::new(action, parameters).by(&caller.user);
    let requested = api.executions.request(request).await.map_err(request_fault)?;
    let id = requested.execution.value.id.to_string();
    Ok((StatusCode::ACCEPTED, Json(json!({"execution_id": id}))).into_response())
}

//! The service: what it needs, and its table of resources.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::Value;
use st2_access::Credentials;
use st2_content::Registrar;
use st2_execution::Executions;
use st2_http::{Fault, Params};
use st2_intake::{Datastore, Intake};
use st2_model::Uid;
use st2_ports::{Ports, Topic, Wake};

use crate::executions::{self, Origins, Seen};
use crate::{
    actionalias, actions, apikeys, configs, keys, packs, policies, ruleenforcements, rules,
    runnertypes, sensortypes, service_registry, triggerinstances, triggers, triggertypes, user,
    webhooks,
};

/// What the configuration says about the API.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether secrets are masked at all: `api.mask_secrets` and `log.mask_secrets`.
    pub mask_secrets: bool,
    /// `webui.webui_base_url`, in front of the `web_url` of executions.
    pub webui_base_url: String,
    /// The version of StackStorm whose behaviour clients find here.
    pub version: String,
    /// `system.validate_trigger_parameters`.
    pub validate_trigger_parameters: bool,
    /// `keyvalue.encryption_key_path`, named in messages about a missing key.
    pub encryption_key_path: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mask_secrets: true,
            webui_base_url: "https://localhost".to_owned(),
            version: "3.10dev".to_owned(),
            validate_trigger_parameters: true,
            encryption_key_path: String::new(),
        }
    }
}

/// The service.
pub struct Api {
    pub(crate) ports: Ports,
    pub(crate) executions: Executions,
    pub(crate) intake: Intake,
    pub(crate) datastore: Datastore,
    pub(crate) credentials: Credentials,
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) settings: Settings,
    /// What is remembered of rule-born executions.
    pub(crate) origins: Origins,
    /// What executions can be filtered by.
    pub(crate) seen: tokio::sync::Mutex<Seen>,
}

/// What a resource answers.
pub(crate) type Answer = Result<Response, Fault>;

impl Api {
    /// The service over `ports`. `executions` and `registrar` are those of the process, so that
    /// what they remember is remembered once.
    #[must_use]
    pub fn new(
        ports: Ports,
        executions: Executions,
        intake: Intake,
        credentials: Credentials,
        registrar: Arc<Registrar>,
        settings: Settings,
    ) -> Self {
        Self {
            datastore: Datastore::new(ports.clone(), intake.clone()),
            origins: Origins::default(),
            seen: tokio::sync::Mutex::default(),
            ports,
            executions,
            intake,
            credentials,
            registrar,
            settings,
        }
    }

    /// The resources of the service, for a mount with the prefix `/api`.
    pub fn into_router(self) -> Router {
        let api = Arc::new(self);
        Router::new()
            .merge(executions::routes())
            .merge(actions::routes())
            .merge(actionalias::routes())
            .merge(runnertypes::routes())
            .merge(rules::routes())
            .merge(ruleenforcements::routes())
            .merge(triggertypes::routes())
            .merge(triggers::routes())
            .merge(triggerinstances::routes())
            .merge(sensortypes::routes())
            .merge(packs::routes())
            .merge(configs::routes())
            .merge(policies::routes())
            .merge(keys::routes())
            .merge(apikeys::routes())
            .merge(webhooks::routes())
            .merge(user::routes())
            .merge(service_registry::routes())
            .fallback(|| async { Fault::no_such_path() })
            .method_not_allowed_fallback(|| async { Fault::no_such_path() })
            .layer(from_fn(without_head))
            .with_state(api)
    }

    /// Whether the caller of a request may see secrets and asks to. Everybody is an administrator
    /// while there are no roles.
    pub(crate) fn shows_secrets(&self, params: &Params) -> Result<bool, Fault> {
        let asked = params.boolean("show_secrets")?.unwrap_or(false);
        Ok(asked || !self.settings.mask_secrets)
    }
}

impl Api {
    /// Tells that something changed. A failure costs time only: sweeps find what it spoke of.
    pub(crate) async fn wake(&self, topic: Topic, id: impl ToString) {
        if let Err(error) = self.ports.bus.publish(topic, Wake::one(id)).await {
            tracing::warn!(topic = topic.name(), %error, "wake-up not sent");
        }
    }
}

/// The answer to a request that made something.
pub(crate) fn created(value: Value) -> Response {
    (StatusCode::CREATED, Json(value)).into_response()
}

/// The answer that shows something.
pub(crate) fn shown(value: Value) -> Response {
    Json(value).into_response()
}

/// The answer to a request that removed something.
pub(crate) fn removed() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// Refuses to change what belongs to the system.
pub(crate) fn refuse_system_pack(pack: &str) -> Result<(), Fault> {
    if pack == st2_content::CORE_PACK {
        return Err(Fault::bad_request(
            "Resources belonging to system level packs can't be manipulated",
        ));
    }
    Ok(())
}

/// The fault when a record of this uid stands in the way.
pub(crate) fn duplicate(uid: &Uid, id: impl ToString) -> Fault {
    Fault::conflict(format!("Tried to save duplicate unique keys (uid: \"{uid}\")"), id)
}

/// Which paths ask for credentials: all.
#[must_use]
pub const fn needs_credentials(_: &Method, _: &str) -> bool {
    true
}

/// `HEAD` leads nowhere, as in StackStorm.
async fn without_head(request: Request, next: Next) -> Response {
    if request.method() == Method::HEAD {
        return Fault::no_such_path().into_response();
    }
    next.run(request).await
}

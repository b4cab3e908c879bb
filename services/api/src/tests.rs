//! Requests against the service on memory ports. Nothing runs here: executions stay requested.

mod executions;
mod lists;
mod resources;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::{Extension, Router};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use st2_access::{Credentials, FileKeyRing};
use st2_content::{ContentSettings, Registrar};
use st2_execution::Executions;
use st2_http::{Caller, Method};
use st2_intake::Intake;
use st2_model::{Action, Object, RunnerType, Trigger, TriggerType};
use st2_ports::Ports;
use tower::ServiceExt;

use crate::{Api, Settings};

/// The service with one runner, two actions, the webhook and a folder of packs.
struct Site {
    router: Router,
    ports: Ports,
    folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Site {
    async fn new() -> Self {
        let (mut ports, _) = st2_memory::simulated_ports(1);
        let key = FileKeyRing::generate_key_file(&*ports.ids);
        let ring = FileKeyRing::of_key_file(&key, Arc::clone(&ports.ids)).expect("a key");
        ports.keyring = Arc::new(ring);
        let folder = tempfile::tempdir().expect("a folder");
        let base = folder.path().join("packs");
        std::fs::create_dir_all(base.join("default/actions")).expect("a pack");
        let settings = ContentSettings {
            base_paths: vec![base],
            configs: folder.path().to_owned(),
            overrides: folder.path().join("overrides"),
            ..ContentSettings::default()
        };
        let registrar = Registrar::new(ports.clone(), settings).expect("a registrar");
        let executions = Executions::new(ports.clone(), st2_execution::Settings::default());
        let api = Api::new(
            ports.clone(),
            executions,
            Intake::new(ports.clone(), true),
            Credentials::new(ports.clone(), Duration::from_secs(60)),
            Arc::new(registrar),
            Settings::default(),
        );
        let caller = Caller { user: "joe".to_owned(), method: Method::None, expiry: None };
        let site = Self { router: api.into_router().layer(Extension(caller)), ports, folder };
        site.fill().await;
        site
    }

    async fn fill(&self) {
        let runner: RunnerType = serde_json::from_value(json!({
            "id": RunnerType::id_of("noop"),
            "name": "noop",
            "enabled": true,
            "runner_package": "noop_runner",
            "runner_module": "noop_runner",
            "runner_parameters": {},
            "output_key": "output",
            "output_schema": {},
        }))
        .expect("a runner");
        self.ports.repository().put(&runner).await.expect("stored");
        self.action(
            "demo.plain",
            json!({
                "text": {"type": "string"},
                "word": {"type": "string", "secret": true},
                "door": {"type": "object", "properties": {
                    "code": {"type": "string", "secret": true}, "name": {"type": "string"}}},
            }),
        )
        .await;
        self.action("other.plain", json!({})).await;
        let reference = "core.st2.webhook".parse().expect("a ref");
        let hook = TriggerType {
            id: TriggerType::id_of(&reference),
            reference,
            description: None,
            payload_schema: Object::new(),
            parameters_schema: object(json!({
                "type": "object",
                "properties": {"url": {"type": "string", "required": true}},
                "additionalProperties": false,
            })),
            tags: vec![],
            metadata_file: None,
        };
        self.ports.repository().put(&hook).await.expect("stored");
    }

    async fn action(&self, reference: &str, parameters: Value) {
        let reference = reference.parse().expect("a ref");
        let action = Action {
            id: Action::id_of(&reference),
            reference,
            description: Some("an action".to_owned()),
            enabled: true,
            runner_type: "noop".to_owned(),
            entry_point: String::new(),
            parameters: object(parameters),
            output_schema: object(json!({"pin": {"type": "string", "secret": true}})),
            tags: vec![],
            notify: st2_model::Notify::default(),
            metadata_file: String::new(),
            content_version: None,
            idempotent: false,
        };
        self.ports.repository().put(&action).await.expect("stored");
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder().method(method).uri(path).body(body).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap_or_else(|_| text())
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send("GET", path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.send("POST", path, Some(&body)).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        answer.body
    }

    /// Status and fault of a request that is refused.
    async fn refused(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let answer = self.send(method, path, body).await;
        let text = answer.body["faultstring"].as_str().unwrap_or_default().to_owned();
        (answer.status.as_u16(), text)
    }

    async fn triggers(&self) -> usize {
        let all = st2_ports::Query::of(st2_ports::Filter::All);
        self.ports.repository::<Trigger>().find(&all).await.expect("readable").len()
    }
}

fn object(value: Value) -> Object {
    value.as_object().cloned().expect("an object")
}

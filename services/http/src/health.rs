//! `/livez`, `/readyz` and `/metrics`: for orchestrators and monitoring, without credentials.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use st2_ports::{Health, Readiness};

/// Answers the three paths; `None` for any other.
pub(crate) fn answer(path: &str, health: &Health) -> Option<Response> {
    match path {
        "/livez" => Some((StatusCode::OK, Json(json!({"status": "alive"}))).into_response()),
        "/readyz" => Some(readiness(health)),
        "/metrics" => {
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            Some((kind, st2_telemetry::render_metrics()).into_response())
        }
        _ => None,
    }
}

fn readiness(health: &Health) -> Response {
    let services: Map<String, Value> = health
        .all()
        .into_iter()
        .map(|(name, readiness)| {
            let state = match readiness {
                Readiness::Ready => json!("ready"),
                Readiness::Starting => json!("starting"),
                Readiness::Unready(reason) => json!({"unready": reason}),
            };
            (name.to_owned(), state)
        })
        .collect();
    let (code, word) = if health.is_ready() {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unready")
    };
    (code, Json(json!({"status": word, "services": services}))).into_response()
}

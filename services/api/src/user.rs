//! Who asks, and the root of the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::json;
use st2_http::{Caller, Method};

use crate::Api;
use crate::api::{Answer, shown};

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new().route("/", get(root)).route("/user", get(user))
}

async fn root(State(api): State<Arc<Api>>) -> Answer {
    let version = api.settings.version.as_str();
    let mut parts = version.split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let docs =
        if version.contains("dev") { "latest".to_owned() } else { format!("{major}.{minor}") };
    Ok(shown(json!({
        "version": version,
        "docs_url": format!("http://docs.stackstorm.com/{docs}"),
    })))
}

async fn user(Extension(caller): Extension<Caller>, headers: HeaderMap) -> Answer {
    let method = match caller.method {
        Method::Token => "authentication token",
        Method::ApiKey => "API key",
        Method::None => "none",
    };
    let in_header = ["x-auth-token", "st2-api-key"]
        .into_iter()
        .any(|name| headers.get(name).is_some_and(|value| !value.is_empty()));
    let location = if in_header || headers.contains_key("cookie") { "header" } else { "query" };
    let mut authentication = json!({"method": method});
    if let Some(members) = authentication.as_object_mut() {
        if caller.method != Method::None {
            members.insert("location".to_owned(), location.into());
        }
        if let Some(expiry) = caller.expiry {
            let expiry = expiry.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            members.insert("token_expire".to_owned(), expiry.into());
        }
    }
    Ok(shown(json!({
        "username": caller.user,
        "authentication": authentication,
        "rbac": {"enabled": false, "roles": [], "is_admin": true},
    })))
}

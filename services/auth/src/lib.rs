//! The authentication service: a token for a password.
//!
//! Standalone mode checks passwords with the flat file. Proxy mode trusts the web server in
//! front, and only when that server shows the shared secret it was given: without one, anybody
//! who reaches the port could name any user.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use serde_json::{Value, json};
use st2_access::{AccessError, Credential, Credentials, FlatFile};
use st2_http::{Fault, JsonBody};
use st2_model::Token;

const INVALID: &str = "Invalid or missing credentials";

/// How callers are checked.
pub enum Mode {
    /// By their password in this file.
    Standalone(FlatFile),
    /// By the web server in front, which proves itself with the shared secret in
    /// `X-Proxy-Secret` and names the user in `X-Forwarded-User`.
    Proxy {
        /// The shared secret.
        secret: String,
    },
}

/// The service.
pub struct Auth {
    /// Tokens in the store.
    pub credentials: Credentials,
    /// How callers are checked.
    pub mode: Mode,
    /// The URL of the API, told in `X-API-URL`.
    pub api_url: String,
}

impl Auth {
    /// The resources of the service, for a mount with the prefix `/auth`.
    pub fn into_router(self) -> Router {
        Router::new()
            .route("/tokens", post(create_token))
            .route("/tokens/validate", post(validate_token))
            .route("/sso", get(|| async { Json(json!({"enabled": false})) }))
            .fallback(|| async { Fault::no_such_path() })
            .method_not_allowed_fallback(|| async { Fault::no_such_path() })
            .with_state(Arc::new(self))
    }
}

/// Which paths ask for credentials of their own.
#[must_use]
pub fn needs_credentials(method: &Method, path: &str) -> bool {
    !matches!((method, path), (&Method::POST, "/tokens") | (&Method::GET, "/sso"))
}

async fn create_token(
    State(auth): State<Arc<Auth>>,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Response, Fault> {
    let user = authenticate(&auth, &headers).await?;
    for name in ["user", "impersonate_user"] {
        if body.get(name).is_some_and(|value| !value.is_null()) {
            let text =
                format!("Only service accounts may request a token for another user (\"{name}\").");
            return Err(Fault::bad_request(text));
        }
    }
    let ttl = match body.get("ttl") {
        None | Some(Value::Null) => None,
        Some(value) => Some(
            value
                .as_i64()
                .ok_or_else(|| Fault::bad_request(format!("{value} is not of type 'integer'")))?,
        ),
    };
    let (token, secret) = auth.credentials.issue_token(&user, ttl).await?;
    tracing::info!(audit = true, user, expiry = %token.expiry, "access granted");
    let mut response = (StatusCode::CREATED, Json(token_json(&token, &secret))).into_response();
    if let Ok(url) = HeaderValue::from_str(auth.api_url.trim_end_matches('/')) {
        response.headers_mut().insert(HeaderName::from_static("x-api-url"), url);
    }
    Ok(response)
}

async fn validate_token(
    State(auth): State<Arc<Auth>>,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, Fault> {
    let token = body.get("token").and_then(Value::as_str);
    let token = token.ok_or_else(|| Fault::bad_request("'token' is a required property"))?;
    match auth.credentials.identify(Credential::Token(token)).await {
        Ok(_) => Ok(Json(json!({"valid": true}))),
        Err(AccessError::Store(error)) => Err(error.into()),
        Err(_) => Ok(Json(json!({"valid": false}))),
    }
}

/// The API JSON of a token, in the one answer that shows its secret.
fn token_json(token: &Token, secret: &str) -> Value {
    json!({
        "user": token.user,
        "token": secret,
        "expiry": token.expiry.to_string(),
        "metadata": token.metadata,
        "service": token.service,
        "id": token.id.to_string(),
    })
}

async fn authenticate(auth: &Auth, headers: &HeaderMap) -> Result<String, Fault> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match &auth.mode {
        Mode::Proxy { secret } => {
            let trusted = header("x-proxy-secret").is_some_and(|shown| shown == secret);
            let user = header("x-forwarded-user").filter(|user| trusted && !user.is_empty());
            user.map(str::to_owned).ok_or_else(|| refused("-"))
        }
        Mode::Standalone(file) => {
            let (user, password) = basic(headers).ok_or_else(|| refused("-"))?;
            let (file, name) = (file.clone(), user.clone());
            let known = tokio::task::spawn_blocking(move || file.authenticate(&name, &password));
            match known.await {
                Ok(Ok(true)) => Ok(user),
                Ok(Ok(false)) => Err(refused(&user)),
                Ok(Err(error)) => Err(Fault::internal(&error)),
                Err(error) => Err(Fault::internal(&error)),
            }
        }
    }
}

fn refused(user: &str) -> Fault {
    tracing::warn!(audit = true, user, "access denied");
    metrics::counter!("st2_auth_refused").increment(1);
    Fault::unauthorized(INVALID)
}

/// User and password of an `Authorization: Basic` header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

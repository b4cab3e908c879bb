//! Errors as answers: `{"faultstring": …}` and a status.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use st2_access::AccessError;
use st2_ports::StoreError;

/// An answer that says what went wrong.
#[derive(Debug)]
pub struct Fault {
    /// The status code.
    pub status: StatusCode,
    /// What the caller is told.
    pub faultstring: String,
    /// The id of what is in the way, for conflicts.
    pub conflict_id: Option<String>,
}

impl Fault {
    /// A fault of any status.
    pub fn new(status: StatusCode, faultstring: impl Into<String>) -> Self {
        Self { status, faultstring: faultstring.into(), conflict_id: None }
    }

    /// 400.
    pub fn bad_request(faultstring: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, faultstring)
    }

    /// 401.
    pub fn unauthorized(faultstring: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, faultstring)
    }

    /// 403.
    pub fn forbidden(faultstring: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, faultstring)
    }

    /// 404.
    pub fn not_found(faultstring: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, faultstring)
    }

    /// 404 for a path that leads nowhere.
    #[must_use]
    pub fn no_such_path() -> Self {
        Self::not_found("The resource could not be found.")
    }

    /// 409: `id` is in the way.
    pub fn conflict(faultstring: impl Into<String>, id: impl ToString) -> Self {
        let mut fault = Self::new(StatusCode::CONFLICT, faultstring);
        fault.conflict_id = Some(id.to_string());
        fault
    }

    /// 500: `error` goes to the log, the caller learns nothing of it.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(error = chain, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        if error.is_transient() {
            tracing::error!(%error, "request failed");
            return Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The store is unavailable. Nothing was changed; try again later.",
            );
        }
        Self::internal(&error)
    }
}

impl From<AccessError> for Fault {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::UnknownToken
            | AccessError::ExpiredToken
            | AccessError::UnknownApiKey
            | AccessError::DisabledApiKey => Self::unauthorized(error.to_string()),
            AccessError::UnknownUser(_) => Self::not_found(error.to_string()),
            AccessError::Ttl(text) => Self::bad_request(text),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut body = serde_json::Map::new();
        if self.status == StatusCode::CONFLICT {
            body.insert("conflict-id".to_owned(), json!(self.conflict_id));
        }
        body.insert("faultstring".to_owned(), Value::String(self.faultstring));
        (self.status, Json(Value::Object(body))).into_response()
    }
}

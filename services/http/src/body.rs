//! Bodies of requests: JSON, by StackStorm's rules of content types.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value};

use crate::Fault;

/// Longest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The JSON of a request's body. An empty body counts as `{}`.
#[derive(Debug, Clone)]
pub struct JsonBody(pub Value);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Fault;

    async fn from_request(request: Request, _: &S) -> Result<Self, Fault> {
        let (parts, body) = request.into_parts();
        let header = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = header.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        let bytes =
            Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(too_long)?.to_bytes();
        match kind {
            "" | "application/json" | "text/plain" if bytes.is_empty() => {
                Ok(Self(Value::Object(Map::new())))
            }
            "" | "application/json" | "text/plain" => {
                serde_json::from_slice(&bytes).map(Self).map_err(|error| {
                    Fault::bad_request(format!("Failed to parse request body: {error}"))
                })
            }
            "application/x-www-form-urlencoded" => Ok(Self(form(&bytes))),
            other => Err(Fault::bad_request(format!(
                "Failed to parse request body: Unsupported Content-Type: \"{other}\""
            ))),
        }
    }
}

fn too_long(error: Box<dyn std::error::Error + Send + Sync>) -> Fault {
    if error.is::<http_body_util::LengthLimitError>() {
        let text = format!("The request body is longer than {BODY_BYTES_MAX} bytes.");
        return Fault::new(StatusCode::PAYLOAD_TOO_LARGE, text);
    }
    Fault::bad_request("The request body could not be read to its end.")
}

fn form(bytes: &[u8]) -> Value {
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(bytes).into_owned() {
        if let Value::Array(values) = object.entry(name).or_insert_with(|| Value::Array(Vec::new()))
        {
            values.push(Value::String(value));
        }
    }
    Value::Object(object)
}

//! A server that answers from a table and remembers what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) body: String,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Asked {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// What to answer; 404 for everything that is not there.
pub(crate) type Answer = Arc<dyn Fn(&Asked) -> Option<Reply> + Send + Sync>;

/// Status, `X-Total-Count` and body.
pub(crate) struct Reply(pub(crate) u16, pub(crate) Option<u64>, pub(crate) Value);

#[derive(Clone)]
struct Shared {
    answer: Answer,
    log: Arc<Mutex<Vec<Asked>>>,
}

/// A running stub; it ends with its test's runtime.
pub(crate) struct Stub {
    pub(crate) base: String,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    #[expect(clippy::disallowed_methods, reason = "the server ends with the runtime of its test")]
    pub(crate) async fn start(answer: Answer) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared { answer, log: log.clone() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(handle).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, log }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }
}

async fn handle(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let asked = Asked {
        method: method.to_string(),
        path: uri.path().to_owned(),
        query,
        body: String::from_utf8_lossy(&body).into_owned(),
        headers,
    };
    let reply = (shared.answer)(&asked);
    shared.log.lock().unwrap().push(asked);
    let Reply(status, total, body) =
        reply.unwrap_or_else(|| Reply(404, None, json!({"faultstring": "Nothing stands there."})));
    let status = StatusCode::from_u16(status).unwrap();
    let text = match body {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let mut response = (status, [("content-type", "application/json")], text).into_response();
    if let Some(total) = total {
        response.headers_mut().insert("x-total-count", total.to_string().parse().unwrap());
    }
    response
}

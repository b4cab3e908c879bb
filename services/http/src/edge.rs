//! The edge: what happens to every request before and after the resource that answers it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, CONTENT_TYPE, COOKIE, ORIGIN,
    SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use st2_access::{Credential, Credentials};
use st2_model::Timestamp;
use st2_ports::{Health, IdGen, Ports};
use tower::ServiceExt;

use crate::{Fault, Params, health};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How a caller proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By a token.
    Token,
    /// By an API key.
    ApiKey,
    /// It did not have to.
    None,
}

/// Who asks. In every request that reaches a resource that needs credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's name; the system user when no credentials are asked for.
    pub user: String,
    /// How it proved itself.
    pub method: Method,
    /// When its token ends.
    pub expiry: Option<Timestamp>,
}

/// One service behind the edge.
pub struct Mount {
    /// The prefix under which it is served besides the versions, as `/api`; empty for none.
    pub prefix: &'static str,
    /// Its resources, with paths that carry neither prefix nor version.
    pub router: Router,
    /// Whether this path asks for credentials.
    pub needs_credentials: fn(&axum::http::Method, &str) -> bool,
}

/// What the edge is told.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// Whether credentials are asked for at all.
    pub auth_enable: bool,
    /// Who acts when they are not.
    pub system_user: String,
    /// Origins that browsers may call from.
    pub allow_origin: Vec<String>,
    /// Whether the cookie goes over TLS only.
    pub cookie_secure: bool,
}

/// The edge of one listener.
pub struct Edge {
    ports: Ports,
    credentials: Credentials,
    health: Health,
    settings: EdgeSettings,
    mounts: Vec<Mount>,
}

impl Edge {
    /// The edge in front of `mounts`; the last one also takes what no prefix claims.
    #[must_use]
    pub const fn new(
        ports: Ports,
        credentials: Credentials,
        health: Health,
        settings: EdgeSettings,
        mounts: Vec<Mount>,
    ) -> Self {
        Self { ports, credentials, health, settings, mounts }
    }

    /// The edge as something that can be served.
    pub fn into_router(self) -> Router {
        Router::new().fallback(pass).with_state(Arc::new(self))
    }
}

async fn pass(State(edge): State<Arc<Edge>>, mut request: Request) -> Response {
    let headers = request.headers_mut();
    if !headers.contains_key(REQUEST_ID)
        && let Ok(id) = HeaderValue::from_str(&uuid4(&*edge.ports.ids))
    {
        // Resources see it too: a webhook passes it on.
        headers.insert(REQUEST_ID, id);
    }
    let request_id = headers.get(REQUEST_ID).cloned();
    let cors = cors(&edge.settings.allow_origin, headers);
    let mut response = if request.method() == axum::http::Method::OPTIONS {
        ([(CONTENT_TYPE, "text/html; charset=UTF-8")], Body::empty()).into_response()
    } else {
        route(&edge, request).await.unwrap_or_else(IntoResponse::into_response)
    };
    let answered = response.headers_mut();
    answered.extend(cors);
    if let Some(id) = request_id {
        answered.insert(REQUEST_ID, id);
    }
    response
}

async fn route(edge: &Edge, mut request: Request) -> Result<Response, Fault> {
    let raw = request.uri().path();
    let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().map_err(|_| {
        Fault::bad_request(format!(
            "Failed to parse request path \"{raw}\". URL likely contains invalid or incorrectly \
             URL encoded values."
        ))
    })?;
    let full =
        if decoded.len() > 1 { decoded.strip_suffix('/').unwrap_or(&decoded) } else { &decoded };
    if let Some(answer) = health::answer(full, &edge.health) {
        return Ok(answer);
    }
    let (mount, path) = edge
        .mounts
        .iter()
        .find_map(|mount| Some((mount, strip(full, mount.prefix)?)))
        .or_else(|| edge.mounts.last().map(|mount| (mount, full)))
        .ok_or_else(Fault::no_such_path)?;
    let path = strip(path, "/v1").unwrap_or(path).to_owned();
    let mut cookie = None;
    if (mount.needs_credentials)(request.method(), &path) {
        let params = Params::parse(request.uri().query().unwrap_or_default());
        let (caller, set) = authenticate(edge, request.headers(), &params).await?;
        cookie = set;
        request.extensions_mut().insert(caller);
    }
    *request.uri_mut() = with_path(request.uri(), &path)?;
    let Ok(mut response) = mount.router.clone().oneshot(request).await;
    metrics::counter!("st2_http_responses", "status" => response.status().as_str().to_owned())
        .increment(1);
    if let Some(cookie) = cookie.filter(|_| response.status().is_success()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// `path` without the leading segments `prefix`, if it has them.
fn strip<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return None;
    }
    match path.strip_prefix(prefix)? {
        "" => Some("/"),
        rest if rest.starts_with('/') => Some(rest),
        _ => None,
    }
}

fn with_path(uri: &Uri, path: &str) -> Result<Uri, Fault> {
    const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'%')
        .add(b'?')
        .add(b'#')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'{')
        .add(b'}');
    let encoded = percent_encoding::utf8_percent_encode(path, SEGMENT).to_string();
    let text = match uri.query() {
        Some(query) => format!("{encoded}?{query}"),
        None => encoded,
    };
    text.parse().map_err(|_| Fault::no_such_path())
}

/// Finds out who asks. The first place that carries a credential decides.
async fn authenticate(
    edge: &Edge,
    headers: &HeaderMap,
    params: &Params,
) -> Result<(Caller, Option<HeaderValue>), Fault> {
    if !edge.settings.auth_enable {
        let user = edge.settings.system_user.clone();
        return Ok((Caller { user, method: Method::None, expiry: None }, None));
    }
    let header = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty())
    };
    let token = header("x-auth-token");
    let (credential, from_cookie) = if let Some(token) = token {
        (Credential::Token(token), false)
    } else if let Some(key) = header("st2-api-key") {
        (Credential::ApiKey(key), false)
    } else if let Some(token) = params.text("x-auth-token") {
        (Credential::Token(token), false)
    } else if let Some(key) = params.text("st2-api-key") {
        (Credential::ApiKey(key), false)
    } else if let Some(token) = cookie(headers, "auth-token") {
        (Credential::Token(token), true)
    } else {
        return Err(Fault::unauthorized("Unauthorized - One of Token or API key required."));
    };
    let identity = edge.credentials.identify(credential).await?;
    let method = match credential {
        Credential::Token(_) => Method::Token,
        Credential::ApiKey(_) => Method::ApiKey,
    };
    let set = match (credential, identity.expiry) {
        (Credential::Token(token), Some(expiry)) if !from_cookie => {
            auth_cookie(token, expiry, edge.ports.clock.now(), edge.settings.cookie_secure)
        }
        _ => None,
    };
    Ok((Caller { user: identity.user, method, expiry: identity.expiry }, set))
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn auth_cookie(
    token: &str,
    expiry: Timestamp,
    now: Timestamp,
    secure: bool,
) -> Option<HeaderValue> {
    let age = expiry.since(now).as_secs();
    let date = expiry.to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT");
    let secure = if secure { " secure;" } else { "" };
    HeaderValue::from_str(&format!(
        "auth-token={token}; Max-Age={age}; Path=/; expires={date};{secure} HttpOnly; SameSite=lax"
    ))
    .ok()
}

fn cors(allowed: &[String], headers: &HeaderMap) -> HeaderMap {
    let origin = headers.get(ORIGIN).and_then(|value| value.to_str().ok());
    let listed = |origin: &&str| allowed.iter().any(|allowed| allowed == "*" || allowed == origin);
    let first = allowed.first().map_or("http://127.0.0.1:3000", String::as_str);
    let origin = origin.filter(listed).unwrap_or(first);
    let mut answered = HeaderMap::new();
    if let Ok(origin) = HeaderValue::from_str(origin) {
        answered.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET,POST,PUT,DELETE,OPTIONS"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type,Authorization,X-Auth-Token,St2-Api-Key,X-Request-ID",
        ),
        (ACCESS_CONTROL_ALLOW_CREDENTIALS, "true"),
        (ACCESS_CONTROL_EXPOSE_HEADERS, "Content-Type,X-Limit,X-Total-Count,X-Request-ID"),
    ] {
        answered.insert(name, HeaderValue::from_static(value));
    }
    answered
}

fn uuid4(ids: &dyn IdGen) -> String {
    let hex = ids.token(16);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-a{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

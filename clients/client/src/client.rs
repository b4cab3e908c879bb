//! The client: one method per verb, one way to read an answer.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Method, RequestBuilder, Response};
use serde::Serialize;
use serde_json::Value;

use crate::{Credential, Endpoints, Error, Result, Target, Trust};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest silence inside one answer; the services answer long waits by polling, not by holding.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// How much of a refusal is shown that did not come from the API.
const MAX_FOREIGN_FAULT: usize = 500;

/// Receives one line per request and per answer, for `--debug`. Credentials are masked.
pub type Trace = Arc<dyn Fn(&str) + Send + Sync>;

/// One page of a list.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The items, in the order of the server.
    pub items: Vec<Value>,
    /// `X-Total-Count`, when the server sent it.
    pub total: Option<u64>,
}

/// A connection to the services of one installation.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    target: Target,
    credential: Option<Credential>,
    trace: Option<Trace>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("endpoints", &self.target.endpoints).finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares a client; no connection is made yet.
    pub fn new(target: Target) -> Result<Self> {
        let endpoints = target.endpoints.clone().checked()?;
        let http = http_client(&endpoints, &target.trust)?;
        Ok(Self { http, target: Target { endpoints, ..target }, credential: None, trace: None })
    }

    /// The same client with a credential on every request.
    #[must_use]
    pub fn with_credential(mut self, credential: Option<Credential>) -> Self {
        self.credential = credential;
        self
    }

    /// The same client that tells each request to `trace`.
    #[must_use]
    pub fn with_trace(mut self, trace: Option<Trace>) -> Self {
        self.trace = trace;
        self
    }

    /// What requests are proved with.
    #[must_use]
    pub fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// Where the services are.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.target.endpoints
    }

    /// `GET` of a JSON document. `path` is relative to the API and starts with a slash.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value> {
        let request = self.api(Method::GET, path).query(query);
        self.json(request).await
    }

    /// `GET` of a document that may be missing: 404 is `None`.
    pub async fn find(&self, path: &str, query: &[(&str, String)]) -> Result<Option<Value>> {
        match self.get(path, query).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `GET` of a list.
    pub async fn page(&self, path: &str, query: &[(&str, String)]) -> Result<Page> {
        let (url, response) = self.send(self.api(Method::GET, path).query(query)).await?;
        let total = response
            .headers()
            .get("x-total-count")
            .and_then(|text| text.to_str().ok())
            .and_then(|text| text.parse().ok());
        match decode(&url, response).await? {
            Value::Array(items) => Ok(Page { items, total }),
            _ => Err(Error::Answer { url, expected: "a list" }),
        }
    }

    /// `GET` of plain text.
    pub async fn text(&self, path: &str, query: &[(&str, String)]) -> Result<String> {
        let (url, response) = self.send(self.api(Method::GET, path).query(query)).await?;
        response.text().await.map_err(|error| Error::transport(&url, error))
    }

    /// `POST` of a JSON document.
    pub async fn post(&self, path: &str, body: &(impl Serialize + Sync)) -> Result<Value> {
        let request = self.api(Method::POST, path);
        self.json(with_body(request, path, body)?).await
    }

    /// `POST` of plain text.
    pub async fn post_text(&self, path: &str, body: String) -> Result<Value> {
        let request = self.api(Method::POST, path).header("content-type", "text/plain").body(body);
        self.json(request).await
    }

    /// `PUT` of a JSON document.
    pub async fn put(&self, path: &str, body: &(impl Serialize + Sync)) -> Result<Value> {
        let request = self.api(Method::PUT, path);
        self.json(with_body(request, path, body)?).await
    }

    /// `DELETE`; what is gone already (404) is `None` and no error.
    pub async fn delete(
        &self,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Option<Value>> {
        let mut request = self.api(Method::DELETE, path).query(query);
        if let Some(body) = body {
            request = with_body(request, path, body)?;
        }
        match self.json(request).await {
            Err(error) if error.is_missing() => Ok(None),
            other => other.map(Some),
        }
    }

    fn api(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.target.endpoints.api));
        let request = match &self.credential {
            Some(credential) => {
                let (name, value) = credential.header();
                request.header(name, value)
            }
            None => request,
        };
        self.through_proxy(request)
    }

    /// A request to the authentication service, proved by name and password.
    pub(crate) fn auth(&self, path: &str, user: &str, password: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.target.endpoints.auth);
        self.http.request(Method::POST, url).basic_auth(user, Some(password))
    }

    fn through_proxy(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.target.basic {
            Some((user, password)) => request.basic_auth(user, Some(password)),
            None => request,
        }
    }

    pub(crate) async fn json(&self, request: RequestBuilder) -> Result<Value> {
        let (url, response) = self.send(request).await?;
        decode(&url, response).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<(String, Response)> {
        let request = request.build().map_err(Error::Setup)?;
        let url = request.url().to_string();
        self.told(|| curl_line(&request));
        let response =
            self.http.execute(request).await.map_err(|error| Error::transport(&url, error))?;
        let status = response.status();
        self.told(|| format!("# {status} from {url}"));
        if status.is_success() {
            return Ok((url, response));
        }
        let body = response.text().await.unwrap_or_default();
        let (fault, stated) = fault(&body);
        Err(Error::Status {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or("Unknown").to_owned(),
            fault,
            stated,
            url,
        })
    }

    fn told(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace(&line());
        }
    }
}

fn http_client(endpoints: &Endpoints, trust: &Trust) -> Result<reqwest::Client> {
    // The first to install a provider wins; a second attempt is no fault.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("st2-client/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT);
    if !endpoints.any(|url| !is_loopback(url)) {
        builder = builder.no_proxy();
    }
    builder = match trust {
        Trust::Anything => builder.tls_danger_accept_invalid_certs(true),
        Trust::Bundle(path) => builder.tls_certs_merge(bundle(path)?),
        // Without an https address no certificate is ever judged: an empty store then saves the
        // reading of the system's one, which also may be missing in a small container.
        Trust::System if !endpoints.any(|url| url.scheme() == "https") => {
            builder.tls_certs_only([])
        }
        Trust::System => builder,
    };
    builder.build().map_err(Error::Setup)
}

/// A name made safe to stand as one segment of a path.
#[must_use]
pub fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~:@!$'()*+,;=".contains(&byte);
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn bundle(path: &std::path::Path) -> Result<Vec<Certificate>> {
    let refuse = |reason: String| Error::CaBundle { path: path.display().to_string(), reason };
    let pem = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| refuse(error.to_string()))?;
    if found.is_empty() {
        return Err(refuse("it holds no certificate".to_owned()));
    }
    Ok(found)
}

fn with_body(request: RequestBuilder, path: &str, body: &impl Serialize) -> Result<RequestBuilder> {
    let text = serde_json::to_vec(body)
        .map_err(|source| Error::Request { url: path.to_owned(), source })?;
    Ok(request.header("content-type", "application/json").body(text))
}

async fn decode(url: &str, response: Response) -> Result<Value> {
    let body = response.bytes().await.map_err(|error| Error::transport(url, error))?;
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body)
        .map_err(|_| Error::Answer { url: url.to_owned(), expected: "a JSON document" })
}

/// What the body says, and whether it says it the way the API does.
fn fault(body: &str) -> (String, bool) {
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let stated = parsed.as_ref().and_then(|value| value.get("faultstring")).and_then(Value::as_str);
    match (stated, body.trim()) {
        (Some(text), _) => (text.to_owned(), true),
        (None, "") => ("no reason given; is this the address of the API?".to_owned(), false),
        (None, text) => (text.chars().take(MAX_FOREIGN_FAULT).collect(), false),
    }
}

fn curl_line(request: &reqwest::Request) -> String {
    let mut line = format!("curl -X {}", request.method());
    for (name, value) in request.headers() {
        let secret = matches!(name.as_str(), "x-auth-token" | "st2-api-key" | "authorization");
        let shown = if secret { "********" } else { value.to_str().unwrap_or("?") };
        line.push_str(&format!(" -H '{name}: {shown}'"));
    }
    if let Some(body) = request.body().and_then(reqwest::Body::as_bytes) {
        line.push_str(&format!(" --data-binary '{}'", String::from_utf8_lossy(body)));
    }
    line.push_str(&format!(" '{}'", request.url()));
    line
}

//! The REST API over one connection that is kept.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use st2_support::{Connection, Request, Response};

/// A connection to the API with a credential.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(address: &str, token: Option<String>) -> Result<Self> {
        Ok(Self { connection: Connection::open(address)?, token })
    }

    /// Another connection with the same credential.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn again(&self) -> Result<Self> {
        Self::new(self.connection.address(), self.token.clone())
    }

    /// Sends a request and gives its answer, whatever the status.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no answer.
    pub fn request(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Response> {
        let mut request = Request::new(method, path);
        if let Some(token) = &self.token {
            request = request.header("X-Auth-Token", token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.connection.send(&request)
    }

    fn list(&mut self, path: &str) -> Result<Response> {
        let answer = self.request("GET", path, None)?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.value());
        Ok(answer)
    }

    /// `GET`, with status 200 expected.
    ///
    /// # Errors
    /// As [`Client::request`], and when the status is another one.
    pub fn get(&mut self, path: &str) -> Result<Value> {
        Ok(self.list(path)?.value())
    }

    /// How many items a list has, of which it shows a page.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn total(&mut self, path: &str) -> Result<usize> {
        let answer = self.list(path)?;
        let total = answer.header("x-total-count");
        Ok(total.with_context(|| format!("GET {path}: no X-Total-Count"))?.parse()?)
    }

    /// `POST`.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn post(&mut self, path: &str, body: &Value) -> Result<Response> {
        self.request("POST", path, Some(body))
    }

    /// Requests an execution and gives its id.
    ///
    /// # Errors
    /// As [`Client::request`], and when the request is refused.
    pub fn execute(&mut self, action: &str, parameters: &Value) -> Result<String> {
        let body = json!({"action": action, "parameters": parameters});
        let answer = self.post("/v1/executions", &body)?;
        let (status, answer) = (answer.status, answer.value());
        ensure!(status == 201, "{action}: {status} {answer}");
        Ok(answer.get("id").and_then(Value::as_str).context("no id")?.to_owned())
    }
}

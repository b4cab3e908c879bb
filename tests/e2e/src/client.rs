//! A small HTTP client: one connection that is kept, requests one after the other. It costs next to
//! nothing, so that what a benchmark measures is the server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use serde_json::{Value, json};

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as it came.
    pub text: String,
    /// How many items there are behind the page that is the body.
    pub total: Option<usize>,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// A connection to one server.
#[derive(Debug)]
pub struct Client {
    address: String,
    headers: String,
    connection: BufReader<TcpStream>,
}

impl Client {
    /// Connects to `http://<host>:<port>`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn new(url: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("no http:// URL")?.to_owned();
        let connection = connect(&address)?;
        Ok(Self { address, headers: String::new(), connection })
    }

    /// Another connection with the same credential.
    ///
    /// # Errors
    /// When nobody listens any more.
    pub fn again(&self) -> Result<Self> {
        let connection = connect(&self.address)?;
        Ok(Self { address: self.address.clone(), headers: self.headers.clone(), connection })
    }

    pub(crate) fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.headers = format!("Authorization: Basic {pair}\r\n");
        let answer = self.post("/auth/v1/tokens", &json!({}))?;
        ensure!(answer.status == 201, "log in: {} {}", answer.status, answer.text);
        let answer = answer.json();
        let token = answer.get("token").and_then(Value::as_str).context("no token")?;
        self.headers = format!("X-Auth-Token: {token}\r\n");
        Ok(())
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// When the connection breaks, or what comes is no answer.
    pub fn request(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let message = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            self.headers,
            body.len()
        );
        self.connection.get_mut().write_all(message.as_bytes())?;
        self.answer().with_context(|| format!("{method} {path}"))
    }

    /// `GET`, with status 200 expected.
    ///
    /// # Errors
    /// As [`Client::request`], and when the status is another one.
    pub fn get(&mut self, path: &str) -> Result<Value> {
        let answer = self.request("GET", path, None)?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.text);
        Ok(answer.json())
    }

    /// How many items a list has, of which it shows a page.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn total(&mut self, path: &str) -> Result<usize> {
        let answer = self.request("GET", path, None)?;
        ensure!(answer.status == 200, "GET {path}: {} {}", answer.status, answer.text);
        answer.total.with_context(|| format!("GET {path}: no X-Total-Count"))
    }

    /// `POST`.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn post(&mut self, path: &str, body: &Value) -> Result<Answer> {
        self.request("POST", path, Some(body))
    }

    /// Requests an execution and gives its id.
    ///
    /// # Errors
    /// As [`Client::request`], and when the request is refused.
    pub fn execute(&mut self, action: &str, parameters: &Value) -> Result<String> {
        let body = json!({"action": action, "parameters": parameters});
        let answer = self.post("/v1/executions", &body)?;
        ensure!(answer.status == 201, "{action}: {} {}", answer.status, answer.text);
        let answer = answer.json();
        Ok(answer.get("id").and_then(Value::as_str).context("no id")?.to_owned())
    }

    fn answer(&mut self) -> Result<Answer> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.with_context(|| format!("\"{line}\" is no status line"))?;
        let (mut length, mut is_chunked, mut total) = (0, false, None);
        loop {
            let header = self.line()?.to_ascii_lowercase();
            let Some((name, value)) = header.split_once(':') else { break };
            match name {
                "content-length" => length = value.trim().parse()?,
                "x-total-count" => total = value.trim().parse().ok(),
                "transfer-encoding" => is_chunked = value.trim() == "chunked",
                _ => {}
            }
        }
        let body = if is_chunked { self.chunks()? } else { self.bytes(length)? };
        Ok(Answer { status, text: String::from_utf8_lossy(&body).into_owned(), total })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.connection.read_line(&mut line)? > 0, "the connection was closed");
        Ok(line.trim_end().to_owned())
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.connection.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn chunks(&mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line()?;
            let length = usize::from_str_radix(&line, 16).with_context(|| line.clone())?;
            body.extend(self.bytes(length)?);
            self.line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
}

fn connect(address: &str) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).with_context(|| address.to_owned())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

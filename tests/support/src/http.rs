//! An HTTP client that changes nothing: the path goes out as it is written, `..` included.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is sent.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers besides those of the connection.
    pub headers: Vec<(String, String)>,
    /// The body; sent with its length when there is one.
    pub body: Option<Vec<u8>>,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes(body.to_string().into_bytes()).header("Content-Type", "application/json")
    }

    /// With a body.
    #[must_use]
    pub fn bytes(mut self, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; as text when it is none, null when there is none.
    #[must_use]
    pub fn value(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|_| Value::from(self.text()))
    }
}

/// Sends `request` to `host:port` over a connection of its own.
///
/// # Errors
/// When nobody answers, or not in HTTP.
pub fn send(address: &str, request: &Request) -> anyhow::Result<Response> {
    Connection::open(address)?.exchange(request, "Connection: close\r\n")
}

/// A connection that is kept: one request after the other. It costs next to nothing, so that what
/// is measured over it is the server.
#[derive(Debug)]
pub struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| address.to_owned())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { address: address.to_owned(), stream: BufReader::new(stream) })
    }

    /// `host:port` of the other side.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When nobody answers, or not in HTTP.
    pub fn send(&mut self, request: &Request) -> anyhow::Result<Response> {
        self.exchange(request, "")
    }

    fn exchange(&mut self, request: &Request, headers: &str) -> anyhow::Result<Response> {
        let what = || format!("{} {}", request.method, request.path);
        let mut message = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\nAccept-Encoding: identity\r\n\
             User-Agent: Python-urllib/3.11\r\n{headers}",
            request.method, request.path, self.address
        );
        for (name, value) in &request.headers {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = request.body.as_deref();
        if let Some(body) = body {
            message.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        message.push_str("\r\n");
        // In one piece: a second write would wait for the answer to the first.
        let mut message = message.into_bytes();
        message.extend_from_slice(body.unwrap_or_default());
        self.stream.get_mut().write_all(&message).with_context(what)?;
        receive(&mut self.stream, request.method == "HEAD").with_context(what)
    }
}

fn receive(stream: &mut BufReader<TcpStream>, is_head: bool) -> anyhow::Result<Response> {
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.with_context(|| format!("no status line: {first:?}"))?;
    let mut headers = Vec::new();
    loop {
        let text = line(stream)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':').with_context(|| format!("no header: {text:?}"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut response = Response { status, headers, body: Vec::new() };
    if is_head || status == 204 || status == 304 {
        return Ok(response);
    }
    if response.header("transfer-encoding").is_some_and(|kind| kind.contains("chunked")) {
        response.body = chunks(stream)?;
    } else if let Some(length) = response.header("content-length") {
        let mut body = vec![0; length.parse()?];
        stream.read_exact(&mut body)?;
        response.body = body;
    } else {
        stream.read_to_end(&mut response.body)?;
    }
    Ok(response)
}

fn line(stream: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let mut text = String::new();
    anyhow::ensure!(stream.read_line(&mut text)? > 0, "the connection was closed");
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn chunks(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)?;
        let mut chunk = vec![0; size];
        stream.read_exact(&mut chunk)?;
        body.extend(chunk);
        line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

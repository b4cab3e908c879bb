//! A node: the executable `st2d` with a data directory of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Request, Response, executable, send, wait_for};

/// How long a node may take until it is ready, and until it is gone.
const PATIENCE: Duration = Duration::from_secs(60);
/// The user that a new data directory has.
const ADMIN: &str = "st2admin";

/// What a node is started with.
#[derive(Debug, Clone, Default)]
pub struct NodeOptions {
    /// More environment variables, as `ST2_AUTH__ENABLE`.
    pub environment: Vec<(String, String)>,
    /// More arguments.
    pub arguments: Vec<String>,
    /// Directories of packs that are copied into the node's before it starts.
    pub packs: Vec<PathBuf>,
}

impl NodeOptions {
    /// A node that asks nobody for credentials.
    #[must_use]
    pub fn open() -> Self {
        let switch = ("ST2_AUTH__ENABLE".to_owned(), "False".to_owned());
        Self { environment: vec![switch], ..Self::default() }
    }
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    process: Child,
    data: TempDir,
    api: String,
    auth: String,
}

impl Node {
    /// Starts a node and waits until it is ready.
    ///
    /// # Errors
    /// When it is not built, or does not get ready, with what it wrote.
    pub fn start(options: &NodeOptions) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        for pack in &options.packs {
            let name = pack.file_name().context("a pack's directory has a name")?;
            copy(pack, &data.path().join("packs").join(name))?;
        }
        let log = std::fs::File::create(data.path().join("log"))?;
        #[expect(clippy::disallowed_methods, reason = "the node is a process of its own")]
        let mut command = Command::new(executable("st2d")?);
        command
            .args(["--api-port", "0", "--auth-port", "0", "--data-dir"])
            .arg(data.path())
            .args(&options.arguments)
            .envs(options.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut process = command.spawn().context("st2d can not be started")?;
        let lines = lines(process.stdout.take().context("st2d has no output")?);
        let ready = loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with("ready in ") => break Some(line),
                Ok(_) => {}
                Err(_) => break None,
            }
        };
        let mut node = Self { process, data, api: String::new(), auth: String::new() };
        let ready = ready.with_context(|| format!("st2d did not get ready:\n{}", node.log()))?;
        node.api = address(&ready, ", api http://")?;
        node.auth = address(&ready, ", auth http://")?;
        Ok(node)
    }

    /// `host:port` of the API.
    #[must_use]
    pub fn api(&self) -> &str {
        &self.api
    }

    /// `host:port` of the authentication service.
    #[must_use]
    pub fn auth(&self) -> &str {
        &self.auth
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The process's id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What the node has logged.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("log")).unwrap_or_default()
    }

    /// Name and password of the user that the node made.
    ///
    /// # Errors
    /// When there is no password file.
    pub fn admin(&self) -> anyhow::Result<(String, String)> {
        let path = self.data.path().join("admin-password");
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok((ADMIN.to_owned(), text.trim().to_owned()))
    }

    /// A token of that user.
    ///
    /// # Errors
    /// When it is refused.
    pub fn token(&self) -> anyhow::Result<String> {
        let (user, password) = self.admin()?;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        let request = Request::new("POST", "/tokens")
            .header("Authorization", &format!("Basic {pair}"))
            .json(&json!({}));
        let answer = send(&self.auth, &request)?.value();
        let token = answer.get("token").and_then(Value::as_str);
        Ok(token.with_context(|| answer.to_string())?.to_owned())
    }

    /// Sends a request to the API.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn call(&self, request: &Request) -> anyhow::Result<Response> {
        send(&self.api, request).with_context(|| format!("the node's log:\n{}", self.log()))
    }

    /// Asks the node to stop and waits until it is gone. Whether it ended well.
    ///
    /// # Errors
    /// When it does not go.
    pub fn stop(mut self) -> anyhow::Result<bool> {
        self.signal("-TERM")?;
        let process = &mut self.process;
        let status = wait_for("the end of st2d", PATIENCE, || Ok(process.try_wait()?))?;
        Ok(status.success())
    }

    /// Sends the process a signal, as `-TERM`.
    ///
    /// # Errors
    /// When it can not be sent.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let pid = self.process.id().to_string();
        #[expect(clippy::disallowed_methods, reason = "a signal is sent by the system's own tool")]
        let mut kill = Command::new("kill");
        let status = kill.args([signal, &pid]).status()?;
        anyhow::ensure!(status.success(), "kill {signal} {pid} failed");
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // Asked first, so that what it started is ended too.
            drop(self.signal("-TERM"));
            let process = &mut self.process;
            drop(wait_for("the end of st2d", Duration::from_secs(10), || Ok(process.try_wait()?)));
            drop(self.process.kill());
            drop(self.process.wait());
        }
    }
}

/// The lines of a stream, read to its end so that the writer never waits.
fn lines(stream: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::sync_channel(64);
    #[expect(clippy::disallowed_methods, reason = "tests have no runtime to spawn in")]
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            // Nobody listens once the node is ready; what comes after is passed over.
            drop(sender.try_send(line));
        }
    });
    receiver
}

fn address(ready: &str, before: &str) -> anyhow::Result<String> {
    let (_, rest) = ready.split_once(before).with_context(|| format!("no{before} in: {ready}"))?;
    Ok(rest.split(',').next().unwrap_or(rest).trim().to_owned())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

//! A node: the executable `st2d` with a data directory of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Process, Program, Request, Response, send};

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

/// What a node says when it is ready: `ready in <ms> ms, api <url>, auth <url>, data <dir>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// How long it took, as it says itself.
    pub milliseconds: u64,
    /// `host:port` of the API.
    pub api: String,
    /// `host:port` of the authentication service.
    pub auth: String,
    /// The data directory.
    pub data: PathBuf,
}

impl Ready {
    /// Waits for the line.
    ///
    /// # Errors
    /// When it does not come, with what the node logged, or says something else.
    pub fn of(process: &mut Process) -> anyhow::Result<Self> {
        let line = process.line("ready in ", PATIENCE)?;
        let read = || {
            let (milliseconds, rest) =
                line.strip_prefix("ready in ")?.split_once(" ms, api http://")?;
            let (api, rest) = rest.split_once(", auth http://")?;
            let (auth, data) = rest.split_once(", data ")?;
            let milliseconds = milliseconds.parse().ok()?;
            Some(Self {
                milliseconds,
                api: api.to_owned(),
                auth: auth.to_owned(),
                data: data.into(),
            })
        };
        read().with_context(|| format!("ready line: {line}"))
    }

    /// Name and password of the user that the node made at its first start.
    ///
    /// # Errors
    /// When there is no password file.
    pub fn admin(&self) -> anyhow::Result<(String, String)> {
        let path = self.data.join("admin-password");
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
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    process: Process,
    ready: Ready,
    data: TempDir,
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
        let mut program = Program::ours("st2d")?
            .args(["--api-port=0", "--auth-port=0", "--data-dir"])
            .args([data.path()])
            .args(&options.arguments);
        for (name, value) in &options.environment {
            program = program.env(name, value);
        }
        let mut process = Process::start(&program, data.path(), "node")?;
        let ready = Ready::of(&mut process)?;
        Ok(Self { process, ready, data })
    }

    /// `host:port` of the API.
    #[must_use]
    pub fn api(&self) -> &str {
        &self.ready.api
    }

    /// `host:port` of the authentication service.
    #[must_use]
    pub fn auth(&self) -> &str {
        &self.ready.auth
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The process's id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What the node has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Name and password of the user that the node made.
    ///
    /// # Errors
    /// When there is no password file.
    pub fn admin(&self) -> anyhow::Result<(String, String)> {
        self.ready.admin()
    }

    /// A token of that user.
    ///
    /// # Errors
    /// When it is refused.
    pub fn token(&self) -> anyhow::Result<String> {
        self.ready.token()
    }

    /// Sends a request to the API.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn call(&self, request: &Request) -> anyhow::Result<Response> {
        send(&self.ready.api, request).with_context(|| format!("the node's log:\n{}", self.log()))
    }

    /// Asks the node to stop and waits until it is gone. Whether it ended well.
    ///
    /// # Errors
    /// When it does not go.
    pub fn stop(mut self) -> anyhow::Result<bool> {
        self.process.signal("TERM")?;
        Ok(self.process.wait(PATIENCE)?.code == Some(0))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Asked first, so that what it started is ended too. An error says that it has ended.
        if self.process.signal("TERM").is_ok() {
            drop(self.process.wait(Duration::from_secs(10)));
        }
    }
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

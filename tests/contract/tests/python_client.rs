//! StackStorm's own command line client, as it is published, against a node that asks for
//! credentials.

use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;
use st2_support::{Node, NodeOptions};
use tempfile::TempDir;

/// The client with a home of its own.
struct Client<'a> {
    executable: String,
    home: TempDir,
    node: &'a Node,
}

impl<'a> Client<'a> {
    fn new(node: &'a Node) -> anyhow::Result<Self> {
        let executable = std::env::var("ST2_TEST_PYTHON_CLIENT").context(
            "ST2_TEST_PYTHON_CLIENT does not name the client's executable: tests/run installs the \
             client and sets it, or do `python3 -m venv client && client/bin/pip install \
             st2client` and name client/bin/st2",
        )?;
        Ok(Self { executable, home: tempfile::tempdir()?, node })
    }

    /// What the client writes; it has to succeed.
    fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let (text, is_well) = self.try_run(arguments)?;
        anyhow::ensure!(is_well, "st2 {}:\n{text}\nlog:\n{}", arguments.join(" "), self.node.log());
        Ok(text)
    }

    /// What the client writes, and whether it succeeds.
    fn try_run(&self, arguments: &[&str]) -> anyhow::Result<(String, bool)> {
        #[expect(clippy::disallowed_methods, reason = "the client is a process of its own")]
        let mut command = Command::new(&self.executable);
        let output = command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("PYTHONWARNINGS", "ignore")
            .env("ST2_API_URL", format!("http://{}/v1", self.node.api()))
            .env("ST2_AUTH_URL", format!("http://{}", self.node.auth()))
            .output()
            .with_context(|| self.executable.clone())?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            text.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        Ok((text, output.status.success()))
    }

    /// What the client writes, as JSON.
    fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let text = self.run(&[arguments, &["-j"]].concat())?;
        serde_json::from_str(&text).with_context(|| format!("st2 {}: {text}", arguments.join(" ")))
    }

    fn login(&self) -> anyhow::Result<()> {
        let (user, password) = self.node.admin()?;
        self.run(&["login", &user, "--password", &password]).map(drop)
    }
}

fn refs(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|item| item["ref"].as_str()).collect()
}

#[test]
fn the_published_client_runs_and_cancels_actions() -> anyhow::Result<()> {
    let node = Node::start(&NodeOptions::default())?;
    let client = Client::new(&node)?;
    let (text, is_well) = client.try_run(&["action", "list"])?;
    assert!(!is_well, "without a login: {text}");
    client.login()?;

    let ran = client.json(&["run", "core.local", "cmd=echo hello"])?;
    assert_eq!(ran["status"], "succeeded", "{ran}");
    assert_eq!(ran["result"]["stdout"], "hello");
    let (failed, is_well) = client.try_run(&["run", "core.local", "cmd=exit 3"])?;
    assert!(!is_well && failed.contains("failed"), "{failed}");

    let started = client.json(&["run", "-a", "core.local", "cmd=sleep 60"]);
    let id = match started {
        Ok(started) => started["id"].as_str().context("an id")?.to_owned(),
        // Some versions answer with the command to look at it.
        Err(_) => newest(&client)?,
    };
    client.run(&["execution", "cancel", &id])?;
    let canceled = client.json(&["execution", "get", &id])?;
    assert!(matches!(canceled["status"].as_str(), Some("canceling" | "canceled")), "{canceled}");
    let listed = client.json(&["execution", "list", "-n", "10"])?;
    assert_eq!(listed.as_array().map(Vec::len), Some(3), "{listed}");
    let text = client.run(&["execution", "get", &id])?;
    assert!(text.contains("core.local"), "{text}");
    assert!(node.stop()?);
    Ok(())
}

fn newest(client: &Client<'_>) -> anyhow::Result<String> {
    let listed = client.json(&["execution", "list", "-n", "1"])?;
    Ok(listed[0]["id"].as_str().context("an id")?.to_owned())
}

#[test]
fn the_published_client_reads_content() -> anyhow::Result<()> {
    let node = Node::start(&NodeOptions::default())?;
    let client = Client::new(&node)?;
    client.login()?;

    let actions = client.json(&["action", "list", "--pack", "core"])?;
    assert!(refs(&actions).contains(&"core.local"), "{actions}");
    let action = client.json(&["action", "get", "core.local"])?;
    assert_eq!(action["runner_type"], "local-shell-cmd", "{action}");
    let packs = client.json(&["pack", "list"])?;
    assert_eq!(refs(&packs), ["core", "linux"], "{packs}");
    let pack = client.json(&["pack", "get", "core"])?;
    assert_eq!(pack["name"], "core", "{pack}");
    let triggers = client.json(&["trigger", "list"])?;
    assert!(refs(&triggers).contains(&"core.st2.webhook"), "{triggers}");
    let sensors = client.json(&["sensor", "list"])?;
    assert_eq!(refs(&sensors), ["linux.FileWatchSensor"], "{sensors}");
    let runners = client.json(&["runner", "list"])?;
    assert!(runners.to_string().contains("noop"), "{runners}");
    assert!(node.stop()?);
    Ok(())
}

#[test]
fn the_published_client_makes_and_removes_rules_and_keys() -> anyhow::Result<()> {
    let node = Node::start(&NodeOptions::default())?;
    let client = Client::new(&node)?;
    client.login()?;

    let file = client.home.path().join("rule.yaml");
    std::fs::write(
        &file,
        "name: greet\npack: default\nenabled: true\ntrigger:\n  type: core.st2.webhook\n  \
         parameters:\n    url: greet\naction:\n  ref: core.noop\n",
    )?;
    let path = file.display().to_string();
    let rule = client.json(&["rule", "create", &path])?;
    assert_eq!(rule["ref"], "default.greet", "{rule}");
    assert_eq!(refs(&client.json(&["rule", "list"])?), ["default.greet"]);
    let rule = client.json(&["rule", "get", "default.greet"])?;
    assert_eq!(rule["trigger"]["parameters"]["url"], "greet", "{rule}");
    client.run(&["rule", "delete", "default.greet"])?;
    let text = client.run(&["rule", "list"])?;
    assert!(text.contains("No matching items found"), "{text}");

    client.run(&["key", "set", "colour", "red"])?;
    let item = client.json(&["key", "get", "colour"])?;
    assert_eq!(item["value"], "red", "{item}");
    client.run(&["key", "set", "--encrypt", "word", "hidden"])?;
    let item = client.json(&["key", "get", "word"])?;
    assert_ne!(item["value"], "hidden", "{item}");
    let item = client.json(&["key", "get", "word", "--decrypt"])?;
    assert_eq!(item["value"], "hidden", "{item}");
    let items = client.json(&["key", "list"])?;
    assert_eq!(items.as_array().map(Vec::len), Some(2), "{items}");
    client.run(&["key", "delete", "colour"])?;
    let (text, is_well) = client.try_run(&["key", "get", "colour"])?;
    assert!(!is_well && text.contains("colour"), "{text}");
    assert!(node.stop()?);
    Ok(())
}

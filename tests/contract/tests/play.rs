//! Playing scenarios: steps that are sent as they stand, and answers that are compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use st2_support::{Node, Request, Response, wait_for};

use crate::compare;

/// How long a step may wait for what it waits for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Headers that are compared as they stand.
const PLAIN: [&str; 3] = ["Content-Type", "X-Total-Count", "X-Limit"];

/// Plays scenarios against one node.
pub(crate) struct Player<'a> {
    node: &'a Node,
    /// In whose name the node acts, which the recordings call root.
    user: String,
}

impl<'a> Player<'a> {
    pub(crate) fn new(node: &'a Node) -> anyhow::Result<Self> {
        let user = node.call(&Request::new("GET", "/v1/user"))?.value();
        let user = user["username"].as_str().context("a user")?.to_owned();
        Ok(Self { node, user })
    }

    /// Plays one scenario; what differs, by step.
    pub(crate) fn play(&self, scenario: &Value) -> anyhow::Result<BTreeMap<String, String>> {
        let id = scenario["id"].as_str().context("a scenario has an id")?;
        let steps = scenario["steps"].as_array().context("a scenario has steps")?;
        self.settle()?;
        let mut saved = BTreeMap::new();
        let mut differences = BTreeMap::new();
        for (number, step) in steps.iter().enumerate() {
            let name = format!("{id}/{}", number + 1);
            let answer = self.step(step, &saved).with_context(|| name.clone())?;
            let found = self.judge(step, &answer);
            if !found.is_empty() {
                differences.insert(name, found.join("; "));
            }
            let value = answer.value();
            for (name, path) in step["save"].as_object().into_iter().flatten() {
                let found = at(&value, path.as_str().unwrap_or_default());
                match found.as_str() {
                    Some(found) => saved.insert(name.clone(), found.to_owned()),
                    None => saved.remove(name),
                };
            }
        }
        Ok(differences)
    }

    /// Waits until no execution of an earlier scenario is on its way.
    fn settle(&self) -> anyhow::Result<()> {
        for status in ["requested", "scheduled", "delayed", "running", "canceling"] {
            let path = format!("/v1/executions?status={status}&limit=1&include_attributes=id");
            let request = Request::new("GET", &path);
            wait_for("the end of all executions", PATIENCE, || {
                let active = self.node.call(&request)?.value();
                Ok(active.as_array().is_some_and(Vec::is_empty).then_some(()))
            })?;
        }
        Ok(())
    }

    fn step(&self, step: &Value, saved: &BTreeMap<String, String>) -> anyhow::Result<Response> {
        let request = request(step, saved)?;
        let wait = &step["wait"];
        if wait.is_null() {
            return self.node.call(&request);
        }
        let mut last = None;
        let waited = wait_for("the state that the step waits for", PATIENCE, || {
            let answer = self.node.call(&request)?;
            let value = answer.value();
            let is_there = match wait {
                Value::Array(statuses) => {
                    statuses.contains(&value["status"]) || answer.status >= 400
                }
                _ => value.as_array().is_none_or(|items| !items.is_empty()),
            };
            last = Some(answer.clone());
            Ok(is_there.then_some(answer))
        });
        // What is there when the time is up is compared like everything else.
        waited.or_else(|error| last.ok_or(error))
    }

    fn judge(&self, step: &Value, answer: &Response) -> Vec<String> {
        let actual = self.as_recorded(answer.value());
        if Some(u64::from(answer.status)) != step["status"].as_u64() {
            return vec![format!("expected {}, got {}: {actual}", step["status"], answer.status)];
        }
        let may_have_moved = step["method"] == "GET" && step["wait"].is_null();
        let mut found = compare::differences(&step["response"], &actual, may_have_moved);
        found.extend(headers(step, answer));
        found
    }

    fn as_recorded(&self, value: Value) -> Value {
        match value {
            Value::String(text) if text == self.user => Value::from("root"),
            Value::Array(items) => items.into_iter().map(|item| self.as_recorded(item)).collect(),
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (name, self.as_recorded(value))).collect()
            }
            other => other,
        }
    }
}

fn request(step: &Value, saved: &BTreeMap<String, String>) -> anyhow::Result<Request> {
    let mut path = step["path"].as_str().context("a step has a path")?.to_owned();
    for (name, value) in saved {
        path = path.replace(&format!("${{{name}}}"), value);
    }
    while let Some(start) = path.find("${") {
        let end = path[start..].find('}').context("an open ${")? + start;
        path.replace_range(start..=end, "000000000000000000000000");
    }
    let mut request = Request::new(step["method"].as_str().context("a method")?, &path);
    let mut has_type = false;
    for (name, value) in step["headers"].as_object().into_iter().flatten() {
        has_type |= name.eq_ignore_ascii_case("content-type");
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let body = match (step.get("body"), step.get("raw")) {
        (Some(body), _) => Some(as_python_writes(body)),
        (None, Some(Value::String(raw))) => Some(raw.clone()),
        _ => None,
    };
    if let Some(body) = body {
        if !has_type {
            request = request.header("Content-Type", "application/json");
        }
        request = request.bytes(body.into_bytes());
    }
    Ok(request)
}

/// JSON with a blank behind each colon and comma, so that its length is the recorded one.
fn as_python_writes(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(as_python_writes).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    format!("{}: {}", Value::from(name.as_str()), as_python_writes(value))
                })
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

fn headers(step: &Value, answer: &Response) -> Vec<String> {
    let recorded = step["response_headers"].as_object().into_iter().flatten();
    let differ = recorded.filter_map(|(name, recorded)| {
        let recorded = recorded.as_str().unwrap_or_default();
        let actual = answer.header(name);
        let is_same = match actual {
            Some(actual) if PLAIN.contains(&name.as_str()) => actual == recorded,
            Some(actual) if name == "Access-Control-Allow-Origin" => actual.starts_with("http://"),
            Some(actual) => actual == recorded,
            None => false,
        };
        (!is_same).then(|| format!("{name}: expected {recorded}, got {actual:?}"))
    });
    differ.collect()
}

fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(value, |value, part| match part.parse::<usize>() {
        Ok(index) => &value[index],
        Err(_) => &value[part],
    })
}

/// The folder of vectors or of differences.
pub(crate) fn folder(name: &str) -> PathBuf {
    let own = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    match std::env::var_os("ST2_VECTORS").filter(|_| name == "vectors") {
        Some(folder) => folder.into(),
        None => own(),
    }
}

/// The steps that differ on purpose.
pub(crate) fn listed(file: &str) -> anyhow::Result<BTreeSet<String>> {
    let path = folder("differences").join(file);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (id, reason) = line.split_once('\t').with_context(|| format!("no tab: {line}"))?;
            anyhow::ensure!(!reason.trim().is_empty(), "{id} has no reason");
            Ok(id.to_owned())
        })
        .collect()
}

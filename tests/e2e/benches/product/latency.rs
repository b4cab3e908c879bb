//! How long one thing takes on a machine that has nothing else to do.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use st2_e2e::{Client, Records, Site, append, ended, followed, pause, rule, until};
use st2_model::{Execution, ExecutionStatus as Status, ResourceRef, Timestamp};
use st2_ports::{Clock as _, SystemClock};
use tokio::time::Instant;

use crate::table::{Table, percentiles};

const EXECUTIONS: usize = 300;
const EVENTS: usize = 500;
/// Between two events, so that none waits for another.
const PAUSE: Duration = Duration::from_millis(10);

/// From the request to the moment in which a caller who asks again and again sees the end.
pub(crate) fn executions(table: &mut Table) -> Result<()> {
    let site = Site::new()?;
    let node = site.node()?;
    let mut api = node.client()?;
    let cases =
        [("core.noop", json!({}), "100 ms"), ("core.local", json!({"cmd": "true"}), "103-202 ms")];
    for (action, parameters, original) in cases {
        let mut requests = Vec::new();
        let mut ends = Vec::new();
        for _ in 0..EXECUTIONS {
            let start = Instant::now();
            let id = api.execute(action, &parameters)?;
            requests.push(start.elapsed());
            let end = ended(&mut api, &id)?;
            ends.push(start.elapsed());
            ensure!(end.get("status") == Some(&json!("succeeded")), "{end}");
        }
        table.line(&format!("POST {action}, answered"), &percentiles(requests), "-", "-")?;
        table.line(
            &format!("POST {action} to seen terminal"),
            &percentiles(ends),
            "-",
            original,
        )?;
    }
    node.stop()?;
    Ok(())
}

/// From an event outside to the action: by the clock of whoever made the event, and what is stored.
pub(crate) fn events(table: &mut Table) -> Result<()> {
    let site = Site::new()?;
    let file = site.path("watched");
    let stamp = json!({"cmd": "date +%s%N"});
    let pack = site.pack("events")?;
    let pack = pack.rule(&rule("events", "line_noop", &file, "core.noop", json!({})))?;
    let file_local = site.path("watched by commands");
    let pack =
        pack.rule(&rule("events", "line_local", &file_local, "core.local", stamp.clone()))?;
    let pack = pack.rule(&webhook("hook_noop", "core.noop", json!({})))?;
    pack.rule(&webhook("hook_local", "core.local", stamp))?;
    let node = site.node()?;
    let mut api = node.client()?;
    followed(&mut api, 2)?;
    let mut made: HashMap<(String, String), Timestamp> = HashMap::new();
    for n in 0..EVENTS {
        for (rule, file) in [("events.line_noop", &file), ("events.line_local", &file_local)] {
            made.insert((rule.to_owned(), format!("{n}")), SystemClock.now());
            append(file, &format!("{n}\n"))?;
            pause(PAUSE);
        }
        for rule in ["hook_noop", "hook_local"] {
            made.insert((format!("events.{rule}"), format!("{n}")), SystemClock.now());
            let answer =
                api.post(&format!("/v1/webhooks/{rule}"), &json!({"line": n.to_string()}))?;
            ensure!(answer.status == 202, "{} {}", answer.status, answer.text());
            pause(PAUSE);
        }
    }
    all_ended(&mut api, EVENTS * 4)?;
    node.stop()?;
    let seen = Seen::read(&site.records()?, &made)?;
    for (way, label) in [("line", "line in a watched file"), ("hook", "webhook POST")] {
        let noop = format!("events.{way}_noop");
        let local = format!("events.{way}_local");
        let target = "p50 <= 2 ms, p99 <= 10 ms";
        let original = if way == "hook" { "194 ms" } else { "-" };
        let since = |rule: &str, point| percentiles(seen.of(rule, point));
        table.line(&format!("{label} to event stored"), &since(&noop, "stored"), "-", "-")?;
        table.line(
            &format!("{label} to noop running"),
            &since(&noop, "running"),
            target,
            original,
        )?;
        table.line(&format!("{label} to noop ended"), &since(&noop, "ended"), "-", "-")?;
        table.line(&format!("{label} to command running"), &since(&local, "running"), "-", "-")?;
        table.line(&format!("{label} to in the command"), &since(&local, "inside"), target, "-")?;
        table.line(&format!("{label} to command ended"), &since(&local, "ended"), "-", original)?;
    }
    Ok(())
}

fn webhook(name: &str, action: &str, parameters: Value) -> Value {
    let mut hook = rule("events", name, Path::new(""), action, parameters);
    let trigger = json!({"type": "core.st2.webhook", "parameters": {"url": name}});
    if let Some(members) = hook.as_object_mut() {
        members.insert("trigger".to_owned(), trigger);
    }
    hook
}

/// Waits until so many executions have succeeded.
pub(crate) fn all_ended(api: &mut Client, count: usize) -> Result<()> {
    until("the end of every execution", Duration::from_secs(300), || {
        let done = api.total("/v1/executions?limit=1&status=succeeded")?;
        Ok((done >= count).then_some(()))
    })
}

/// Times since the event, by rule and point on the way.
#[derive(Default)]
struct Seen(HashMap<(String, &'static str), Vec<Duration>>);

impl Seen {
    fn read(records: &Records, made: &HashMap<(String, String), Timestamp>) -> Result<Self> {
        let mut seen = Self::default();
        for execution in records.all::<Execution>()? {
            let origin = execution.origin.as_ref().context("a rule asked for it")?;
            let payload = origin.payload.inline().context("a short payload")?;
            let line = payload.get("line").or_else(|| payload.pointer("/body/line"));
            let line = line.and_then(Value::as_str).context("a line")?.to_owned();
            let rule: &ResourceRef = &origin.rule_ref;
            let at = *made.get(&(rule.to_string(), line)).context("an event of ours")?;
            let running = execution.log.iter().find(|change| change.status == Status::Running);
            seen.add(rule, "stored", origin.occurrence_time.since(at));
            seen.add(rule, "running", running.context("it ran")?.timestamp.since(at));
            seen.add(rule, "ended", execution.end_timestamp.context("it ended")?.since(at));
            let result = execution.result.as_ref().and_then(|result| result.inline());
            let stdout = result.and_then(|result| result.get("stdout")).map(Value::to_string);
            let stdout = stdout.map(|text| text.trim_matches('"').to_owned());
            if let Some(nanoseconds) = stdout.and_then(|text| text.parse::<i64>().ok()) {
                let inside = Timestamp::from_micros(nanoseconds / 1000);
                seen.add(rule, "inside", inside.since(at));
            }
        }
        Ok(seen)
    }

    fn add(&mut self, rule: &ResourceRef, point: &'static str, time: Duration) {
        self.0.entry((rule.to_string(), point)).or_default().push(time);
    }

    fn of(&self, rule: &str, point: &'static str) -> Vec<Duration> {
        self.0.get(&(rule.to_owned(), point)).cloned().unwrap_or_default()
    }
}

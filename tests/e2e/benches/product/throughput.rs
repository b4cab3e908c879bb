//! How much goes through in a second.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;
use st2_e2e::{Client, Site, append, followed, resident_bytes, rule, until};
use tokio::time::Instant;

use crate::latency::all_ended;
use crate::table::{Table, megabytes, percentiles};

const TARGET: &str = ">= 5,000/s (in process)";
const ORIGINAL: &str = "9.3/s";

pub(crate) fn measure(table: &mut Table) -> Result<()> {
    let site = Site::new()?;
    let file = site.path("watched");
    site.pack("flood")?.rule(&rule("flood", "line", &file, "core.noop", json!({})))?;
    let node = site.node()?;
    let mut api = node.client()?;
    followed(&mut api, 1)?;
    let mut done = 0;
    for connections in [1, 8, 64] {
        let count = 8_192;
        let start = Instant::now();
        request(&api, "core.noop", &json!({}), connections, count)?;
        let accepted = start.elapsed();
        done += count;
        all_ended(&mut api, done)?;
        let measured = format!("{} accepted, {} ended", rate(count, accepted), {
            rate(count, start.elapsed())
        });
        let what = format!("noop executions, {connections} connections");
        table.line(&what, &measured, TARGET, ORIGINAL)?;
    }
    let count = 1_024;
    let start = Instant::now();
    request(&api, "core.local", &json!({"cmd": "true"}), 16, count)?;
    done += count;
    all_ended(&mut api, done)?;
    let measured = rate(count, start.elapsed());
    table.line("shell executions, 16 connections", &measured, "-", "-")?;
    lines(table, &mut api, &file, &mut done)?;
    lists(table, &mut api, done)?;
    table.line(
        &format!("memory after {done} executions"),
        &megabytes(resident_bytes(node.pid())?),
        "-",
        "-",
    )?;
    node.stop()?;
    Ok(())
}

fn rate(count: usize, time: Duration) -> String {
    format!("{:.0}/s", count as f64 / time.as_secs_f64())
}

/// Requests executions over several connections at a time.
fn request(
    api: &Client,
    action: &str,
    parameters: &serde_json::Value,
    connections: usize,
    count: usize,
) -> Result<()> {
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for _ in 0..connections {
            let mut api = api.again()?;
            threads.push(scope.spawn(move || -> Result<()> {
                for _ in 0..count / connections {
                    api.execute(action, parameters)?;
                }
                Ok(())
            }));
        }
        threads.into_iter().try_for_each(|thread| thread.join().ok().context("a panic")?)
    })
}

/// Many lines at once: sensor, rule and execution of each.
fn lines(
    table: &mut Table,
    api: &mut Client,
    file: &std::path::Path,
    done: &mut usize,
) -> Result<()> {
    let count = 10_000;
    let text: String = (0..count).map(|n| format!("line {n}\n")).collect();
    let start = Instant::now();
    append(file, &text)?;
    let mut stored = None;
    *done += count;
    until("the end of every execution", Duration::from_secs(300), || {
        if stored.is_none() && api.total("/v1/ruleenforcements?limit=1")? >= count {
            stored = Some(start.elapsed());
        }
        let ended = api.total("/v1/executions?limit=1&status=succeeded")?;
        Ok((ended >= *done).then_some(()))
    })?;
    let enforced = stored.unwrap_or_else(|| start.elapsed());
    let measured =
        format!("{} enforced, {} ended", rate(count, enforced), { rate(count, start.elapsed()) });
    table.line("lines of a file, rule, noop execution", &measured, "-", "-")
}

fn lists(table: &mut Table, api: &mut Client, count: usize) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..100 {
        let start = Instant::now();
        api.get("/v1/executions?limit=50&exclude_attributes=result,trigger_instance")?;
        times.push(start.elapsed());
    }
    let what = format!("list of 50 of {count} executions");
    table.line(&what, &percentiles(times), "p99 <= 50 ms at 10 M", "-")
}

//! Events that are hard to stomach: endless templates, a line of 100 MB, a full disk.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use st2_e2e::{
    Client, Site, append, children, ended, fired, followed, resident_bytes, rule, run, until,
};
use st2_model::{Execution, RuleEnforcement, TriggerInstance};
use tokio::time::Instant;

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn endless_templates_end_with_an_error_of_their_own() -> Result<()> {
    let templates = [
        ("long_loop", "{% for i in range(10**9) %}x{% endfor %}"),
        (
            "loops_in_loops",
            "{% for i in range(9999) %}{% for j in range(9999) %}{% for k in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
        ),
        ("large_text", "{{ 'x' * 10**10 }}"),
        ("large_list", "{{ (range(10**6) | list) * 10**6 }}"),
        ("deep", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
    ];
    let site = Site::new()?;
    let file = site.path("watched");
    let pack =
        site.pack("endless")?.rule(&rule("endless", "good", &file, "core.noop", json!({})))?;
    for (name, template) in templates {
        let parameters = json!({"message": template});
        pack.clone().rule(&rule("endless", name, &file, "core.echo", parameters))?;
        let default = json!({"message": {"type": "string", "default": template}});
        pack.clone().action(
            &json!({"name": name, "runner_type": "noop", "enabled": true, "parameters": default}),
        )?;
    }
    let node = site.node()?;
    let mut api = node.client()?;
    followed(&mut api, 1)?;

    append(&file, "one\n")?;
    let start = Instant::now();
    for (name, template) in templates {
        let found = fired(&mut api, &format!("endless.{name}"), 1)?;
        assert_eq!(found[0]["status"], "failed", "{template}: {}", found[0]);
        let reason = found[0]["failure_reason"].as_str().unwrap_or_default();
        assert!(!reason.is_empty() && reason.len() < 4096, "{template}: {reason}");
        assert!(
            found[0].get("execution_id").is_none_or(Value::is_null),
            "{template}: {}",
            found[0]
        );
        println!("{name}: {reason}");
    }
    println!("{} rules with endless templates: {:?}", templates.len(), start.elapsed());

    // A request for such an action is refused, or its execution fails, and says why.
    for (name, template) in templates {
        let body = json!({"action": format!("endless.{name}"), "parameters": {}});
        let answer = api.post("/v1/executions", &body)?;
        let reason = match answer.status {
            400 => answer.value()["faultstring"].as_str().unwrap_or_default().to_owned(),
            _ => {
                let id = answer.value()["id"].as_str().unwrap_or_default().to_owned();
                let failed = ended(&mut api, &id)?;
                assert_eq!(failed["status"], "failed", "{template}: {failed}");
                failed["result"]["error"].as_str().unwrap_or_default().to_owned()
            }
        };
        assert!(!reason.is_empty() && reason.len() < 4096, "{template}: {reason}");
        println!("{name}, as a default: {} {reason}", answer.status);
    }

    // Nothing of that is in the way of others.
    append(&file, "two\n")?;
    let found = fired(&mut api, "endless.good", 2)?;
    for enforcement in &found {
        let id = enforcement["execution_id"].as_str().unwrap_or_default();
        assert_eq!(ended(&mut api, id)?["status"], "succeeded");
    }
    assert_eq!(api.get("/readyz")?["status"], "ready");
    assert!(!node.log().contains("panicked"), "{}", node.log());
    node.stop()?;
    Ok(())
}

#[test]
fn a_line_of_100_megabytes_costs_no_memory_and_is_marked() -> Result<()> {
    const MEGABYTES: usize = 100;
    let site = Site::new()?;
    let file = site.path("watched");
    site.pack("long")?.rule(&rule("long", "line", &file, "core.noop", json!({})))?;
    let node = site.node()?;
    let mut api = node.client()?;
    followed(&mut api, 1)?;
    let sensors = children(node.pid());
    assert_eq!(sensors.len(), 1);
    let before = (resident_bytes(node.pid())?, resident_bytes(sensors[0])?);

    let mut open = File::create(&file)?;
    open.write_all(b"before\n")?;
    for _ in 0..MEGABYTES {
        open.write_all(&vec![b'x'; 1_000_000])?;
    }
    open.write_all(b"\nafter\n")?;
    drop(open);
    fired(&mut api, "long.line", 3)?;
    let after = (resident_bytes(node.pid())?, resident_bytes(sensors[0])?);
    println!("resident bytes of node and sensor, before {before:?}, after {after:?}");
    let most = 64_000_000;
    assert!(after.0 < before.0 + most && after.1 < before.1 + most, "{before:?} {after:?}");
    assert!(node.log().contains("truncated") || node.log().contains("cut"), "{}", node.log());
    node.stop()?;

    let records = site.records()?;
    let mut seen = Vec::new();
    for instance in records.all::<TriggerInstance>()? {
        if instance.trigger.pack() == "linux" {
            let payload = records.payload(&instance.payload)?;
            let line = payload["line"].as_str().unwrap_or_default();
            let start: String = line.chars().take(6).collect();
            seen.push((start, line.len(), payload.get("truncated").cloned()));
        }
    }
    seen.sort_by_key(|(_, length, _)| *length);
    let expected = [
        ("after".to_owned(), 5, None),
        ("before".to_owned(), 6, None),
        ("xxxxxx".to_owned(), 512 * 1024, Some(json!(true))),
    ];
    assert_eq!(seen, expected);
    Ok(())
}

/// A small file system of its own. Unmounted with the value.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(path: &'a Path, megabytes: u32) -> Result<Self> {
        fs::create_dir(path)?;
        let options = format!("size={megabytes}m");
        run("mount", ["-t", "tmpfs", "-o", &options, "tmpfs", &path.display().to_string()])?;
        Ok(Self(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        if let Err(error) = run("umount", ["-l".as_ref(), self.0.as_os_str()]) {
            eprintln!("{error:#}");
        }
    }
}

/// Takes the room that is left.
fn fill(ballast: &Path) -> Result<()> {
    let mut open = File::create(ballast)?;
    while open.write_all(&[0; 4096]).is_ok() {}
    Ok(())
}

/// Requests executions until so many were refused; those that still found room are accepted.
fn until_refused(api: &mut Client, times: usize, accepted: &mut Vec<String>) -> Result<()> {
    let mut refused = 0;
    for _ in 0..3000 {
        let answer = api.post("/v1/executions", &json!({"action": "core.noop"}))?;
        let text = answer.text();
        match answer.status {
            201 => accepted.push(answer.value()["id"].as_str().unwrap_or_default().to_owned()),
            500 | 503 | 507 => {
                assert!(text.contains("faultstring"), "{text}");
                refused += 1;
            }
            status => panic!("{status} {text}"),
        }
        if refused == times {
            println!("refused after {}: {} {text}", accepted.len(), answer.status);
            return Ok(());
        }
    }
    panic!("the disk is not full");
}

#[test]
fn a_full_disk_refuses_and_loses_nothing_that_was_accepted() -> Result<()> {
    let site = Site::new()?;
    let data = site.data();
    let disk = match SmallDisk::mount(&data, 16) {
        Ok(disk) => disk,
        Err(error) => {
            eprintln!(
                "SKIPPED, a full disk: this machine does not let the test mount one: {error:#}"
            );
            return Ok(());
        }
    };
    let mut node = site.node()?;
    let mut api = node.client()?;
    let mut accepted = Vec::new();
    for _ in 0..5 {
        accepted.push(api.execute("core.noop", &json!({}))?);
    }

    // What is asked for on a full disk is refused with an error, not with a crash.
    let ballast = data.join("ballast");
    fill(&ballast)?;
    until_refused(&mut api, 20, &mut accepted)?;
    assert!(node.ended()?.is_none(), "{}", node.log());

    // With room again it goes on without a restart.
    fs::remove_file(&ballast)?;
    let id = until("an accepted request", PATIENCE, || {
        let answer = api.post("/v1/executions", &json!({"action": "core.noop"}))?;
        Ok((answer.status == 201).then(|| answer.value()["id"].as_str().map(str::to_owned)))
    })?;
    accepted.extend(id);
    for id in &accepted {
        assert_eq!(ended(&mut api, id)?["status"], "succeeded", "{id}");
    }
    assert!(!node.log().contains("panicked"), "{}", node.log());
    let log_lines = node.log().lines().count();
    println!("{} accepted and ended, {log_lines} lines of log", accepted.len());
    node.stop()?;
    let records = site.records()?;
    assert_eq!(records.all::<Execution>()?.len(), accepted.len(), "a refused one was stored");
    assert_eq!(records.all::<RuleEnforcement>()?.len(), 0);
    drop(records);

    // A start without room says so.
    fill(&ballast)?;
    let end = site.run(&site.st2d()?)?;
    println!("start: code {:?}, {}", end.code, end.stderr.lines().last().unwrap_or_default());
    assert!(!end.stderr.contains("panicked"), "{}", end.stderr);
    assert_eq!(end.code, Some(1), "{}", end.stderr);
    drop(disk);
    Ok(())
}

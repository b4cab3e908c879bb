//! Packs with something wrong in them: one clear error each, and the rest counts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use st2_e2e::{Client, Site, rule, until};

const PATIENCE: Duration = Duration::from_secs(30);

fn noop(name: &str) -> serde_json::Value {
    json!({"name": name, "runner_type": "noop", "enabled": true, "parameters": {}})
}

/// The lines of a log that report content.
fn reported(log: &str) -> Vec<&str> {
    log.lines().filter(|line| line.contains("content not registered")).collect()
}

/// The one report about `file`, which must name all of `words`.
fn report<'a>(log: &'a str, pack: &str, file: &str, words: &[&str]) -> &'a str {
    let about = format!("pack=\"{pack}\" file=\"{file}\"");
    let found: Vec<&str> = reported(log).into_iter().filter(|line| line.contains(&about)).collect();
    assert_eq!(found.len(), 1, "{about}: {found:?}\n{log}");
    for word in words {
        assert!(found[0].contains(word), "no {word:?} in {}", found[0]);
    }
    found[0]
}

fn is_there(api: &mut Client, path: &str) -> Result<bool> {
    let answer = api.request("GET", path, None)?;
    match answer.status {
        200 => Ok(true),
        404 => Ok(false),
        status => anyhow::bail!("{path}: {status} {}", answer.text()),
    }
}

#[test]
fn a_broken_yaml_file_stops_only_itself() -> Result<()> {
    let site = Site::new()?;
    let pack = site
        .pack("broken")?
        .action(&noop("good"))?
        .file("actions/broken.yaml", "name: broken\nrunner_type: noop\nparameters: [unclosed\n")?
        .file("actions/tab.yaml", "name: tab\nparameters:\n\tx: 1\n")?
        .file("actions/list.yaml", "- name: list\n")?
        .file("actions/bytes.yaml", "name: \u{0}\n")?
        .file("rules/empty.yaml", "")?;
    let node = site.node()?;
    let log = node.log();
    report(&log, "broken", "actions/broken.yaml", &["line 4"]);
    report(&log, "broken", "actions/tab.yaml", &["line 3"]);
    report(&log, "broken", "actions/list.yaml", &[]);
    report(&log, "broken", "actions/bytes.yaml", &[]);
    report(&log, "broken", "rules/empty.yaml", &[]);
    assert_eq!(reported(&log).len(), 5, "{log}");

    let mut api = node.client()?;
    assert!(is_there(&mut api, "/v1/actions/broken.good")?);
    assert!(!is_there(&mut api, "/v1/actions/broken.broken")?);

    // Made right, it counts at once; broken again, what it defined before stays.
    let pack = pack.action(&noop("broken"))?;
    until("the mended action", PATIENCE, || {
        Ok(is_there(&mut api, "/v1/actions/broken.broken")?.then_some(()))
    })?;
    pack.file("actions/good.yaml", "name: good\nrunner_type: {noop\n")?;
    node.logged("file=\"actions/good.yaml\"", PATIENCE)?;
    assert!(is_there(&mut api, "/v1/actions/broken.good")?);
    let id = api.execute("broken.good", &json!({}))?;
    until("the end of the execution", PATIENCE, || {
        let found = api.get(&format!("/v1/executions/{id}"))?;
        Ok((found["status"] == "succeeded").then_some(()))
    })?;
    node.stop()?;
    Ok(())
}

#[test]
fn wrong_types_and_unknown_names_are_named_with_their_field() -> Result<()> {
    let site = Site::new()?;
    let file = site.path("watched");
    let mut unknown_trigger = rule("wrong", "unknown_trigger", &file, "core.noop", json!({}));
    unknown_trigger["trigger"] = json!({"type": "nobody.knows_this"});
    let mut no_path = rule("wrong", "no_path", &file, "core.noop", json!({}));
    no_path["trigger"]["parameters"] = json!({});
    let mut criteria = rule("wrong", "criteria", &file, "core.noop", json!({}));
    criteria["criteria"] = json!({"trigger.line": {"type": "resembles", "pattern": "x"}});
    let mut parameters = noop("parameters");
    parameters["parameters"] = json!(5);
    let mut parameter_type = noop("parameter_type");
    parameter_type["parameters"] = json!({"count": {"type": "numbre"}});
    let mut enabled = noop("enabled");
    enabled["enabled"] = json!("perhaps");
    let mut runner = noop("runner");
    runner["runner_type"] = json!("teleporter");
    site.pack("wrong")?
        .action(&noop("good"))?
        .action(&parameters)?
        .action(&parameter_type)?
        .action(&enabled)?
        .action(&runner)?
        .rule(&rule("wrong", "good", &file, "core.noop", json!({})))?
        .rule(&unknown_trigger)?
        .rule(&no_path)?
        .rule(&criteria)?;
    let node = site.node()?;
    let log = node.log();
    report(&log, "wrong", "actions/parameters.yaml", &["field=\"parameters", "5"]);
    report(&log, "wrong", "actions/parameter_type.yaml", &["field=\"parameters", "numbre"]);
    report(&log, "wrong", "actions/enabled.yaml", &["field=\"enabled\"", "perhaps"]);
    report(&log, "wrong", "actions/runner.yaml", &["field=\"runner_type\"", "teleporter"]);
    report(&log, "wrong", "rules/unknown_trigger.yaml", &["field=\"trigger", "nobody.knows_this"]);
    report(&log, "wrong", "rules/no_path.yaml", &["field=\"trigger", "file_path"]);
    report(&log, "wrong", "rules/criteria.yaml", &["field=\"criteria", "resembles"]);
    assert_eq!(reported(&log).len(), 7, "{log}");

    let mut api = node.client()?;
    let names = |list: &serde_json::Value| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items.map(|item| item["ref"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(names(&api.get("/v1/actions?pack=wrong")?), ["wrong.good"]);
    assert_eq!(names(&api.get("/v1/rules?pack=wrong")?), ["wrong.good"]);
    let mut triggers = names(&api.get("/v1/triggers")?);
    triggers.retain(|reference| reference.starts_with("linux.") || reference.contains("nobody"));
    assert_eq!(triggers.len(), 1, "something is left of the refused rules: {triggers:?}");

    // The same through the API: 400, the field, nothing stored.
    let refused = [(&unknown_trigger, "nobody.knows_this"), (&no_path, "file_path")];
    for (rule, word) in refused {
        let answer = api.post("/v1/rules", rule)?;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(word), "{}", answer.text());
    }
    let answer = api.post("/v1/executions", &json!({"action": "wrong.runner"}))?;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("wrong.runner"), "{}", answer.text());
    node.stop()?;
    Ok(())
}

/// Root passes every permission; without this capability it is a user like any other.
fn bound_by_permissions(program: st2_e2e::Program) -> Result<st2_e2e::Program> {
    let status = fs::read_to_string("/proc/self/status")?;
    let is_root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
    let without = "-dac_override,-dac_read_search";
    Ok(if is_root {
        program.through(["setpriv", "--bounding-set", without, "--inh-caps", without])
    } else {
        program
    })
}

#[test]
fn what_can_not_be_read_is_named_and_does_not_count_as_removed() -> Result<()> {
    let site = Site::new()?;
    let closed = site.pack("closed")?.action(&noop("hidden"))?;
    let mixed = site.pack("mixed")?.action(&noop("open"))?.action(&noop("shut"))?;
    site.pack("open")?.action(&noop("seen"))?;
    fs::write(site.data().join("packs/no_folder"), "a file where a pack is expected")?;
    std::os::unix::fs::symlink("loop", site.data().join("packs/loop"))?;
    let program = bound_by_permissions(site.st2d()?)?;
    let set =
        |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let shut = mixed.folder().join("actions/shut.yaml");

    let node = site.node_of(&program)?;
    assert_eq!(node.client()?.get("/v1/actions?pack=closed")?.as_array().map(Vec::len), Some(1));
    node.stop()?;

    set(closed.folder(), 0)?;
    set(&shut, 0)?;
    let node = site.node_of(&program)?;
    let log = node.log();
    set(closed.folder(), 0o755)?;
    set(&shut, 0o644)?;
    let named = log
        .lines()
        .any(|line| line.contains("closed") && line.to_lowercase().contains("permission denied"));
    assert!(named, "{log}");
    report(&log, "mixed", "actions/shut.yaml", &["ermission denied"]);
    assert!(!log.contains("panicked"), "{log}");

    let mut api = node.client()?;
    for action in ["open.seen", "mixed.open", "mixed.shut", "closed.hidden"] {
        assert!(is_there(&mut api, &format!("/v1/actions/{action}"))?, "{action}: {log}");
    }
    node.stop()?;
    Ok(())
}

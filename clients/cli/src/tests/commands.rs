//! Every family of commands: what it asks, what it prints, how it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::play::{Played, Scene};
use super::stub::{Answer, Asked, Reply, Stub};

/// Answers by method and path; a trailing slash makes no difference.
fn table(rows: Vec<(&'static str, &'static str, Reply)>) -> Answer {
    let rows: Vec<(&str, &str, u16, Option<u64>, Value)> = rows
        .into_iter()
        .map(|(method, path, Reply(status, total, body))| (method, path, status, total, body))
        .collect();
    Arc::new(move |asked: &Asked| {
        let path = asked.path.trim_end_matches('/');
        let found = rows.iter().find(|row| row.0 == asked.method && row.1 == path)?;
        Some(Reply(found.2, found.3, found.4.clone()))
    })
}

fn ok(body: Value) -> Reply {
    Reply(200, None, body)
}

async fn play(answer: Answer, words: &[&str]) -> (Stub, Played) {
    play_with(answer, words, |_| {}).await
}

async fn play_with(answer: Answer, words: &[&str], prepare: impl Fn(&mut Scene)) -> (Stub, Played) {
    let stub = Stub::start(answer).await;
    let directory = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(directory.path(), &stub.base);
    prepare(&mut scene);
    let played = scene.play(words).await;
    (stub, played)
}

fn rule() -> Value {
    json!({"id": "5e0000000000000000000001", "ref": "p.r", "pack": "p", "name": "r", "description": "A rule",
        "enabled": true, "trigger": {"ref": "core.t", "parameters": {}}, "action": {"ref": "core.noop", "parameters": {}},
        "criteria": {}, "tags": []})
}

#[tokio::test]
async fn rules_are_listed_filtered_and_counted() {
    let answer = || table(vec![("GET", "/v1/rules", Reply(200, Some(7), json!([rule()])))]);
    let (stub, played) =
        play(answer(), &["rule", "list", "-n", "1", "-p", "p", "-g", "core.t", "--enabled"]).await;
    assert_eq!(
        played.out,
        "+-----+------+-------------+---------+\n| ref | pack | description | enabled |\n+-----+------+-------------+---------+\n\
         | p.r | p    | A rule      | True    |\n+-----+------+-------------+---------+\n"
    );
    assert!(
        played
            .err
            .contains("| Note: Only one rule is displayed. Use -n/--last flag for more results. |"),
        "{}",
        played.err
    );
    let asked = &stub.asked()[0];
    assert_eq!(asked.path, "/v1/rules/");
    let expected = [
        ("enabled", "True"),
        ("include_attributes", "ref,pack,description,enabled"),
        ("limit", "1"),
        ("pack", "p"),
        ("trigger", "core.t"),
    ];
    let sent: Vec<(&str, &str)> =
        asked.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(sent, expected);
    let (_, played) = play(answer(), &["rule", "list", "--iftt"]).await;
    assert!(played.out.contains("| p.r | core.t      | core.noop  | True    |"), "{}", played.out);
    let (_, played) = play(answer(), &["rule", "list", "-o", "name"]).await;
    assert_eq!((played.out.as_str(), played.err.as_str()), ("p.r\n", ""));
    let (_, played) =
        play(answer(), &["rule", "list", "-o", "jsonl", "-a", "ref", "trigger.ref"]).await;
    assert_eq!(played.out, "{\"ref\":\"p.r\",\"trigger\":{\"ref\":\"core.t\"}}\n");
}

#[tokio::test]
async fn an_empty_list_says_so() {
    let answer = || table(vec![("GET", "/v1/sensortypes", ok(json!([])))]);
    let (_, played) = play(answer(), &["sensor", "list"]).await;
    assert_eq!((played.code, played.out.as_str()), (0, "No matching items found\n"));
    let (_, played) = play(answer(), &["sensor", "list", "-j"]).await;
    assert_eq!(played.out, "[]\n");
    let (_, played) = play(answer(), &["sensor", "list", "-y"]).await;
    assert_eq!(played.out, "[]\n\n");
}

#[tokio::test]
async fn items_are_shown_and_missing_ones_named() {
    let answer = || table(vec![("GET", "/v1/rules/p.r", ok(rule()))]);
    let (_, played) = play(answer(), &["rule", "get", "p.r"]).await;
    assert_eq!(played.code, 0);
    let names: Vec<&str> = played
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_whitespace().next())
        .collect();
    assert_eq!(&names[..6], ["Property", "id", "ref", "pack", "name", "description"]);
    let (_, played) = play(answer(), &["rule", "get", "p.none"]).await;
    assert_eq!(
        (played.code, played.out.as_str()),
        (1, "Rule \"p.none\" is not found.\n\nERROR: Resource p.none not found.\n\n")
    );
    let (_, played) =
        play(answer(), &["rule", "get", "-j", "-a", "ref", "--", "p.none", "p.r"]).await;
    assert_eq!(
        (played.code, played.out.as_str()),
        (0, "Rule \"p.none\" is not found.\n\n{\n    \"ref\": \"p.r\"\n}\n")
    );
    let (_, played) =
        play(answer(), &["rule", "get", "-o", "json", "-a", "ref", "--", "p.r", "p.r"]).await;
    assert_eq!(
        serde_json::from_str::<Value>(&played.out).unwrap(),
        json!([{"ref": "p.r"}, {"ref": "p.r"}])
    );
}

#[tokio::test]
async fn rules_are_created_from_files() {
    let answer = || table(vec![("POST", "/v1/rules", Reply(201, None, rule()))]);
    let files = |scene: &mut Scene| {
        std::fs::write(scene.directory.join("rule.yaml"), "name: r\npack: p\nenabled: yes\n")
            .unwrap();
        std::fs::write(scene.directory.join("bad.yaml"), "name: [r\n").unwrap();
        std::fs::write(scene.directory.join("rule.txt"), "{}").unwrap();
    };
    let (stub, played) = play_with(answer(), &["rule", "create", "rule.yaml"], files).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(stub.asked()[0].json(), json!({"name": "r", "pack": "p", "enabled": true}));
    for (name, reason) in [
        ("none.yaml", "does not exist."),
        ("bad.yaml", "line "),
        ("rule.txt", "must end in .json, .yaml or .yml"),
    ] {
        let (stub, played) = play_with(answer(), &["rule", "create", name], files).await;
        assert_eq!((played.code, stub.asked().len()), (2, 0), "{name}");
        assert!(
            played.out.starts_with("ERROR: File \"")
                && played.out.contains(reason)
                && played.out.contains(name),
            "{}",
            played.out
        );
    }
    let refused = table(vec![(
        "POST",
        "/v1/rules",
        Reply(409, None, json!({"faultstring": "p.r is there already"})),
    )]);
    let (stub, played) = play_with(refused, &["rule", "create", "rule.yaml"], files).await;
    assert_eq!(played.code, 2);
    let expected = format!(
        "ERROR: 409 Client Error: Conflict\nMESSAGE: p.r is there already for url: {}/v1/rules\n\n",
        stub.base
    );
    assert_eq!(played.out, expected);
}

#[tokio::test]
async fn updates_go_to_the_id_and_refuse_another_one() {
    let answer = || {
        table(vec![
            ("GET", "/v1/rules/p.r", ok(rule())),
            ("PUT", "/v1/rules/5e0000000000000000000001", ok(rule())),
        ])
    };
    let files = |scene: &mut Scene| {
        std::fs::write(scene.directory.join("rule.json"), r#"{"name": "r"}"#).unwrap();
        std::fs::write(scene.directory.join("other.json"), r#"{"id": "x"}"#).unwrap();
        std::fs::write(scene.directory.join("list.json"), "[]").unwrap();
    };
    let (stub, played) = play_with(answer(), &["rule", "update", "p.r", "rule.json"], files).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(stub.asked()[1].json(), json!({"name": "r", "id": "5e0000000000000000000001"}));
    for name in ["other.json", "list.json"] {
        let (stub, played) = play_with(answer(), &["rule", "update", "p.r", name], files).await;
        assert_eq!((played.code, stub.asked().len()), (2, 1), "{name}");
    }
}

#[tokio::test]
async fn switching_sends_the_whole_object_back() {
    let answer = table(vec![
        ("GET", "/v1/rules/p.r", ok(rule())),
        ("PUT", "/v1/rules/5e0000000000000000000001", ok(rule())),
    ]);
    let (stub, played) = play(answer, &["rule", "disable", "p.r"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    let mut expected = rule();
    expected["enabled"] = json!(false);
    assert_eq!(stub.asked()[1].json(), expected);
}

#[tokio::test]
async fn deleting_looks_first_and_counts_what_is_gone_as_deleted() {
    let answer = || {
        table(vec![
            ("GET", "/v1/actions/p.a", ok(json!({"id": "1", "ref": "p.a"}))),
            ("GET", "/v1/rules/p.r", ok(rule())),
            ("DELETE", "/v1/actions/1", Reply(204, None, json!(""))),
        ])
    };
    let (stub, played) = play(answer(), &["action", "delete", "-r", "p.a"]).await;
    assert_eq!(
        (played.code, played.out.as_str()),
        (0, "Resource with id \"p.a\" has been successfully deleted.\n")
    );
    assert_eq!(stub.asked()[1].json(), json!({"remove_files": true}));
    let (stub, played) = play(answer(), &["rule", "delete", "p.r"]).await;
    assert_eq!((played.code, stub.asked()[1].body.as_str()), (0, ""));
    let (_, played) = play(answer(), &["rule", "delete", "p.none"]).await;
    assert_eq!(played.code, 1);
}

#[tokio::test]
async fn keys_are_set_read_and_deleted() {
    let item = json!({"name": "a/b", "value": "v", "scope": "st2kv.system", "secret": false});
    let answer = || {
        table(vec![
            ("PUT", "/v1/keys/a%2Fb", ok(item.clone())),
            ("GET", "/v1/keys/a%2Fb", ok(item.clone())),
            ("DELETE", "/v1/keys/a%2Fb", Reply(204, None, json!(""))),
            ("GET", "/v1/keys", Reply(200, Some(1), json!([item.clone()]))),
        ])
    };
    let (stub, played) = play(answer(), &["key", "set", "-e", "-l", "60", "a/b", "v"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(
        stub.asked()[0].json(),
        json!({"name": "a/b", "value": "v", "scope": "system", "user": null, "secret": true, "ttl": 60})
    );
    let asked = |scene: &mut Scene| scene.answers = vec!["typed".to_owned()];
    let (stub, _) = play_with(answer(), &["key", "set", "a/b"], asked).await;
    assert_eq!(stub.asked()[0].json()["value"], "typed");
    let (stub, _) = play_with(answer(), &["key", "set", "a/b", "-"], asked).await;
    assert_eq!(stub.asked()[0].json()["value"], "typed");
    let (stub, played) = play(answer(), &["key", "get", "a/b", "-d", "-j"]).await;
    assert_eq!(serde_json::from_str::<Value>(&played.out).unwrap(), item);
    assert_eq!(stub.asked()[0].query["decrypt"], "true");
    let (stub, played) = play(answer(), &["key", "list", "--prefix", "a"]).await;
    assert!(played.out.contains("| a/b  | v     | False  |"), "{}", played.out);
    let query = &stub.asked()[0].query;
    assert_eq!(
        (query["scope"].as_str(), query["limit"].as_str(), query["prefix"].as_str()),
        ("all", "50", "a")
    );
    let (stub, played) = play(answer(), &["key", "delete", "a/b"]).await;
    assert_eq!((played.code, stub.asked()[1].query["scope"].as_str()), (0, "system"));
    let (_, played) = play(answer(), &["key", "delete", "none"]).await;
    assert_eq!(played.code, 1);
}

#[tokio::test]
async fn deleting_by_prefix_takes_all_pages() {
    let answer: Answer = Arc::new(|asked: &Asked| {
        if asked.method == "DELETE" {
            return Some(Reply(204, None, json!("")));
        }
        let offset: usize = asked.query["offset"].parse().unwrap();
        let names =
            (offset..(offset + 100).min(150)).map(|number| json!({"name": format!("k{number}")}));
        Some(Reply(200, Some(150), names.collect()))
    });
    let (stub, played) = play(answer, &["key", "delete_by_prefix", "-p", "k"]).await;
    assert!(
        played.out.starts_with("Deleted 150 keys\nDeleted key ids: k0, k1, "),
        "{}",
        played.out
    );
    assert_eq!(stub.asked().iter().filter(|asked| asked.method == "DELETE").count(), 150);
}

#[tokio::test]
async fn a_file_of_keys_is_checked_before_the_first_is_stored() {
    let answer = || {
        table(vec![
            ("PUT", "/v1/keys/a", ok(json!({"name": "a", "value": "1"}))),
            ("PUT", "/v1/keys/b", ok(json!({"name": "b", "value": "{}"}))),
        ])
    };
    let files = |scene: &mut Scene| {
        std::fs::write(
            scene.directory.join("k.yaml"),
            "- {name: a, value: '1'}\n- {name: b, value: {x: 1}}\n",
        )
        .unwrap();
    };
    let (stub, played) = play_with(answer(), &["key", "load", "k.yaml"], files).await;
    assert_eq!((played.code, stub.asked().len()), (2, 0));
    assert!(
        played.out.contains("k.yaml\", item 2: the value of \"b\" is no text"),
        "{}",
        played.out
    );
    let (stub, played) = play_with(answer(), &["key", "load", "-c", "k.yaml"], files).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(stub.asked()[1].json()["value"], "{\"x\":1}");
}

fn action() -> Value {
    json!({"id": "a", "ref": "p.a", "runner_type": "local-shell-cmd", "parameters": {"n": {"type": "integer"}}})
}

fn runners() -> Value {
    json!([{"name": "local-shell-cmd", "runner_parameters": {}}])
}

fn execution(status: &str) -> Value {
    json!({"id": "e1", "action": {"ref": "p.a", "runner_type": "local-shell-cmd"}, "context": {"user": "joe"},
        "parameters": {}, "status": status, "start_timestamp": "2020-01-01T10:00:00.000000Z",
        "end_timestamp": "2020-01-01T10:00:02.000000Z", "result": {"stdout": "hi"}})
}

/// An action that runs for two looks and then ends like `end`, writing as it goes.
fn running(end: &'static str) -> Answer {
    let looks = AtomicUsize::new(0);
    Arc::new(move |asked: &Asked| {
        let body = match (asked.method.as_str(), asked.path.trim_end_matches('/')) {
            ("GET", "/v1/actions/p.a") => action(),
            ("GET", "/v1/runnertypes") => runners(),
            ("POST", _) => return Some(Reply(201, None, execution("requested"))),
            ("GET", "/v1/executions/e1/output") => match looks.load(Ordering::SeqCst) {
                1 => json!("one\n"),
                _ => json!("one\ntwo\n"),
            },
            ("GET", "/v1/executions/e1") => {
                let look = looks.fetch_add(1, Ordering::SeqCst);
                execution(if look == 0 { "running" } else { end })
            }
            _ => return None,
        };
        Some(Reply(200, None, body))
    })
}

#[tokio::test]
async fn run_waits_and_tells_the_end() {
    let (_, played) = play(running("succeeded"), &["run", "p.a", "n=1"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert!(
        played.out.starts_with(
            "..\nid: e1\naction.ref: p.a\ncontext.user: joe\nparameters: \n{}\nstatus: succeeded\n"
        ),
        "{}",
        played.out
    );
    let (_, played) = play(running("failed"), &["run", "p.a", "-j"]).await;
    assert_eq!(played.code, 1);
    assert!(played.out.starts_with("..\n{\n"), "{}", played.out);
    let (_, played) = play(running("timeout"), &["run", "p.a", "-o", "json"]).await;
    assert_eq!((played.code, played.err.as_str()), (0, ""));
    assert_eq!(serde_json::from_str::<Value>(&played.out).unwrap()["status"], "timeout");
    for (end, code) in
        [("timeout", 4), ("canceled", 5), ("abandoned", 6), ("pending", 7), ("succeeded", 0)]
    {
        let (_, played) = play(running(end), &["run", "--strict-exit", "p.a"]).await;
        assert_eq!(played.code, code, "{end}");
    }
}

#[tokio::test]
async fn run_can_return_at_once_or_follow_the_output() {
    let (stub, played) = play(running("succeeded"), &["run", "-a", "p.a"]).await;
    assert_eq!(
        played.out,
        "To get the results, execute:\n st2 execution get e1\n\nTo view output in real-time, execute:\n st2 execution tail e1\n"
    );
    assert_eq!(stub.asked().len(), 3);
    let (_, played) = play(running("succeeded"), &["run", "--tail", "p.a"]).await;
    assert_eq!(played.out, "one\ntwo\n\nExecution e1 has completed (status=succeeded).\n");
    let (_, played) =
        play(running("succeeded"), &["action", "execute", "p.a", "--wait", "-k", "stdout"]).await;
    assert_eq!(played.out, "..\nhi\n");
}

#[tokio::test]
async fn a_login_that_expires_while_waiting_names_the_way_back() {
    let answer: Answer =
        Arc::new(|asked: &Asked| match (asked.method.as_str(), asked.path.trim_end_matches('/')) {
            ("GET", "/v1/actions/p.a") => Some(ok(action())),
            ("GET", "/v1/runnertypes") => Some(ok(runners())),
            ("POST", _) => Some(Reply(201, None, execution("running"))),
            _ => {
                Some(Reply(401, None, json!({"faultstring": "Unauthorized - Token has expired."})))
            }
        });
    let (_, played) = play(answer, &["run", "p.a"]).await;
    assert_eq!(played.code, 1);
    assert!(
        played.out.contains("The login expired while waiting.")
            && played.out.contains("st2 execution get e1"),
        "{}",
        played.out
    );
}

#[tokio::test]
async fn a_long_wait_survives_the_end_of_a_token_when_the_password_is_kept() {
    let answer: Answer = Arc::new(|asked: &Asked| {
        let fresh = asked.headers.get("x-auth-token").is_some_and(|token| token == "fresh");
        match (asked.method.as_str(), asked.path.trim_end_matches('/')) {
            ("POST", "/tokens") => Some(Reply(
                201,
                None,
                json!({"token": "fresh", "user": "joe", "expiry": "2020-01-02T10:00:00Z"}),
            )),
            ("GET", "/v1/actions/p.a") => Some(ok(action())),
            ("GET", "/v1/runnertypes") => Some(ok(runners())),
            ("POST", _) => Some(Reply(201, None, execution("running"))),
            ("GET", _) if fresh => Some(ok(execution("succeeded"))),
            _ => {
                Some(Reply(401, None, json!({"faultstring": "Unauthorized - Token has expired."})))
            }
        }
    });
    let (_, played) = play_with(answer, &["run", "p.a"], |scene| {
        let home = scene.directory.join(".st2");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("config"), "[credentials]\nusername = joe\npassword = pw\n")
            .unwrap();
        std::fs::write(
            home.join("token-joe"),
            r#"{"token": "old", "expire_timestamp": 1577959200}"#,
        )
        .unwrap();
    })
    .await;
    assert_eq!(played.code, 0, "{played:?}");
}

#[tokio::test]
async fn executions_are_canceled_repeated_and_followed() {
    let answer = || {
        table(vec![
            ("DELETE", "/v1/executions/e1", ok(execution("canceling"))),
            ("GET", "/v1/executions/e1", ok(execution("succeeded"))),
            ("GET", "/v1/executions", ok(json!([execution("succeeded")]))),
            ("GET", "/v1/executions/e1/output", ok(json!("done\n"))),
            ("POST", "/v1/executions/e1/re_run", Reply(201, None, execution("succeeded"))),
            ("PUT", "/v1/executions/e1", ok(execution("pausing"))),
            ("GET", "/v1/actions/p.a", ok(action())),
            ("GET", "/v1/runnertypes", ok(runners())),
        ])
    };
    let (_, played) = play(answer(), &["execution", "cancel", "e1"]).await;
    assert_eq!((played.code, played.out.as_str()), (0, "action execution with id e1 canceled.\n"));
    let (_, played) = play(answer(), &["execution", "cancel", "none"]).await;
    assert_eq!(
        (played.code, played.out.as_str()),
        (1, "Action Execution \"none\" is not found.\n\n")
    );
    let (_, played) = play(answer(), &["execution", "tail"]).await;
    assert_eq!(played.out, "done\n\nExecution e1 has completed (status=succeeded).\n");
    let (stub, played) = play(answer(), &["execution", "re-run", "e1", "n=2"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(
        stub.asked()[3].json(),
        json!({"parameters": {"n": 2}, "tasks": [], "reset": [], "delay": 0})
    );
    let (_, played) =
        play(answer(), &["execution", "re-run", "e1", "--tasks", "a", "--no-reset", "b"]).await;
    assert_eq!(played.code, 1);
    let (stub, _) = play(answer(), &["execution", "pause", "e1"]).await;
    assert_eq!(stub.asked()[0].json(), json!({"status": "pausing"}));
    let (_, played) = play(answer(), &["execution", "get", "none"]).await;
    assert_eq!(
        (played.code, played.out.as_str()),
        (1, "Action Execution \"none\" is not found.\n\nERROR: Resource none not found.\n\n")
    );
    let (_, played) =
        play(answer(), &["execution", "list", "-tg", "2020-01-01T00:00:00Z", "-n", "-1"]).await;
    assert_eq!(played.code, 0, "{played:?}");
}

#[tokio::test]
async fn workflows_are_one_clean_document_when_asked() {
    let mut root = execution("succeeded");
    root["action"]["runner_type"] = json!("orquesta");
    let mut child = execution("succeeded");
    child["id"] = json!("e2");
    child["parent"] = json!("e1");
    child["context"] = json!({"orquesta": {"task_name": "t"}});
    let answer = table(vec![
        ("GET", "/v1/executions/e1", ok(root)),
        ("GET", "/v1/executions/e1/children", ok(json!([child]))),
    ]);
    let (_, played) = play(answer, &["execution", "get", "-o", "json", "e1"]).await;
    let found: Value = serde_json::from_str(&played.out).unwrap();
    assert_eq!(found["children"][0]["task"], "t");
    assert_eq!(
        (&found["children"][0]["status"], &found["children"][0]["elapsed_seconds"]),
        (&json!("succeeded"), &json!(2))
    );
}

#[tokio::test]
async fn packs_are_installed_by_an_execution() {
    let mut done = execution("succeeded");
    done["result"] = json!({"output": {"packs_list": ["p"], "warning_list": ["mind the gap"]}});
    let answer = |end: Value| {
        table(vec![
            ("POST", "/v1/packs/install", Reply(202, None, json!({"execution_id": "e1"}))),
            ("POST", "/v1/packs/register", ok(json!({"actions": 3}))),
            ("GET", "/v1/executions/e1", ok(end)),
            ("GET", "/v1/packs/p", ok(json!({"ref": "p", "name": "p", "version": "1.0.0"}))),
        ])
    };
    let (stub, played) = play(answer(done.clone()), &["pack", "install", "p", "--force"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(
        stub.asked()[0].json(),
        json!({"packs": ["p"], "force": true, "skip_dependencies": false})
    );
    assert!(
        played.out.contains("| version     | 1.0.0 |") && played.err.contains("mind the gap"),
        "{played:?}"
    );
    let (_, played) = play(answer(execution("failed")), &["pack", "install", "p"]).await;
    assert_eq!(played.code, 1);
    let (stub, played) =
        play(answer(done), &["pack", "register", "p", "--types", "actions", "rules"]).await;
    assert!(played.out.contains("| actions  | 3     |"), "{}", played.out);
    assert_eq!(stub.asked()[0].json(), json!({"packs": ["p"], "types": ["actions", "rules"]}));
}

#[tokio::test]
async fn trigger_instances_are_newest_last_and_reported_again() {
    let instance = |id: &str| json!({"id": id, "trigger": "core.t", "occurrence_time": "2020-01-01T10:00:00.000000Z", "status": "processed"});
    let answer = || {
        table(vec![
            ("GET", "/v1/triggerinstances", ok(json!([instance("new"), instance("old")]))),
            ("POST", "/v1/triggerinstances/i/re_emit", ok(json!({"message": "again"}))),
        ])
    };
    let (_, played) = play(answer(), &["trigger-instance", "list"]).await;
    assert!(played.out.find("old").unwrap() < played.out.find("new").unwrap(), "{}", played.out);
    let (_, played) = play(answer(), &["trigger-instance", "re-emit", "i"]).await;
    assert_eq!(played.out, "again\n");
}

#[tokio::test]
async fn help_and_mistakes_end_as_scripts_expect() {
    let answer = || table(vec![]);
    let (_, played) = play(answer(), &[]).await;
    assert_eq!((played.code, played.out.as_str()), (2, ""));
    assert!(played.err.contains("Getting started:"), "{}", played.err);
    for words in [
        &["nonsense"][..],
        &["rule"][..],
        &["rule", "list", "--nonsense"][..],
        &["run"][..],
        &["key", "set"][..],
    ] {
        let (_, played) = play(answer(), words).await;
        assert_eq!((played.code, played.out.as_str()), (2, ""), "{words:?}");
        assert!(!played.err.is_empty());
    }
    for words in [
        &["--help"][..],
        &["rule", "list", "--help"][..],
        &["run", "-h"][..],
        &["action", "execute", "--help"][..],
    ] {
        let (_, played) = play(answer(), words).await;
        assert_eq!((played.code, played.err.as_str()), (0, ""), "{words:?}");
        assert!(played.out.contains("Usage: st2"), "{}", played.out);
    }
    let (_, played) = play(answer(), &["--version"]).await;
    assert_eq!(played.out, format!("st2 {}\n", env!("CARGO_PKG_VERSION")));
    let (_, played) = play(answer(), &["completion", "bash"]).await;
    assert!(played.out.contains("_st2()"), "{}", played.out);
}

#[tokio::test]
async fn long_options_may_be_shortened() {
    let answer = table(vec![("GET", "/v1/rules", ok(json!([])))]);
    let (stub, played) = play(answer, &["rule", "list", "--trig", "core.t"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert_eq!(stub.asked()[0].query["trigger"], "core.t");
}

/// Every group lists and shows, and every command explains itself.
#[test]
fn every_command_has_help_and_no_option_twice() {
    crate::args::command().debug_assert();
}

#[tokio::test]
async fn commands_of_single_groups_ask_and_tell() {
    let answer = || {
        table(vec![
            (
                "POST",
                "/v1/apikeys",
                Reply(201, None, json!({"id": "k", "key": "secret", "user": "joe"})),
            ),
            ("PUT", "/v1/inquiries/i", ok(json!({}))),
            ("POST", "/v1/workflows/inspect", ok(json!([]))),
            ("GET", "/v1/actions/p.b", ok(json!({"id": "b"}))),
            ("POST", "/v1/actions/p.a/clone", Reply(201, None, json!({"ref": "p.b"}))),
            (
                "POST",
                "/v1/actionalias/match",
                ok(json!({"actionalias": {"name": "deploy", "description": "d"}})),
            ),
            (
                "POST",
                "/v1/aliasexecution/match_and_execute",
                Reply(
                    201,
                    None,
                    json!({"results": [
                {"actionalias": {"ref": "p.deploy"}, "execution": {"id": "e1"}}]}),
                ),
            ),
            ("POST", "/v1/packs/index/search", ok(json!([]))),
        ])
    };
    let (stub, played) =
        play(answer(), &["apikey", "create", "-u", "joe", "-m", "{\"a\": 1}", "-k"]).await;
    assert_eq!((played.code, played.out.as_str()), (0, "secret\n"));
    assert_eq!(stub.asked()[0].json(), json!({"user": "joe", "metadata": {"a": 1}}));
    let (_, played) = play(answer(), &["apikey", "create", "-m", "[]"]).await;
    assert!(played.out.contains("--metadata must be a JSON object"), "{}", played.out);
    let (stub, played) = play(answer(), &["inquiry", "respond", "i", "-r", "{\"go\": true}"]).await;
    assert_eq!(played.out, "\nResponse accepted for inquiry i.\n");
    assert_eq!(stub.asked()[0].json(), json!({"id": "i", "response": {"go": true}}));
    let file = |scene: &mut Scene| {
        std::fs::write(scene.directory.join("w.yaml"), "version: 1.0\n").unwrap()
    };
    let (stub, played) =
        play_with(answer(), &["workflow", "inspect", "--file", "w.yaml"], file).await;
    assert_eq!(played.out, "No errors found in workflow definition.\n");
    assert_eq!(
        (stub.asked()[0].body.as_str(), stub.asked()[0].headers["content-type"].as_str()),
        ("version: 1.0\n", "text/plain")
    );
    let (stub, played) = play(answer(), &["action", "clone", "p.a", "p", "b"]).await;
    assert_eq!((played.code, stub.asked().len()), (1, 1), "{played:?}");
    let yes = |scene: &mut Scene| scene.answers = vec!["y".to_owned()];
    let (stub, _) = play_with(answer(), &["action", "clone", "p.a", "p", "b"], yes).await;
    assert_eq!(
        stub.asked()[1].json(),
        json!({"dest_pack": "p", "dest_action": "b", "overwrite": true})
    );
    let (_, played) = play(answer(), &["action-alias", "match", "deploy it"]).await;
    assert!(played.out.contains("| deploy | d           |"), "{}", played.out);
    let (_, played) = play(answer(), &["action-alias", "execute", "deploy it"]).await;
    assert_eq!(
        played.out,
        "Matching Action-alias: 'p.deploy'\nTo get the results, execute:\n st2 execution get e1\n"
    );
    let (_, played) = play(answer(), &["pack", "search", "x"]).await;
    assert_eq!(played.out, "No matching items found\n");
    let (_, played) = play(answer(), &["pack", "show", "x"]).await;
    assert_eq!(played.code, 1);
}

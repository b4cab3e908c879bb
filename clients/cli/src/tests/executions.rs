//! Executions: run, wait, follow, repeat, cancel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::play::{ok, play, play_with, table};
use super::stub::{Answer, Asked, Reply};

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

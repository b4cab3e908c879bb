//! Real commands. None of them waits for luck: a command that is to be ended would run for ages.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use st2_execution::Content;
use st2_model::{
    Action, Digest, Execution, ExecutionStatus as S, Notify, Object, RunnerType, Timestamp,
};
use st2_runner::{Outcome, Output, RunContext, Runner, output};
use tokio_util::sync::CancellationToken;

use crate::{LocalShell, ShellConfig};

fn shell() -> LocalShell {
    LocalShell::new(ShellConfig { output_bytes_max: 1_000, ..ShellConfig::new("me", "me") })
}

fn content(runner: &str, entry_point: &str, parameters: Value) -> Content {
    let reference: st2_model::ActionRef = "test.act".parse().unwrap();
    let action = Action {
        id: Action::id_of(&reference),
        reference,
        description: None,
        enabled: true,
        runner_type: runner.to_owned(),
        entry_point: entry_point.to_owned(),
        parameters: object(parameters),
        output_schema: Object::new(),
        tags: Vec::new(),
        notify: Notify::default(),
        metadata_file: String::new(),
        content_version: None,
        idempotent: false,
    };
    let runner_type = RunnerType {
        id: RunnerType::id_of(runner),
        name: runner.to_owned(),
        description: None,
        enabled: true,
        runner_package: String::new(),
        runner_module: String::new(),
        runner_parameters: Object::new(),
        output_key: None,
        output_schema: Object::new(),
    };
    Content::new(action, runner_type).unwrap()
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn context(runner: &str, parameters: Value) -> RunContext {
    let content = Arc::new(content(runner, "", json!({})));
    let now = Timestamp::from_micros(0);
    let execution = Execution {
        id: "5f0000000000000000000001".parse().unwrap(),
        live_action: "5f0000000000000000000002".parse().unwrap(),
        action: content.action.reference.clone(),
        action_snapshot: Digest::of(b""),
        runner: runner.to_owned(),
        runner_snapshot: Digest::of(b""),
        is_workflow: false,
        idempotent: false,
        status: S::Running,
        start_timestamp: now,
        end_timestamp: None,
        parameters: Object::new(),
        result: None,
        result_size: None,
        context: Object::new(),
        notify: None,
        runner_info: None,
        parent: None,
        origin: None,
        log: Vec::new(),
        delay_ms: None,
        due: None,
        owner: None,
        intent: None,
    };
    RunContext {
        execution: Arc::new(execution),
        content,
        runner_parameters: object(parameters),
        action_parameters: Object::new(),
        pack_dir: None,
        env: std::collections::BTreeMap::new(),
        output: Output::discard(),
        cancel: CancellationToken::new(),
        grace: Duration::from_secs(20),
    }
}

async fn command(parameters: Value) -> Outcome {
    shell().run(context("local-shell-cmd", parameters)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command() {
    let outcome = command(json!({"cmd": "echo out; echo err >&2; exit 3"})).await;
    assert_eq!(outcome.status, S::Failed);
    let expected = json!({
        "failed": true, "succeeded": false, "return_code": 3, "stdout": "out", "stderr": "err",
    });
    assert_eq!(outcome.result, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn environment_and_directory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    let mut context = context(
        "local-shell-cmd",
        json!({
            "cmd": "echo \"$A $ST2_ACTION_PACK_NAME $(pwd)\"; test -n \"$PATH\"",
            "env": {"A": "a b", "ST2_ACTION_PACK_NAME": "forged"},
            "cwd": path.to_str().unwrap(),
        }),
    );
    context.env.insert("ST2_ACTION_PACK_NAME".into(), "test".into());
    let outcome = shell().run(context).await;
    assert_eq!(outcome.status, S::Succeeded);
    assert_eq!(outcome.result["stdout"], format!("a b test {}", path.display()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_start_has_failed() {
    for (parameters, reason) in [
        (json!({"cmd": "true", "cwd": "/does/not/exist"}), "/does/not/exist"),
        (json!({"cmd": "true", "env": {"A": 1}}), "\"A\" has to be a string"),
    ] {
        let outcome = command(parameters).await;
        assert_eq!(outcome.status, S::Failed);
        let error = outcome.result["error"].as_str().unwrap();
        assert!(error.contains(reason), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entry_points() {
    let mut wrong = context("local-shell-cmd", json!({"cmd": "true"}));
    wrong.content = Arc::new(content("local-shell-cmd", "x.sh", json!({})));
    let outcome = shell().run(wrong).await;
    let expected = "entry_point is only valid for local-shell-script runner";
    assert_eq!(outcome.result["error"], expected);
    let outcome = shell().run(context("local-shell-script", json!({}))).await;
    assert_eq!(outcome.result["error"], "Missing entry_point action metadata attribute");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_of_a_pack() {
    let dir = tempfile::tempdir().unwrap();
    let pack = dir.path().join("my pack");
    std::fs::create_dir_all(pack.join("actions")).unwrap();
    let text = "#!/bin/sh\nprintf '%s|' \"$0\" \"$@\"\n";
    std::fs::write(pack.join("actions/x.sh"), text).unwrap();
    let mut context = context("local-shell-script", json!({"kwarg_op": "-"}));
    let parameters = json!({"n": {"type": "string"}, "p": {"type": "array", "position": 0}});
    context.content = Arc::new(content("local-shell-script", "x.sh", parameters));
    context.action_parameters = object(json!({"n": "it's", "p": [1, "a b"]}));
    context.pack_dir = Some(pack.clone());
    let outcome = shell().run(context).await;
    let path = pack.join("actions/x.sh");
    let expected = format!("{}|-n=it's|1,a b|", path.display());
    assert_eq!(outcome.result["stdout"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_takes_too_long() {
    let cmd = "echo so far; sleep 1000 & sleep 1000";
    let outcome = command(json!({"cmd": cmd, "timeout": 1})).await;
    assert_eq!(outcome.status, S::Timeout);
    assert_eq!(outcome.result["return_code"], -9);
    assert_eq!(outcome.result["stdout"], "so far");
    assert_eq!(outcome.result["error"], "Action failed to complete in 1 seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_ignores_the_request_to_end_is_killed() {
    let mut context = context(
        "local-shell-cmd",
        json!({"cmd": "trap '' TERM; echo ready; while true; do sleep 1000; done"}),
    );
    let (writer, mut reader) = output(1_000, 1);
    context.output = writer;
    context.grace = Duration::from_millis(50);
    let cancel = context.cancel.clone();
    let shell = shell();
    let (outcome, ()) = tokio::join!(shell.run(context), async {
        reader.next(Duration::ZERO).await.unwrap();
        cancel.cancel();
    });
    assert_eq!(outcome.status, S::Canceled);
    assert_eq!(outcome.result["stdout"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_beyond_the_bound_is_counted() {
    let outcome = command(json!({"cmd": "head -c 5000 /dev/zero | tr '\\0' x"})).await;
    let text = outcome.result["stdout"].as_str().unwrap();
    assert!(text.starts_with(&"x".repeat(1_000)));
    assert!(text.ends_with("[4000 more bytes of output were dropped]"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_passed_on_in_whole_lines_and_any_bytes_are_text() {
    let mut context = context(
        "local-shell-cmd",
        json!({"cmd": "printf 'one\\ntw'; printf 'o\\n\\377\\n'; printf rest"}),
    );
    let (writer, mut reader) = output(1_000, 1_000);
    context.output = writer;
    let shell = shell();
    let (outcome, text) = tokio::join!(shell.run(context), async {
        let mut text = String::new();
        while let Some(pieces) = reader.next(Duration::ZERO).await {
            text.extend(pieces.into_iter().map(|piece| piece.text));
        }
        text
    });
    assert_eq!(text, "one\ntwo\n\u{fffd}\nrest");
    assert_eq!(outcome.result["stdout"], text);
}

#[tokio::test(flavor = "multi_thread")]
async fn known_secrets_are_not_shown() {
    let mut context = context("local-shell-cmd", json!({"cmd": "echo $ST2_ACTION_AUTH_TOKEN"}));
    context.env.insert("ST2_ACTION_AUTH_TOKEN".into(), "0123456789abcdef".into());
    let outcome = shell().run(context).await;
    assert_eq!(outcome.result["stdout"], "********");
}

/// Runs a command that has to succeed.
async fn prepared(cmd: &str) {
    let outcome = command(json!({"cmd": cmd})).await;
    assert_eq!(outcome.status, S::Succeeded, "{:?}", outcome.result);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_a_pack() {
    let dir = tempfile::tempdir().unwrap();
    let pack = dir.path().display();
    prepared(&format!(
        "set -e; cd {pack}; git init -q .; mkdir actions; git config user.email a@b.c; \
         git config user.name a; printf 'echo old $0\n' > actions/x.sh; git add .; \
         git commit -qm one; git tag v1; printf 'echo new\n' > actions/x.sh; git commit -qam two"
    ))
    .await;
    let versioned = |version: &str| {
        let mut context = context("local-shell-script", json!({"content_version": version}));
        context.content = Arc::new(content("local-shell-script", "x.sh", json!({})));
        context.pack_dir = Some(dir.path().to_owned());
        context
    };
    let outcome = shell().run(versioned("v1")).await;
    let text = outcome.result["stdout"].as_str().unwrap();
    assert!(text.starts_with("old ") && text.contains("st2-git-worktree-"), "{text}");
    let path = std::path::Path::new(text.trim_start_matches("old "));
    assert!(!path.exists(), "the worktree is gone after the run");
    prepared(&format!("test $(git -C {pack} worktree list | wc -l) = 1")).await;

    let outcome = shell().run(versioned("v2")).await;
    assert_eq!(outcome.status, S::Failed);
    let error = outcome.result["error"].as_str().unwrap();
    let expected = "Failed to create git worktree for pack \"test\": fatal: invalid reference: v2";
    assert_eq!(error, expected);
}

//! Texts for the shell, and what an end means.

use serde_json::{Value, json};
use st2_model::ExecutionStatus as S;
use st2_process::ExitStatus;

use crate::command::{RunAs, script};
use crate::outcome::{End, outcome};

const SAME: RunAs<'_> =
    RunAs { sudo: false, with_password: false, system_user: "stanley", process_user: "stanley" };

#[test]
fn as_whom_a_command_runs() {
    let other = RunAs { process_user: "root", ..SAME };
    let sudo = RunAs { sudo: true, ..SAME };
    let password = RunAs { with_password: true, ..sudo };
    let other_password = RunAs { with_password: true, ..other };
    for (run_as, expected) in [
        (SAME, "echo 'a b'"),
        (sudo, r#"sudo -E -- bash -c 'echo '"'"'a b'"'"''"#),
        (password, r#"sudo -S -E -- bash -c 'echo '"'"'a b'"'"''"#),
        (other, r#"sudo -E -H -u stanley -- bash -c 'echo '"'"'a b'"'"''"#),
        (other_password, r#"sudo -S -E -H -u stanley -- bash -c 'echo '"'"'a b'"'"''"#),
    ] {
        assert_eq!(run_as.shell_text("echo 'a b'"), expected);
    }
}

#[test]
fn a_path_with_spaces_is_one_word() {
    assert_eq!(script("/opt/my pack/x.sh", "--a=1"), "'/opt/my pack/x.sh' --a=1");
}

#[test]
fn ends() {
    let exited = |code| End::Exited(ExitStatus::Code(code));
    let killed = |signal| End::Exited(ExitStatus::Signal(signal));
    for (end, status, code) in [
        (exited(0), S::Succeeded, 0),
        (exited(1), S::Failed, 1),
        (exited(127), S::Failed, 127),
        (killed(9), S::Failed, -9),
        (killed(15), S::Abandoned, -15),
        (End::TimedOut("7".into()), S::Timeout, -9),
        (End::Canceled, S::Canceled, -15),
    ] {
        let outcome = outcome(&end, "", "", None);
        assert_eq!(outcome.status, status, "{end:?}");
        assert_eq!(outcome.result["return_code"], code, "{end:?}");
        assert_eq!(outcome.result["succeeded"], status == S::Succeeded, "{end:?}");
        assert_eq!(outcome.result["failed"], status != S::Succeeded, "{end:?}");
    }
    let timed_out = outcome(&End::TimedOut("7".into()), "so far\n", "", None);
    let expected = json!({
        "failed": true, "succeeded": false, "return_code": -9, "stdout": "so far", "stderr": "",
        "error": "Action failed to complete in 7 seconds",
    });
    assert_eq!(timed_out.result, expected);
}

#[test]
fn a_wrong_password() {
    let end = End::Exited(ExitStatus::Code(1));
    let stderr = "[sudo] password for st: Sorry, try again.\nsudo: 3 incorrect password attempts\n";
    let wrong = outcome(&end, "", stderr, Some("stanley"));
    assert_eq!(wrong.status, S::Failed);
    assert_eq!(wrong.result["return_code"], -1);
    let error = wrong.result["error"].as_str().unwrap();
    assert!(error.ends_with("not configured for this user (stanley)"), "{error}");
    assert_eq!(outcome(&end, "", stderr, None).result["return_code"], 1);
}

#[test]
fn printed_json_is_parsed() {
    for (printed, expected) in [
        ("5\n", json!(5)),
        ("1.0", json!(1.0)),
        ("1e5", json!(100_000.0)),
        ("true", json!(true)),
        ("null", Value::Null),
        ("\"x\"\r\n", json!("x")),
        (" 5 ", json!(5)),
        ("007", json!("007")),
        ("NaN", json!("NaN")),
        ("[1,]", json!("[1,]")),
        ("", json!("")),
        ("two\n\n", json!("two\n")),
        ("36893488147419103232", json!(36_893_488_147_419_103_232.0)),
        ("{\"a\": [1]}\n", json!({"a": [1]})),
    ] {
        let outcome = outcome(&End::Exited(ExitStatus::Code(0)), printed, "", None);
        assert_eq!(outcome.result["stdout"], expected, "{printed:?}");
    }
}

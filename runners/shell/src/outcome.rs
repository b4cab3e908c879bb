//! From the end of a command to the result that clients see.

use serde_json::{Map, Value, json};
use st2_model::ExecutionStatus;
use st2_process::ExitStatus;
use st2_runner::Outcome;

const SIGTERM: i32 = 15;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, or by a signal that is not ours.
    Exited(ExitStatus),
    /// We ended it after so many seconds.
    TimedOut(String),
    /// We ended it because somebody asked for it.
    Canceled,
}

/// The outcome of a command that printed `stdout` and `stderr`. `sudo_user` is the user for whom
/// sudo was asked, where it was.
#[must_use]
pub(crate) fn outcome(end: &End, stdout: &str, stderr: &str, sudo_user: Option<&str>) -> Outcome {
    let (status, return_code, error) = match end {
        End::TimedOut(seconds) => (
            ExecutionStatus::Timeout,
            -9,
            Some(format!("Action failed to complete in {seconds} seconds")),
        ),
        End::Canceled => (ExecutionStatus::Canceled, -SIGTERM, None),
        End::Exited(exit) => match sudo_user {
            Some(user) if is_password_wrong(stderr) => (
                ExecutionStatus::Failed,
                -1,
                Some(format!(
                    "Invalid sudo password provided or sudo is not configured for this user \
                     ({user})"
                )),
            ),
            _ => (status_of(*exit), exit.return_code(), None),
        },
    };
    let succeeded = status == ExecutionStatus::Succeeded;
    let mut result = Map::new();
    result.insert("failed".into(), json!(!succeeded));
    result.insert("succeeded".into(), json!(succeeded));
    result.insert("return_code".into(), json!(return_code));
    result.insert("stdout".into(), printed(stdout));
    result.insert("stderr".into(), printed(stderr));
    if let Some(error) = error {
        result.insert("error".into(), error.into());
    }
    Outcome::new(status, Value::Object(result))
}

/// A shell that was ended by SIGTERM was told to stop; any other end but success is a failure.
fn status_of(exit: ExitStatus) -> ExecutionStatus {
    match exit {
        ExitStatus::Code(0) => ExecutionStatus::Succeeded,
        ExitStatus::Signal(SIGTERM) => ExecutionStatus::Abandoned,
        ExitStatus::Code(_) | ExitStatus::Signal(_) => ExecutionStatus::Failed,
    }
}

/// Whether sudo says `sudo: <n> incorrect password attempts`.
fn is_password_wrong(stderr: &str) -> bool {
    stderr.match_indices("sudo: ").any(|(at, start)| {
        let rest = stderr.get(at + start.len()..).unwrap_or_default();
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        after.len() < rest.len() && after.starts_with(" incorrect password attempt")
    })
}

/// One newline at the end goes, then one carriage return; a text that is JSON becomes its value.
fn printed(text: &str) -> Value {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

//! Waiting for an execution: by polling, patient with restarts, renewing an expired login.

use std::time::Duration;

use serde_json::Value;
use st2_client::{Error, is_waiting};

use super::Context;
use crate::failure::{Failure, Outcome};
use crate::session::Session;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many times in a row the services may be away before we give up; about 40 s.
const PATIENCE: u32 = 20;

/// What is told while waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// A dot per look, then a line break, among the data.
    Dots,
    /// The same, out of the data's way, and only to people.
    Aside,
    /// The output as it comes.
    Output,
}

/// Waits until the execution needs somebody or has ended, and gives it as it is then.
pub(crate) async fn for_result(
    context: &mut Context<'_, '_>,
    session: &mut Session,
    mut execution: Value,
    progress: Progress,
    kind: Option<&str>,
) -> Outcome<Value> {
    let id = id_of(&execution)?;
    let mut pause = FIRST_PAUSE;
    let mut printed = 0;
    while is_waiting(status_of(&execution)) {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        dot(context, progress)?;
        execution = look(context, session, &id).await?;
        if progress == Progress::Output {
            printed = new_output(context, session, &id, kind, printed).await?;
        }
    }
    match progress {
        Progress::Dots => context.say("")?,
        Progress::Aside => {
            if context.system.terminal {
                context.note("")?;
            }
        }
        Progress::Output => {
            new_output(context, session, &id, kind, printed).await?;
            context.say(&format!(
                "\nExecution {id} has completed (status={}).",
                status_of(&execution)
            ))?;
        }
    }
    Ok(execution)
}

/// The id of an execution the server sent.
pub(crate) fn id_of(execution: &Value) -> Outcome<String> {
    let id = execution.get("id").and_then(Value::as_str).map(ToOwned::to_owned);
    id.ok_or_else(|| {
        Failure::Refused("The server answered with an execution that has no id".to_owned())
    })
}

pub(crate) fn status_of(execution: &Value) -> &str {
    execution.get("status").and_then(Value::as_str).unwrap_or_default()
}

fn dot(context: &mut Context<'_, '_>, progress: Progress) -> Outcome {
    match progress {
        Progress::Dots => write!(context.system.out, ".")?,
        Progress::Aside if context.system.terminal => write!(context.system.err, ".")?,
        Progress::Aside | Progress::Output => {}
    }
    context.flush()
}

async fn look(context: &mut Context<'_, '_>, session: &mut Session, id: &str) -> Outcome<Value> {
    let mut failures = 0;
    loop {
        let error = match session.client.execution(id).await {
            Ok(execution) => return Ok(execution),
            Err(error) => error,
        };
        failures += 1;
        let away = matches!(&error, Error::Unreachable { .. } | Error::Timeout { .. })
            || error.status().is_some_and(|status| status >= 500);
        if error.status() == Some(401) && failures == 1 {
            if !session.renew(&context.settings, context.system).await? {
                return Err(Failure::Refused(format!(
                    "The login expired while waiting. Log in again, then see the result with:\n st2 execution get {id}"
                )));
            }
        } else if away && failures < PATIENCE {
            tokio::time::sleep(LONGEST_PAUSE).await;
        } else {
            return Err(error.into());
        }
    }
}

/// Prints what was written since the last look; gives how much has been printed in all.
async fn new_output(
    context: &mut Context<'_, '_>,
    session: &Session,
    id: &str,
    kind: Option<&str>,
    printed: usize,
) -> Outcome<usize> {
    let text = match session.client.output(id, kind).await {
        Ok(text) => text,
        // The execution is looked at next, which deals with whatever is wrong.
        Err(_) => return Ok(printed),
    };
    if let Some(more) = text.get(printed..).filter(|more| !more.is_empty()) {
        write!(context.system.out, "{more}")?;
        context.flush()?;
    }
    Ok(text.len().max(printed))
}

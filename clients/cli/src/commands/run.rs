//! `st2 run` and `st2 action execute`: look the action up, read the parameters, ask, wait, show.

use clap::ArgMatches;
use serde_json::{Map, Value, json};
use st2_client::{ExecutionRequest, segment};

use super::wait::{self, Progress, id_of};
use super::{Context, describe, options, outcome, print};
use crate::args::{self, ResultView, Run};
use crate::failure::{Failure, Outcome};
use crate::params::{self, Argument, Arguments, Declared};
use crate::session::Session;

/// Variables that say where this shell is, which is of no use elsewhere.
const LOCAL_VARIABLES: [&str; 17] = [
    "pwd",
    "mail",
    "username",
    "user",
    "path",
    "home",
    "ps1",
    "shell",
    "pythonpath",
    "ssh_tty",
    "ssh_connection",
    "lang",
    "ls_colors",
    "logname",
    "oldpwd",
    "term",
    "xdg_session_id",
];
/// Variables that must never leave this machine.
const SECRET_VARIABLES: [&str; 2] = ["ST2_AUTH_TOKEN", "ST2_API_KEY"];

/// An action with its runner.
pub(crate) struct Definition {
    pub(crate) action: Value,
    pub(crate) runner: Value,
}

impl Definition {
    /// Looks an action up by reference or id; `None` if there is none.
    pub(crate) async fn find(session: &Session, reference: &str) -> Outcome<Option<Self>> {
        let path = format!("/actions/{}", segment(reference));
        let Some(action) = session.client.find(&path, &[]).await? else {
            return Ok(None);
        };
        let name = action.get("runner_type").and_then(Value::as_str).unwrap_or_default();
        let runners = session.client.page("/runnertypes/", &[("name", name.to_owned())]).await?;
        let runner = runners.items.into_iter().next().ok_or_else(|| {
            Failure::Refused(format!(
                "Action \"{reference}\" needs the runner \"{name}\", which is not registered"
            ))
        })?;
        Ok(Some(Self { action, runner }))
    }

    /// Reads words as parameters of this action.
    pub(crate) fn arguments(
        &self,
        words: &[String],
        auto_dict: bool,
        context: &Context<'_, '_>,
    ) -> Outcome<Arguments> {
        let nothing = Map::new();
        let declared = Declared {
            action: self.reference(),
            runner: self
                .runner
                .get("runner_parameters")
                .and_then(Value::as_object)
                .unwrap_or(&nothing),
            own: self.action.get("parameters").and_then(Value::as_object).unwrap_or(&nothing),
        };
        Ok(params::parse(words, declared, auto_dict, &context.system.directory)?)
    }

    fn reference(&self) -> &str {
        self.action.get("ref").and_then(Value::as_str).unwrap_or_default()
    }
}

/// `st2 run`: waits unless told not to.
pub(crate) async fn run(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    perform(matches, !matches.get_flag("async"), "run", context).await
}

/// `st2 action execute`: returns at once unless told to wait.
pub(crate) async fn execute(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    perform(matches, matches.get_flag("wait"), "action execute", context).await
}

async fn perform(
    matches: &ArgMatches,
    waits: bool,
    command: &str,
    context: &mut Context<'_, '_>,
) -> Outcome {
    let given: Run = options(matches)?;
    let Some(reference) = given.action.as_deref() else {
        return without_action(&given, command, context);
    };
    let mut session = context.session(&given.identity).await?;
    let Some(definition) = Definition::find(&session, reference).await? else {
        return Err(Failure::Refused(if given.help {
            format!(
                "Action \"{reference}\" is not found. Use \"st2 action list\" to see the list of available actions."
            )
        } else {
            format!("Resource with id or reference \"{reference}\" doesn't exist.")
        }));
    };
    if given.help {
        let text = describe::action(&definition.action, &definition.runner);
        return context.say(&text);
    }
    let request = request(&given, &definition, context)?;
    let execution = session.client.execute(&request).await?;
    finish(context, &mut session, execution, &given.view, waits).await
}

/// What comes after an execution was accepted.
pub(crate) async fn finish(
    context: &mut Context<'_, '_>,
    session: &mut Session,
    execution: Value,
    view: &ResultView,
    waits: bool,
) -> Outcome {
    if !waits {
        hints(context, &execution, view)?;
        return outcome::exit(&execution, false);
    }
    let progress = match (view.tail, is_clean(context, view)) {
        (true, _) => Progress::Output,
        (false, true) => Progress::Aside,
        (false, false) => Progress::Dots,
    };
    let execution = wait::for_result(context, session, execution, progress, None).await?;
    // Who waited knows how long it took.
    context.durations = false;
    if !view.tail {
        let attributes = outcome::attributes(view, &outcome::ATTRIBUTES);
        outcome::show(context, session, &execution, view, attributes).await?;
    }
    outcome::exit(&execution, view.strict_exit)
}

fn is_clean(context: &Context<'_, '_>, view: &ResultView) -> bool {
    view.format.output.is_some() || context.system.is_clean()
}

fn hints(context: &mut Context<'_, '_>, execution: &Value, view: &ResultView) -> Outcome {
    if let Some(document) = view.format.output {
        return print::data(context, std::slice::from_ref(execution), execution, document);
    }
    let id = id_of(execution)?;
    context.say(&format!("To get the results, execute:\n st2 execution get {id}"))?;
    context.say(&format!("\nTo view output in real-time, execute:\n st2 execution tail {id}"))
}

fn without_action(given: &Run, command: &str, context: &mut Context<'_, '_>) -> Outcome {
    if !given.help {
        return Err(Failure::Usage(format!(
            "Missing action reference or id\n\nUsage: st2 {command} [OPTIONS] REF-OR-ID [PARAMETERS]...\n\nFor more information, try '--help'."
        )));
    }
    let mut root = args::command();
    root.build();
    let mut tree = &mut root;
    for name in command.split(' ') {
        // The parser built the tree from the same words.
        tree = match tree.find_subcommand_mut(name) {
            Some(found) => found,
            None => return Ok(()),
        };
    }
    let text = tree.render_help().to_string();
    context.say(text.trim_end())
}

fn request(
    given: &Run,
    definition: &Definition,
    context: &Context<'_, '_>,
) -> Outcome<ExecutionRequest<Arguments>> {
    let mut parameters = Arguments::new();
    if given.inherit_env {
        parameters.insert("env".to_owned(), Argument::Value(environment(context)));
    }
    parameters.extend(definition.arguments(&given.parameters, given.auto_dict, context)?);
    let trace = match (&given.trace_id, &given.trace_tag) {
        (Some(id), _) => Some(json!({"trace_context": {"id_": id}})),
        (None, Some(tag)) => Some(json!({"trace_context": {"trace_tag": tag}})),
        (None, None) => None,
    };
    Ok(ExecutionRequest {
        action: definition.reference().to_owned(),
        parameters,
        user: given.user.clone(),
        delay: given.delay.filter(|delay| *delay > 0),
        context: trace,
    })
}

fn environment(context: &Context<'_, '_>) -> Value {
    let sent = context.system.env.iter().filter(|(name, _)| {
        !LOCAL_VARIABLES.contains(&name.to_lowercase().as_str())
            && !SECRET_VARIABLES.contains(&name.as_str())
    });
    Value::Object(sent.map(|(name, value)| (name.clone(), value.as_str().into())).collect())
}

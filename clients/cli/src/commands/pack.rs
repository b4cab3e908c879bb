//! `st2 pack install`, `remove` and `register`.

use clap::ArgMatches;
use serde_json::{Value, json};
use st2_client::segment;

use super::print::{self, Columns};
use super::resource::operation;
use super::wait::{self, Progress, status_of};
use super::{Context, options, outcome};
use crate::args::{PackInstall, PackRegister};
use crate::failure::{Failure, Outcome};
use crate::render::path;

const ATTRIBUTES: [&str; 5] = ["ref", "name", "description", "version", "author"];
const FAILURE_ATTRIBUTES: [&str; 4] = ["id", "action.ref", "status", "result"];

pub(crate) async fn dispatch(
    verb: &str,
    matches: &ArgMatches,
    context: &mut Context<'_, '_>,
) -> Outcome {
    match verb {
        "install" => install(options(matches)?, context).await,
        "remove" => remove(options(matches)?, context).await,
        _ => register(options(matches)?, context).await,
    }
}

async fn install(given: PackInstall, context: &mut Context<'_, '_>) -> Outcome {
    let body = json!({
        "packs": given.packs,
        "force": given.force,
        "skip_dependencies": given.skip_dependencies,
    });
    let execution = perform("/packs/install", &body, &given, context).await?;
    let names: Vec<String> = path::get(&execution, "result.output.packs_list")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect())
        .unwrap_or_default();
    let session = context.session(&given.identity).await?;
    let mut found = Vec::new();
    for name in &names {
        found.extend(session.client.find(&format!("/packs/{}", segment(name)), &[]).await?);
    }
    let columns = Columns::new(&[], &ATTRIBUTES, &[]);
    match found.as_slice() {
        [one] => print::item(context, one, &columns, given.format)?,
        many => print::items(context, many, &columns, given.format)?,
    }
    let warnings = path::get(&execution, "result.output.warning_list").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten().filter_map(Value::as_str) {
        context.note(warning)?;
    }
    Ok(())
}

async fn remove(given: PackInstall, context: &mut Context<'_, '_>) -> Outcome {
    let execution =
        perform("/packs/uninstall", &json!({ "packs": given.packs }), &given, context).await?;
    let session = context.session(&given.identity).await?;
    for name in &given.packs {
        if session.client.find(&format!("/packs/{}", segment(name)), &[]).await?.is_some() {
            let id = wait::id_of(&execution)?;
            return Err(Failure::Operation(format!(
                "Pack \"{name}\" is still there; see st2 execution get {id}"
            )));
        }
        context.say(&format!("Pack \"{name}\" has been removed."))?;
    }
    Ok(())
}

/// Asks for the work, waits for it, and shows its execution if it did not succeed.
async fn perform(
    path: &str,
    body: &Value,
    given: &PackInstall,
    context: &mut Context<'_, '_>,
) -> Outcome<Value> {
    let mut session = context.session(&given.identity).await?;
    let answer = session.client.post(path, body).await.map_err(operation)?;
    let Some(id) = answer.get("execution_id").and_then(Value::as_str) else {
        return Err(Failure::Operation(
            "The server did not say which execution does the work".to_owned(),
        ));
    };
    let execution = session.client.execution(id).await?;
    let execution =
        wait::for_result(context, &mut session, execution, Progress::Aside, None).await?;
    if status_of(&execution) == "succeeded" {
        return Ok(execution);
    }
    print::item(context, &execution, &Columns::new(&[], &FAILURE_ATTRIBUTES, &[]), given.format)?;
    outcome::exit(&execution, true)?;
    Err(Failure::Exit(1))
}

async fn register(given: PackRegister, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&given.identity).await?;
    let mut body = serde_json::Map::new();
    if !given.types.is_empty() {
        body.insert("types".to_owned(), json!(given.types));
    }
    if !given.packs.is_empty() {
        body.insert("packs".to_owned(), json!(given.packs));
    }
    let counts = session.client.post("/packs/register", &body).await.map_err(operation)?;
    print::item(context, &counts, &Columns::new(&[], &["all"], &[]), given.format)
}

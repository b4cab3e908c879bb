//! Commands that one group has and no other.

use clap::ArgMatches;
use serde_json::{Value, json};
use st2_client::segment;

use super::print::{self, Columns};
use super::resource::operation;
use super::{Context, options};
use crate::args::{ApiKeyCreate, CloneAction, Inspect, Lookup, Respond, Sentence};
use crate::failure::{Failure, Outcome};
use crate::render::yaml;

const ALL: [&str; 1] = ["all"];
const ALIAS_ATTRIBUTES: [&str; 2] = ["name", "description"];
const INDEX_ATTRIBUTES: [&str; 4] = ["name", "description", "version", "author"];

/// Runs the command, if this file has it.
pub(crate) async fn dispatch(
    group: &str,
    verb: &str,
    matches: &ArgMatches,
    context: &mut Context<'_, '_>,
) -> Outcome {
    match (group, verb) {
        ("action", "clone") => clone(options(matches)?, context).await,
        ("action-alias", "match") => match_alias(options(matches)?, context).await,
        ("action-alias", "execute") => execute_alias(options(matches)?, context).await,
        ("apikey", "create") => create_key(options(matches)?, context).await,
        ("inquiry", "respond") => respond(options(matches)?, context).await,
        ("pack", "show") => show_pack(options(matches)?, context).await,
        ("pack", "search") => search_packs(options(matches)?, context).await,
        _ => Err(Failure::Usage(format!("there is no command {group} {verb}"))),
    }
}

async fn clone(given: CloneAction, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&given.identity).await?;
    let copy = format!("{}.{}", given.dest_pack, given.dest_action);
    let mut overwrite = given.force;
    if !overwrite
        && session.client.find(&format!("/actions/{}", segment(&copy)), &[]).await?.is_some()
    {
        context.flush()?;
        let question = format!("Action \"{copy}\" exists. Replace it? [y/N] ");
        let answer = context.system.prompt.ask(&question, false).unwrap_or_default();
        overwrite = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
        if !overwrite {
            return Err(Failure::Refused(format!(
                "Action \"{copy}\" exists already; use -f to replace it"
            )));
        }
    }
    let body = json!({
        "dest_pack": given.dest_pack,
        "dest_action": given.dest_action,
        "overwrite": overwrite,
    });
    let path = format!("/actions/{}/clone", segment(&given.source));
    let made = session.client.post(&path, &body).await.map_err(operation)?;
    print::item(context, &made, &Columns::new(&[], &ALL, &[]), given.format)
}

async fn match_alias(given: Sentence, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&given.identity).await?;
    let answer =
        session.client.post("/actionalias/match", &json!({"command": given.command})).await?;
    let found = answer.get("actionalias").cloned().unwrap_or(answer);
    print::items(context, &[found], &Columns::new(&[], &ALIAS_ATTRIBUTES, &[]), given.format)
}

async fn execute_alias(given: Sentence, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&given.identity).await?;
    let body = json!({
        "command": given.command,
        "user": given.user.clone().unwrap_or_default(),
        "source_channel": "cli",
    });
    let answer = session.client.post("/aliasexecution/match_and_execute", &body).await?;
    for result in answer.get("results").and_then(Value::as_array).into_iter().flatten() {
        let text =
            |pointer: &str| result.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        context.say(&format!("Matching Action-alias: '{}'", text("/actionalias/ref")))?;
        context.say(&format!(
            "To get the results, execute:\n st2 execution get {}",
            text("/execution/id")
        ))?;
    }
    Ok(())
}

async fn create_key(given: ApiKeyCreate, context: &mut Context<'_, '_>) -> Outcome {
    let metadata = match &given.metadata {
        None => json!({}),
        Some(text) => object("--metadata", text)?,
    };
    let session = context.session(&given.identity).await?;
    let body = json!({"user": given.user, "metadata": metadata});
    let made = session.client.post("/apikeys", &body).await.map_err(operation)?;
    if given.only_key {
        return context.say(made.get("key").and_then(Value::as_str).unwrap_or_default());
    }
    print::item(context, &made, &Columns::new(&[], &ALL, &[]), given.format)
}

async fn respond(given: Respond, context: &mut Context<'_, '_>) -> Outcome {
    let response = object("--response", &given.response)?;
    let session = context.session(&given.identity).await?;
    let path = format!("/inquiries/{}", segment(&given.id));
    session.client.put(&path, &json!({"id": given.id, "response": response})).await?;
    context.say(&format!("\nResponse accepted for inquiry {}.", given.id))
}

async fn show_pack(given: Lookup, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&given.identity).await?;
    let found = session.client.post("/packs/index/search", &json!({"pack": given.query})).await?;
    if !found.is_object() {
        return Err(Failure::Refused(format!("Pack \"{}\" is in no index", given.query)));
    }
    print::item(context, &found, &Columns::new(&[], &ALL, &[]), given.format)
}

async fn search_packs(given: Lookup, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&given.identity).await?;
    let found = session.client.post("/packs/index/search", &json!({"query": given.query})).await?;
    let items = found.as_array().cloned().unwrap_or_default();
    print::items(context, &items, &Columns::new(&[], &INDEX_ATTRIBUTES, &[]), given.format)
}

/// `st2 workflow inspect`: what is wrong with a definition. Finding something is no failure.
pub(crate) async fn workflow(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let Some(("inspect", matches)) = matches.subcommand() else {
        return Err(Failure::Usage("a sub-command of workflow is missing".to_owned()));
    };
    let given: Inspect = options(matches)?;
    let path = context.system.directory.join(given.file.unwrap_or_default());
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::Refused(format!("File \"{}\": {error}", path.display())))?;
    let session = context.session(&given.identity).await?;
    let findings = session.client.post_text("/workflows/inspect", text).await?;
    if findings.as_array().is_none_or(Vec::is_empty) {
        return context.say("No errors found in workflow definition.");
    }
    context.say(&yaml::to_text(&findings, yaml::MACHINE))
}

fn object(option: &str, text: &str) -> Outcome<Value> {
    match serde_json::from_str(text) {
        Ok(found @ Value::Object(_)) => Ok(found),
        Ok(_) => Err(Failure::Refused(format!("{option} must be a JSON object"))),
        Err(error) => Err(Failure::Refused(format!("{option} is no valid JSON: {error}"))),
    }
}

//! `st2 execution …`

use clap::ArgMatches;
use serde_json::{Value, json};
use st2_client::segment;

use super::print::{self, Columns};
use super::run::{Definition, finish};
use super::wait::{self, Progress, id_of};
use super::{Context, options, outcome, texts};
use crate::args::{ExecutionList, Format, Identity, Rerun, ResultView, Tail};
use crate::failure::{Failure, Outcome};
use crate::render::{list, path};

const LIST_ATTRIBUTES: [&str; 6] =
    ["id", "action.ref", "context.user", "status", "start_timestamp", "end_timestamp"];
const GET_ATTRIBUTES: [&str; 9] = [
    "id",
    "action.ref",
    "context.user",
    "parameters",
    "status",
    "start_timestamp",
    "end_timestamp",
    "log",
    "result",
];
/// Always asked for, because the way of showing depends on them.
const NEEDED: [&str; 5] =
    ["action.ref", "action.runner_type", "start_timestamp", "end_timestamp", "log"];

pub(crate) async fn dispatch(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    match matches.subcommand() {
        Some(("list", matches)) => list_executions(options(matches)?, context).await,
        Some(("get", matches)) => get(matches, context).await,
        Some(("re-run", matches)) => rerun(options(matches)?, context).await,
        Some(("cancel", matches)) => cancel(matches, context).await,
        Some(("pause", matches)) => change(matches, "pausing", context).await,
        Some(("resume", matches)) => change(matches, "resuming", context).await,
        Some(("tail", matches)) => tail(options(matches)?, context).await,
        _ => Err(Failure::Usage("a sub-command of execution is missing".to_owned())),
    }
}

async fn list_executions(given: ExecutionList, context: &mut Context<'_, '_>) -> Outcome {
    let session = context.session(&given.view.identity).await?;
    let columns = Columns::of_list(&given.view, &LIST_ATTRIBUTES, &[]);
    let page = session.client.page("/executions/", &list_query(&given, &columns)).await?;
    let mut items = page.items;
    items.reverse();
    let format = given.view.format;
    if items.is_empty() && format.is_for_people() {
        let grid = list::grid(&[], &columns.attributes, &columns.widths, &context.look());
        return context.say(&grid);
    }
    print::items(context, &items, &columns, format)?;
    if !format.is_for_people() {
        return Ok(());
    }
    print::cut_note(context, given.last, page.total, "action executions")
}

fn list_query(given: &ExecutionList, columns: &Columns<'_>) -> Vec<(&'static str, String)> {
    let mut query = vec![("limit", given.last.to_string())];
    let filters = [
        ("action", &given.action),
        ("status", &given.status),
        ("user", &given.user),
        ("trigger_instance", &given.trigger_instance),
        ("timestamp_gt", &given.timestamp_gt),
        ("timestamp_lt", &given.timestamp_lt),
    ];
    query.extend(filters.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
    if !given.showall {
        query.push(("parent", "null".to_owned()));
    }
    let order = if given.sort.starts_with("asc") { "sort_asc" } else { "sort_desc" };
    query.push((order, "True".to_owned()));
    if !columns.attributes.iter().any(|name| name == "all") {
        query.push(("include_attributes", columns.attributes.join(",")));
    }
    query
}

async fn get(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let view: ResultView = options(matches)?;
    let identity: Identity = options(matches)?;
    let session = context.session(&identity).await?;
    let mut own = GET_ATTRIBUTES.to_vec();
    let exclude = matches.get_flag("exclude-result");
    if exclude {
        own.retain(|name| *name != "result");
    }
    let shown = Columns::new(&view.attr, &own, &[]).attributes;
    let query = if exclude {
        vec![("exclude_attributes", "result".to_owned())]
    } else if shown.iter().any(|name| name == "all") {
        Vec::new()
    } else {
        vec![("include_attributes", format!("{},{}", NEEDED.join(","), shown.join(",")))]
    };
    let ids = texts(matches, "id");
    let mut found = Vec::new();
    for id in &ids {
        match session.client.find(&format!("/executions/{}", segment(id)), &query).await? {
            Some(execution) => found.push(execution),
            None => context.say(&format!("Action Execution \"{id}\" is not found.\n"))?,
        }
    }
    if let ([id], []) = (ids.as_slice(), found.as_slice()) {
        return Err(Failure::Refused(format!("Resource {id} not found.")));
    }
    let attributes = outcome::attributes(&view, &own);
    if found.len() > 1 && view.format.output.is_some() {
        let columns = Columns { attributes, order: &[], widths: Vec::new() };
        return print::items(context, &found, &columns, view.format);
    }
    for execution in &found {
        outcome::show(context, &session, execution, &view, attributes.clone()).await?;
    }
    Ok(())
}

async fn rerun(given: Rerun, context: &mut Context<'_, '_>) -> Outcome {
    if let Some(stray) = given.no_reset.iter().find(|task| !given.tasks.contains(task)) {
        return Err(Failure::Refused(format!(
            "--no-reset names \"{stray}\", which is not among --tasks"
        )));
    }
    let mut session = context.session(&given.identity).await?;
    let before = session.client.execution(&given.id).await?;
    let reference = path::get(&before, "action.ref").and_then(Value::as_str).unwrap_or_default();
    let Some(definition) = Definition::find(&session, reference).await? else {
        return Err(Failure::Refused(format!(
            "Action \"{reference}\" of execution {} no longer exists",
            given.id
        )));
    };
    let parameters = definition.arguments(&given.parameters, given.auto_dict, context)?;
    let reset: Vec<&String> =
        given.tasks.iter().filter(|task| !given.no_reset.contains(task)).collect();
    let body = json!({
        "parameters": serde_json::to_value(&parameters).unwrap_or_default(),
        "tasks": given.tasks,
        "reset": reset,
        "delay": given.delay,
    });
    let path = format!("/executions/{}/re_run", segment(&given.id));
    let execution = session.client.post(&path, &body).await?;
    finish(context, &mut session, execution, &given.view, !given.detached).await
}

async fn cancel(matches: &ArgMatches, context: &mut Context<'_, '_>) -> Outcome {
    let identity: Identity = options(matches)?;
    let format: Format = options(matches)?;
    let session = context.session(&identity).await?;
    let mut missing = false;
    for id in texts(matches, "id") {
        let answer =
            session.client.delete(&format!("/executions/{}", segment(&id)), &[], None).await?;
        let fault =
            answer.as_ref().and_then(|answer| answer.get("faultstring")).and_then(Value::as_str);
        match (&answer, fault, format.output) {
            (None, ..) => {
                missing = true;
                context.say(&format!("Action Execution \"{id}\" is not found.\n"))?;
            }
            (_, Some(fault), _) => context.say(fault)?,
            (Some(answer), None, Some(document)) => {
                print::data(context, std::slice::from_ref(answer), answer, document)?;
            }
            (Some(_), None, None) => {
                context.say(&format!("action execution with id {id} canceled."))?
            }
        }
    }
    if missing { Err(Failure::Exit(1)) } else { Ok(()) }
}

async fn change(matches: &ArgMatches, status: &str, context: &mut Context<'_, '_>) -> Outcome {
    let view: ResultView = options(matches)?;
    let identity: Identity = options(matches)?;
    let session = context.session(&identity).await?;
    let attributes = outcome::attributes(&view, &outcome::ATTRIBUTES);
    for id in texts(matches, "id") {
        let path = format!("/executions/{}", segment(&id));
        let execution = session.client.put(&path, &json!({ "status": status })).await?;
        outcome::show(context, &session, &execution, &view, attributes.clone()).await?;
    }
    Ok(())
}

async fn tail(given: Tail, context: &mut Context<'_, '_>) -> Outcome {
    let mut session = context.session(&given.identity).await?;
    let execution = if given.id == "last" {
        let newest = session.client.page("/executions/", &[("limit", "1".to_owned())]).await?;
        match newest.items.into_iter().next() {
            Some(execution) => session.client.execution(&id_of(&execution)?).await?,
            None => return context.say("No executions found in db."),
        }
    } else {
        session.client.execution(&given.id).await?
    };
    wait::for_result(context, &mut session, execution, Progress::Output, given.kind.as_deref())
        .await?;
    Ok(())
}

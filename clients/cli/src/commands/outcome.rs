//! An execution shown in full: text, table or document, tasks of workflows, exit code.

use serde_json::{Value, json};

use super::Context;
use super::print::{self, Columns};
use super::wait::{id_of, status_of};
use crate::args::ResultView;
use crate::failure::{Failure, Outcome};
use crate::render::execution;
use crate::render::{path, schema, time};
use crate::session::Session;

/// What is shown of an execution unless chosen otherwise.
pub(crate) const ATTRIBUTES: [&str; 8] = [
    "id",
    "action.ref",
    "context.user",
    "parameters",
    "status",
    "start_timestamp",
    "end_timestamp",
    "result",
];
const WORKFLOW_RUNNERS: [&str; 2] = ["orquesta", "action-chain"];

/// The chosen attributes, or `own` ones; `-k` shows one part of the result instead.
pub(crate) fn attributes(view: &ResultView, own: &[&str]) -> Vec<String> {
    match &view.key {
        Some(key) => vec![format!("result.{key}")],
        None => Columns::new(&view.attr, own, &[]).attributes,
    }
}

/// Prints an execution.
pub(crate) async fn show(
    context: &mut Context<'_, '_>,
    session: &Session,
    found: &Value,
    view: &ResultView,
    attributes: Vec<String>,
) -> Outcome {
    let runner = path::get(found, "action.runner_type").and_then(Value::as_str).unwrap_or_default();
    let workflow = WORKFLOW_RUNNERS.contains(&runner);
    if view.show_tasks && !workflow {
        return Err(Failure::Refused(
            "--show-tasks option can only be used with workflow actions".to_owned(),
        ));
    }
    if workflow && !view.raw && !view.detail {
        return show_workflow(context, session, found, view).await;
    }
    let mut columns = Columns { attributes, order: &[], widths: Vec::new() };
    if columns.attributes.iter().any(|name| name == "all") {
        columns.attributes =
            crate::render::list::shown_attributes(found, &columns.attributes, &ATTRIBUTES);
    }
    let format = view.format;
    if !format.is_for_people() || view.detail {
        return print::item(context, found, &columns, format);
    }
    if let Some(key) = &view.key {
        return context.say(&execution::key(found, key));
    }
    let look = context.look();
    context.say(&execution::text(found, &columns.attributes, &look))?;
    let bare = !execution::has_schema(found) && found.get("result").is_some_and(Value::is_object);
    if view.with_schema && bare {
        let result = found.get("result").unwrap_or(&Value::Null);
        context.say(&schema::proposal(result))?;
    } else if !context.settings.silence_schema_output && bare {
        context.say(schema::HINT)?;
    }
    Ok(())
}

async fn show_workflow(
    context: &mut Context<'_, '_>,
    session: &Session,
    root: &Value,
    view: &ResultView,
) -> Outcome {
    let id = id_of(root)?;
    let children = session.client.children(&id, view.depth).await?;
    let look = context.look();
    let attributes = execution::workflow_attributes(root);
    let chosen = path::choose(root, &attributes);
    if let Some(document) = view.format.output {
        let whole = with_children(chosen, &children, &look);
        return print::data(context, std::slice::from_ref(root), &whole, document);
    }
    let rows = execution::tasks(&id, &children, &look);
    if view.format.json {
        print::machine(context, &chosen, view.format)?;
        return print::machine(context, &Value::Array(rows), view.format);
    }
    context.say(&execution::text(root, &attributes, &look))?;
    if view.format.yaml {
        return print::machine(context, &Value::Array(rows), view.format);
    }
    context.say(&execution::task_grid(&rows, &view.widths.width, &look))
}

/// One document with the tasks inside, nothing decorated.
fn with_children(mut root: Value, children: &[Value], look: &crate::render::Look) -> Value {
    let kept: Vec<String> =
        ["id", "parent", "status", "action.ref", "start_timestamp", "end_timestamp", "result"]
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
    let described = children.iter().map(|child| {
        let mut one = path::choose(child, &kept);
        if let Some(fields) = one.as_object_mut() {
            let task = ["context.orquesta.task_name", "context.chain.name"];
            let task =
                task.iter().find_map(|name| path::get(child, name)).cloned().unwrap_or_default();
            fields.insert("task".to_owned(), task);
            fields.insert("elapsed_seconds".to_owned(), json!(time::elapsed(child, look.now)));
        }
        one
    });
    let described = described.collect();
    if let Some(fields) = root.as_object_mut() {
        fields.insert("children".to_owned(), Value::Array(described));
    }
    root
}

/// Exit code 1 for a failed execution; with `--strict-exit` one code per kind of end.
pub(crate) fn exit(execution: &Value, strict: bool) -> Outcome {
    let code = match (status_of(execution), strict) {
        ("failed", _) => 1,
        ("timeout", true) => 4,
        ("canceled", true) => 5,
        ("abandoned", true) => 6,
        ("succeeded", true) | (_, false) => return Ok(()),
        (_, true) => 7,
    };
    Err(Failure::Exit(code))
}

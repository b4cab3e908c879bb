//! The text form of an execution: one `attribute: value` line each, containers below as YAML.

use serde_json::{Map, Value, json};

use super::{Look, json as json_text, list, path, time, yaml};

/// Attributes of the root of a workflow; those that stand in no execution are left out.
pub(crate) const WORKFLOW: [&str; 11] = [
    "id",
    "action.ref",
    "parameters",
    "status",
    "error",
    "traceback",
    "failed_on",
    "result_task",
    "start_timestamp",
    "end_timestamp",
    "log",
];
const OPTIONAL: [&str; 4] = ["error", "traceback", "failed_on", "result_task"];
const TASK_ATTRIBUTES: [&str; 5] = ["id", "status", "task", "action", "start_timestamp"];

/// Lines of an execution, without a break at the end.
pub(crate) fn text(execution: &Value, attributes: &[String], look: &Look) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .map(|name| {
            let value = path::get(execution, name).unwrap_or(&Value::Null);
            format!("{}: {}", look.palette.label(name), body(execution, name, value, look))
        })
        .collect();
    lines.join("\n")
}

/// The attributes shown for the root of a workflow.
pub(crate) fn workflow_attributes(execution: &Value) -> Vec<String> {
    let shown = |name: &&&str| !OPTIONAL.contains(*name) || path::get(execution, name).is_some();
    WORKFLOW
        .iter()
        .filter(shown)
        .map(|name| (*name).to_owned())
        .chain(["result".to_owned()])
        .collect()
}

/// The value of `result.KEY` as text.
pub(crate) fn key(execution: &Value, key: &str) -> String {
    match execution.get("result").and_then(|result| path::get(result, key)) {
        None | Some(Value::Null) => "None".to_owned(),
        Some(Value::String(text)) => list::unescaped(text),
        Some(Value::Bool(flag)) => if *flag { "True" } else { "False" }.to_owned(),
        Some(other) => json_text::compact(other),
    }
}

fn body(execution: &Value, name: &str, value: &Value, look: &Look) -> String {
    match (name, value) {
        (_, Value::Object(_) | Value::Array(_)) => block(name, value),
        (_, Value::String(_)) => list::decorated(execution, name, value, look)
            .unwrap_or_else(|| list::unescaped(value.as_str().unwrap_or_default())),
        (_, Value::Null) => String::new(),
        (_, Value::Bool(flag)) => if *flag { "True" } else { "False" }.to_owned(),
        (_, Value::Number(number)) => number.to_string(),
    }
}

fn block(name: &str, value: &Value) -> String {
    let value = if name == "parameters" { list::masked(value) } else { value.clone() };
    let text = match value.as_object().is_some_and(Map::is_empty) {
        true => yaml::to_text(&value, yaml::TEXT),
        // An item of a list stands two blanks in, which is where the block belongs.
        false => yaml::to_text(&json!([value]), yaml::TEXT).replacen("- ", "  ", 1),
    };
    format!("\n{}", without_empty_lines(&list::unescaped(text.trim_end_matches('\n'))))
}

/// Folded texts double their line breaks; nobody reads this form back, so they need not.
fn without_empty_lines(text: &str) -> String {
    text.split('\n').filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Descendants of a workflow as rows, ids indented by how deep they stand.
pub(crate) fn tasks(root: &str, descendants: &[Value], look: &Look) -> Vec<Value> {
    let parents: Vec<&str> =
        descendants.iter().filter_map(parent).filter(|id| *id != root).collect();
    descendants.iter().map(|child| task(root, child, descendants, &parents, look)).collect()
}

/// The rows of [`tasks`] as a grid.
pub(crate) fn task_grid(rows: &[Value], widths: &[usize], look: &Look) -> String {
    let attributes: Vec<String> = TASK_ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect();
    list::grid(rows, &attributes, widths, look)
}

fn task(root: &str, child: &Value, all: &[Value], parents: &[&str], look: &Look) -> Value {
    let text = |path: &str| path::get(child, path).and_then(Value::as_str).unwrap_or_default();
    let id = text("id");
    let marker = match (parents.is_empty(), parents.contains(&id)) {
        (true, _) => "",
        (false, true) => "+ ",
        (false, false) => "  ",
    };
    let elapsed = time::elapsed(child, look.now).map(|seconds| format!(" ({seconds}s elapsed)"));
    let status = format!("{}{}", text("status"), elapsed.unwrap_or_default());
    let name = [text("context.orquesta.task_name"), text("context.chain.name")];
    let mut row = Map::new();
    let indent = " ".repeat(depth(root, child, all));
    row.insert("id".to_owned(), format!("{indent}{marker}{id}").into());
    row.insert("status".to_owned(), status.into());
    row.insert(
        "task".to_owned(),
        name.into_iter().find(|name| !name.is_empty()).unwrap_or_default().into(),
    );
    row.insert("action".to_owned(), text("action.ref").into());
    row.insert("start_timestamp".to_owned(), text("start_timestamp").into());
    Value::Object(row)
}

fn parent(child: &Value) -> Option<&str> {
    child.get("parent").and_then(Value::as_str)
}

/// Levels between a descendant and the children of the root. A ring of parents ends the count.
fn depth(root: &str, child: &Value, all: &[Value]) -> usize {
    let mut level = 0;
    let mut current = parent(child);
    while let Some(id) = current.filter(|id| *id != root) {
        level += 1;
        if level > all.len() {
            break;
        }
        current = all
            .iter()
            .find(|one| one.get("id").and_then(Value::as_str) == Some(id))
            .and_then(parent);
    }
    level
}

/// Whether the action says what its output looks like.
pub(crate) fn has_schema(execution: &Value) -> bool {
    let schema = path::get(execution, "action.output_schema").and_then(Value::as_object);
    schema.is_some_and(|fields| !fields.is_empty())
}

//! Lists and items in the format that was asked for.

use serde_json::Value;

use super::Context;
use crate::args::{Document, Format, ListView};
use crate::failure::Outcome;
use crate::render::{json, list, path, table, yaml};

/// Which attributes are shown, and which of them first when all are.
#[derive(Clone, Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) attributes: Vec<String>,
    pub(crate) order: &'a [&'a str],
    pub(crate) widths: Vec<usize>,
}

impl Columns<'_> {
    /// The chosen attributes, or a command's own.
    pub(crate) fn new<'a>(chosen: &[String], own: &[&str], order: &'a [&'a str]) -> Columns<'a> {
        let own = || own.iter().map(|name| (*name).to_owned()).collect();
        let attributes = if chosen.is_empty() { own() } else { chosen.to_vec() };
        Columns { attributes, order, widths: Vec::new() }
    }

    /// The same for a list, with the widths asked for.
    pub(crate) fn of_list<'a>(view: &ListView, own: &[&str], order: &'a [&'a str]) -> Columns<'a> {
        let widths = view.widths.width.clone();
        Columns { widths, ..Columns::new(&view.attributes.attr, own, order) }
    }
}

/// Prints a list.
pub(crate) fn items(
    context: &mut Context<'_, '_>,
    items: &[Value],
    columns: &Columns<'_>,
    format: Format,
) -> Outcome {
    if let Some(document) = format.output {
        let chosen: Vec<Value> =
            items.iter().map(|item| path::choose(item, &columns.attributes)).collect();
        return data(context, items, &Value::Array(chosen), document);
    }
    if format.is_plain_document() {
        let chosen = items.iter().map(|item| path::choose(item, &columns.attributes)).collect();
        return machine(context, &Value::Array(chosen), format);
    }
    if items.is_empty() {
        return context.say("No matching items found");
    }
    let grid = list::grid(items, &columns.attributes, &columns.widths, &context.look());
    context.say(&grid)
}

/// Prints one item.
pub(crate) fn item(
    context: &mut Context<'_, '_>,
    item: &Value,
    columns: &Columns<'_>,
    format: Format,
) -> Outcome {
    let chosen = path::choose(item, &columns.attributes);
    if let Some(document) = format.output {
        return data(context, std::slice::from_ref(item), &chosen, document);
    }
    if format.is_plain_document() {
        return machine(context, &chosen, format);
    }
    let text = list::properties(item, &columns.attributes, columns.order, &context.look());
    context.say(&text)
}

/// Several items that were asked for by name: one after the other, or one array with `-o`.
pub(crate) fn each(
    context: &mut Context<'_, '_>,
    found: &[Value],
    columns: &Columns<'_>,
    format: Format,
) -> Outcome {
    match (found, format.output) {
        ([one], _) => item(context, one, columns, format),
        (many, Some(_)) => items(context, many, columns, format),
        (many, None) => many.iter().try_for_each(|one| item(context, one, columns, format)),
    }
}

/// A document as `-j` or `-y` prints it. YAML ends with an empty line, as scripts have it.
pub(crate) fn machine(context: &mut Context<'_, '_>, value: &Value, format: Format) -> Outcome {
    let text = if format.json { json::machine(value) } else { yaml::to_text(value, yaml::MACHINE) };
    context.say(&text)
}

/// A document as `-o` prints it. `whole` are the items with all attributes, for their names.
pub(crate) fn data(
    context: &mut Context<'_, '_>,
    whole: &[Value],
    chosen: &Value,
    document: Document,
) -> Outcome {
    match document {
        Document::Json => context.say(&json::machine(chosen)),
        Document::Yaml => context.say(yaml::to_text(chosen, yaml::MACHINE).trim_end_matches('\n')),
        Document::Jsonl => match chosen {
            Value::Array(items) => {
                items.iter().try_for_each(|item| context.say(&json::compact(item)))
            }
            one => context.say(&json::compact(one)),
        },
        Document::Name => whole.iter().try_for_each(|item| {
            let name =
                ["ref", "name", "id"].iter().find_map(|key| item.get(key).and_then(Value::as_str));
            context.say(name.unwrap_or_default())
        }),
    }
}

/// A note that a list was cut, on standard error.
pub(crate) fn cut_note(
    context: &mut Context<'_, '_>,
    shown: i64,
    total: Option<u64>,
    entities: &str,
) -> Outcome {
    let cut = total
        .and_then(|total| i64::try_from(total).ok())
        .is_some_and(|total| shown > 0 && total > shown);
    if !cut {
        return Ok(());
    }
    let which = if shown == 1 {
        format!("Only one {} is displayed.", singular(entities))
    } else {
        format!("Only first {shown} {entities} are displayed.")
    };
    context.note(&table::boxed(&[&format!("Note: {which} Use -n/--last flag for more results.")]))
}

fn singular(entities: &str) -> &str {
    match entities {
        "inquiries" => "inquiry",
        other => other.strip_suffix('s').unwrap_or(other),
    }
}

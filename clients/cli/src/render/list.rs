//! Lists as grids and single items as property tables.

use serde_json::Value;

use super::table::Table;
use super::{Look, json, path, time};

const MIN_ID_WIDTH: usize = 26;
const MIN_WIDTH: usize = 5;
const STATUS_WIDTH: usize = 24;
const FALLBACK_WIDTH: usize = 28;
const PROPERTY_WIDTH: usize = 20;
const VALUE_WIDTH: usize = 60;
/// Shown first in a property table when a command has no order of its own.
const FIRST: [&str; 4] = ["id", "name", "pack", "description"];
const MASK: &str = "********";
const SECRET_PARAMETERS: [&str; 2] = ["password", "private_key"];

/// A grid with one row per item.
pub(crate) fn grid(
    items: &[Value],
    attributes: &[String],
    widths: &[usize],
    look: &Look,
) -> String {
    let mut names = attributes.to_vec();
    if let (true, Some(fields)) = (is_all(attributes), items.first().and_then(Value::as_object)) {
        names = fields.keys().cloned().collect();
        names.sort();
    }
    // Widths are shared among what was asked for: `all` leaves each column the whole terminal.
    let widths = match (widths, names.len() == attributes.len()) {
        ([], false) => vec![look.width],
        (asked, _) => asked.to_vec(),
    };
    let attributes = names;
    let widths = column_widths(items, &attributes, &widths, look.width);
    let mut table = Table::new(attributes.iter().cloned().zip(widths));
    for item in items {
        table.row(attributes.iter().map(|name| cell(item, name, look)).collect());
    }
    table.to_text()
}

/// Two columns, `Property` and `Value`. `order` names what comes first when all is shown.
pub(crate) fn properties(
    item: &Value,
    attributes: &[String],
    order: &[&str],
    look: &Look,
) -> String {
    let mut table =
        Table::new([("Property".to_owned(), PROPERTY_WIDTH), ("Value".to_owned(), VALUE_WIDTH)]);
    for name in shown_attributes(item, attributes, order) {
        let value = property(item, &name, look);
        table.row(vec![name, value]);
    }
    table.to_text()
}

/// The attributes that `all` stands for, or the chosen ones.
pub(crate) fn shown_attributes(item: &Value, attributes: &[String], order: &[&str]) -> Vec<String> {
    if !is_all(attributes) {
        return attributes.to_vec();
    }
    let mut rest: Vec<&String> =
        item.as_object().map(|fields| fields.keys().collect()).unwrap_or_default();
    rest.sort();
    let order: &[&str] = if order.is_empty() { &FIRST } else { order };
    let first =
        order.iter().filter(|name| path::get(item, name).is_some()).map(|name| (*name).to_owned());
    let others = rest.into_iter().filter(|name| !order.contains(&name.as_str())).cloned();
    first.chain(others).collect()
}

fn is_all(attributes: &[String]) -> bool {
    attributes.is_empty() || attributes.iter().any(|name| name == "all")
}

fn column_widths(
    items: &[Value],
    attributes: &[String],
    asked: &[usize],
    total: usize,
) -> Vec<usize> {
    match asked {
        [] => shared_widths(items, attributes, total),
        asked if asked.len() == attributes.len() => asked.to_vec(),
        [one] => vec![*one; attributes.len()],
        _ => vec![FALLBACK_WIDTH; attributes.len()],
    }
}

/// The id gets what it needs, a status a fixed share, and the rest share what is left evenly.
fn shared_widths(items: &[Value], attributes: &[String], total: usize) -> Vec<usize> {
    let count = attributes.len().max(1);
    let by_id = attributes.first().is_some_and(|name| name == "id");
    let ids = items.iter().filter_map(|item| item.get("id")).filter_map(Value::as_str);
    let id_width = ids.map(|id| id.chars().count()).max().unwrap_or(0).max(MIN_ID_WIDTH);
    let even = if by_id { total.saturating_sub(id_width) / count } else { total / count };
    let mut excess: i64 = 0;
    let mut widths = Vec::with_capacity(count);
    for (index, name) in attributes.iter().enumerate() {
        widths.push(if index == 0 {
            if by_id { id_width } else { even }
        } else if name == "status" {
            excess += to_signed(STATUS_WIDTH) - to_signed(even);
            STATUS_WIDTH
        } else if index + 1 == count && excess != 0 {
            usize::try_from(to_signed(even) - excess).unwrap_or(0).max(MIN_WIDTH)
        } else {
            even
        });
    }
    widths
}

fn to_signed(width: usize) -> i64 {
    i64::try_from(width).unwrap_or(i64::MAX)
}

/// One cell of a grid.
fn cell(item: &Value, name: &str, look: &Look) -> String {
    let Some(value) = path::get(item, name) else {
        return String::new();
    };
    match value {
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            texts.join(", ")
        }
        _ if name == "parameters" => plain(&masked(value), false),
        _ => decorated(item, name, value, look).unwrap_or_else(|| plain(value, false)),
    }
}

/// The value of one property. Times that belong to no execution stay as the server wrote them.
fn property(item: &Value, name: &str, look: &Look) -> String {
    let Some(value) = path::get(item, name) else {
        return String::new();
    };
    let shown = match name {
        "occurrence_time" | "expire_timestamp" => None,
        "parameters" => Some(plain(&masked(value), true)),
        _ => decorated(item, name, value, look),
    };
    shown.unwrap_or_else(|| plain(value, true))
}

/// Attributes that read better than they are stored.
pub(crate) fn decorated(item: &Value, name: &str, value: &Value, look: &Look) -> Option<String> {
    let text = value.as_str();
    match name {
        "status" => {
            // The status of a task carries its duration already.
            let (status, rest) = text?.split_at(text?.find(' ').unwrap_or(text?.len()));
            let painted = format!("{}{rest}", look.palette.status(status));
            let elapsed = time::elapsed(item, look.now).filter(|_| look.durations);
            let elapsed = elapsed.map(|seconds| format!(" ({seconds}s elapsed)"));
            Some(format!("{painted}{}", elapsed.unwrap_or_default()))
        }
        "start_timestamp" | "end_timestamp" | "occurrence_time" | "expire_timestamp" => {
            text.map(|text| time::display(text, &look.zone))
        }
        _ => None,
    }
}

/// Parameters with secrets by name hidden, whatever their schema says.
pub(crate) fn masked(parameters: &Value) -> Value {
    let mut shown = parameters.clone();
    if let Some(fields) = shown.as_object_mut() {
        for name in SECRET_PARAMETERS {
            if let Some(value) = fields.get_mut(name) {
                // An action's declaration of a parameter is an object and no secret.
                if !value.is_object() {
                    *value = MASK.into();
                }
            }
        }
    }
    shown
}

fn plain(value: &Value, tall: bool) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Object(fields) if fields.is_empty() => String::new(),
        value if tall => json::readable(value),
        value => json::compact(value),
    };
    unescaped(&text)
}

/// Line breaks that were stored as two letters become line breaks.
pub(crate) fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\r", "").replace("\\\"", "\"").replace('\r', "")
}

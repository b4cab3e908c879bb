//! `pprint`: a value on one line if it fits into 80 columns, else one item a line.

use minijinja::value::ValueKind;
use minijinja::{Error, Value};

use super::order;
use crate::jinja::error::limit_error;
use crate::jinja::{budget, python};

const WIDTH: usize = 80;
const MAX_DEPTH: usize = 60;

pub(super) fn print(value: &Value) -> Result<String, Error> {
    let mut text = String::new();
    write(value, 0, 0, 0, &mut text)?;
    Ok(text)
}

/// `column` is where the value starts, `tail` how many closing brackets follow on its last line.
fn write(
    value: &Value,
    column: usize,
    tail: usize,
    depth: usize,
    out: &mut String,
) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(limit_error("the value is nested too deeply to print"));
    }
    let line = one_line(value, depth)?;
    if line.chars().count() + column + tail <= WIDTH {
        out.push_str(&line);
        return Ok(());
    }
    match value.kind() {
        ValueKind::Map => {
            let pairs = sorted(value);
            let last = pairs.len().saturating_sub(1);
            out.push('{');
            for (index, (key, item)) in pairs.iter().enumerate() {
                separate(index, column, out);
                let key = one_line(key, depth)?;
                out.push_str(&key);
                out.push_str(": ");
                let column = column + key.chars().count() + 3;
                let tail = if index == last { tail + 1 } else { 1 };
                write(item, column, tail, depth + 1, out)?;
            }
            out.push('}');
        }
        ValueKind::Seq => {
            let (open, close) = if value.is_tuple() { ('(', ')') } else { ('[', ']') };
            let items: Vec<Value> = value.try_iter()?.collect();
            let last = items.len().saturating_sub(1);
            out.push(open);
            for (index, item) in items.iter().enumerate() {
                separate(index, column, out);
                let tail = if index == last { tail + 1 } else { 1 };
                write(item, column + 1, tail, depth + 1, out)?;
            }
            out.push(close);
        }
        _ => out.push_str(&line),
    }
    Ok(())
}

fn separate(index: usize, column: usize, out: &mut String) {
    if index > 0 {
        out.push_str(",\n");
        out.push_str(&" ".repeat(column + 1));
    }
}

fn sorted(value: &Value) -> Vec<(Value, Value)> {
    let pairs = value.as_object().and_then(|object| object.try_iter_pairs());
    let mut pairs: Vec<(Value, Value)> = pairs.into_iter().flatten().collect();
    pairs.sort_by(|left, right| {
        order::compare(&left.0, &right.0)
            .unwrap_or_else(|_| python::type_name(&left.0).cmp(python::type_name(&right.0)))
    });
    pairs
}

/// `repr` with the keys of mappings sorted.
fn one_line(value: &Value, depth: usize) -> Result<String, Error> {
    budget::spend()?;
    if depth > MAX_DEPTH {
        return Err(limit_error("the value is nested too deeply to print"));
    }
    match value.kind() {
        ValueKind::Map => {
            let mut parts = Vec::new();
            for (key, item) in sorted(value) {
                let item = one_line(&item, depth + 1)?;
                parts.push(format!("{}: {item}", python::repr_of(&key)?));
            }
            Ok(format!("{{{}}}", parts.join(", ")))
        }
        ValueKind::Seq if !value.is_tuple() => {
            let items: Result<Vec<String>, Error> =
                value.try_iter()?.map(|item| one_line(&item, depth + 1)).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        _ => python::repr_of(value),
    }
}

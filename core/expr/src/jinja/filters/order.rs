//! Python's order of values: numbers with numbers, texts with texts, lists with lists; anything
//! else has no order.

use std::cmp::Ordering;

use minijinja::value::ValueKind;
use minijinja::{Error, Value};

use crate::jinja::error::{limit_error, value_error};
use crate::jinja::python;

/// Nesting of lists at which comparing stops.
const MAX_DEPTH: usize = 100;

pub(in crate::jinja) fn compare(left: &Value, right: &Value) -> Result<Ordering, Error> {
    compare_at(left, right, 0)
}

fn compare_at(left: &Value, right: &Value, depth: usize) -> Result<Ordering, Error> {
    if depth > MAX_DEPTH {
        return Err(limit_error("the values are nested too deeply to compare"));
    }
    let is_number = |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    match (left.kind(), right.kind()) {
        (ValueKind::String, ValueKind::String) => Ok(left.as_str().cmp(&right.as_str())),
        (ValueKind::Seq, ValueKind::Seq) if left.is_tuple() == right.is_tuple() => {
            let mut others = right.try_iter()?;
            for item in left.try_iter()? {
                let Some(other) = others.next() else {
                    return Ok(Ordering::Greater);
                };
                let equal = item == other;
                if !equal {
                    return compare_at(&item, &other, depth + 1);
                }
            }
            Ok(if others.next().is_some() { Ordering::Less } else { Ordering::Equal })
        }
        _ if is_number(left) && is_number(right) => Ok(left.cmp(right)),
        _ => Err(value_error(format!(
            "'<' not supported between instances of '{}' and '{}'",
            python::type_name(left),
            python::type_name(right)
        ))),
    }
}

/// Texts in lower case, for comparing without regard to case.
pub(in crate::jinja) fn folded(value: Value) -> Value {
    match value.as_str() {
        Some(text) => Value::from(text.to_lowercase()),
        None => value,
    }
}

//! How Python sees JSON values: which are equal, which is less, what is a member of what.
//!
//! The operators were defined by a Python program; what looks odd here is what rules rely on.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::error::{Error, Side};

/// The JSON name of the type of `value`, for messages.
pub(crate) const fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// How many values `value` is made of.
pub(crate) fn count_nodes(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count_nodes).fold(1, usize::saturating_add),
        Value::Object(members) => members.values().map(count_nodes).fold(1, usize::saturating_add),
        _ => 1,
    }
}

#[derive(Clone, Copy)]
enum Num {
    Int(i128),
    Float(f64),
}

/// Numbers, and booleans as 0 and 1.
fn num(value: &Value) -> Option<Num> {
    match value {
        Value::Bool(flag) => Some(Num::Int(i128::from(*flag))),
        Value::Number(number) => Some(num_of(number)),
        _ => None,
    }
}

fn num_of(number: &Number) -> Num {
    number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from))
        .map_or_else(|| Num::Float(number.as_f64().unwrap_or(f64::NAN)), Num::Int)
}

/// Compares without rounding: 9007199254740993 is more than 9007199254740992.0.
fn compare_nums(left: Num, right: Num) -> Option<Ordering> {
    match (left, right) {
        (Num::Int(a), Num::Int(b)) => Some(a.cmp(&b)),
        (Num::Float(a), Num::Float(b)) => a.partial_cmp(&b),
        (Num::Int(a), Num::Float(b)) => compare_int_float(a, b),
        (Num::Float(a), Num::Int(b)) => compare_int_float(b, a).map(Ordering::reverse),
    }
}

fn compare_int_float(int: i128, float: f64) -> Option<Ordering> {
    const BEYOND_EVERY_JSON_INTEGER: f64 = 1e30;
    if float.abs() >= BEYOND_EVERY_JSON_INTEGER {
        return 0.0.partial_cmp(&float);
    }
    if float.is_nan() {
        return None;
    }
    let whole = float.trunc() as i128;
    Some(int.cmp(&whole).then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)))
}

/// A number so that equal numbers, and booleans, have equal keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum NumberKey {
    /// A whole number.
    Int(i128),
    /// The bits of any other.
    Float(u64),
}

/// The key of a number or boolean.
pub(crate) fn number_key(value: &Value) -> Option<NumberKey> {
    match num(value)? {
        Num::Int(int) => Some(NumberKey::Int(int)),
        Num::Float(float) if float.fract() == 0.0 && float.abs() < 1e30 => {
            Some(NumberKey::Int(float as i128))
        }
        Num::Float(float) => Some(NumberKey::Float(float.to_bits())),
    }
}

/// `left == right`.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(x, y)| equal(x, y))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, x)| b.get(name).is_some_and(|y| equal(x, y)))
        }
        _ => match (num(left), num(right)) {
            (Some(a), Some(b)) => compare_nums(a, b) == Some(Ordering::Equal),
            _ => false,
        },
    }
}

/// The order of `left` and `right`; `Err` when Python has none for them.
pub(crate) fn compare(left: &Value, right: &Value) -> Result<Option<Ordering>, Error> {
    if let (Some(a), Some(b)) = (num(left), num(right)) {
        return Ok(compare_nums(a, b));
    }
    match (left, right) {
        (Value::String(a), Value::String(b)) => Ok(Some(a.cmp(b))),
        (Value::Array(a), Value::Array(b)) => a
            .iter()
            .zip(b)
            .find(|(x, y)| !equal(x, y))
            .map_or_else(|| Ok(Some(a.len().cmp(&b.len()))), |(x, y)| compare(x, y)),
        _ => Err(Error::NotComparable { left: type_name(left), right: type_name(right) }),
    }
}

/// `needle in haystack`; `side` says which operand of the operator the haystack is.
pub(crate) fn is_member(needle: &Value, haystack: &Value, side: Side) -> Result<bool, Error> {
    match (haystack, needle) {
        (Value::String(text), Value::String(part)) => Ok(text.contains(part.as_str())),
        (Value::String(_), other) => Err(Error::operand(side.other(), "a string", other)),
        (Value::Array(items), _) => Ok(items.iter().any(|item| equal(item, needle))),
        (Value::Object(_), Value::Array(_) | Value::Object(_)) => {
            Err(Error::operand(side.other(), "a key of an object", needle))
        }
        (Value::Object(members), Value::String(name)) => Ok(members.contains_key(name)),
        (Value::Object(_), _) => Ok(false),
        _ => Err(Error::operand(side, "a string, an array or an object", haystack)),
    }
}

/// `str(value)`, as far as texts, numbers and constants go; JSON for the rest.
pub(crate) fn to_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Null => Cow::Borrowed("None"),
        Value::Bool(true) => Cow::Borrowed("True"),
        Value::Bool(false) => Cow::Borrowed("False"),
        other => Cow::Owned(other.to_string()),
    }
}

/// `float(value)`.
pub(crate) fn to_float(value: &Value, side: Side) -> Result<f64, Error> {
    if let Value::String(text) = value {
        return parse_float(text).ok_or_else(|| Error::NotANumber { text: text.clone() });
    }
    match num(value) {
        Some(Num::Int(int)) => Ok(int as f64),
        Some(Num::Float(float)) => Ok(float),
        None => Err(Error::operand(side, "a number or a numeric string", value)),
    }
}

/// Python's grammar of float literals: blanks around, single underscores between digits.
fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let misplaced = bytes
        .iter()
        .enumerate()
        .any(|(at, b)| *b == b'_' && !(digit(at.checked_sub(1)) && digit(Some(at + 1))));
    if misplaced {
        return None;
    }
    text.replace('_', "").parse().ok()
}

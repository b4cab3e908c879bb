//! Rendered values take the type their parameter declares.

use serde_json::{Number, Value};
use st2_schema::repr;

use super::literal;

/// What the filter `use_none` writes so that a text can mean null.
const NONE: &str = "%*****__%NONE%__*****%";

/// Why a value cannot take a type. Texts are those of StackStorm where clients see them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CastError {
    /// A text parameter got something else.
    #[error("Value \"{value}\" must either be a string or None. Got \"{kind}\".")]
    NotText {
        /// The value, as Python prints it.
        value: String,
        /// Its Python type.
        kind: &'static str,
    },
    /// The text is no whole number.
    #[error("invalid literal for int() with base 10: {text}")]
    NotInteger {
        /// The text, quoted.
        text: String,
    },
    /// The text is no number.
    #[error("could not convert string to float: {text}")]
    NotNumber {
        /// The text, quoted.
        text: String,
    },
    /// The value is of a type that is never a number.
    #[error("{target}() argument must be a string or a real number, not '{kind}'")]
    NeverNumber {
        /// `int` or `float`.
        target: &'static str,
        /// The Python type of the value.
        kind: &'static str,
    },
    /// The number is infinite, not a number, or beyond 64 bits.
    #[error("number out of range: {text}")]
    OutOfRange {
        /// The number as given.
        text: String,
    },
    /// The text is neither JSON nor a literal of Python.
    #[error("malformed value {text}: {reason}")]
    Malformed {
        /// The text, quoted.
        text: String,
        /// Where and why reading it stopped.
        reason: String,
    },
}

/// Casts `value` to the type `kind` of a parameter definition. Types without a cast leave the value
/// alone.
///
/// # Errors
/// See [`CastError`]. Null has no integer or number form: callers keep null without casting.
pub fn cast(kind: &str, value: Value) -> Result<Value, CastError> {
    match kind {
        "string" => to_text(value),
        "integer" => to_integer(&none(value)),
        "number" => to_number(&none(value)),
        "boolean" => match none(value) {
            Value::String(text) => literal::parse(&capitalized(&text)).map_err(malformed(&text)),
            other => Ok(other),
        },
        "array" | "object" => match none(value) {
            Value::String(text) => match serde_json::from_str(&text) {
                Ok(value) => Ok(value),
                Err(_) => literal::parse(&text).map_err(malformed(&text)),
            },
            other => Ok(other),
        },
        _ => Ok(value),
    }
}

fn none(value: Value) -> Value {
    if value == NONE { Value::Null } else { value }
}

fn malformed(text: &str) -> impl FnOnce(String) -> CastError {
    move |reason| CastError::Malformed { text: repr(&Value::from(text)), reason }
}

fn to_text(value: Value) -> Result<Value, CastError> {
    match none(value) {
        value @ (Value::Null | Value::String(_)) => Ok(value),
        value => Err(CastError::NotText { value: repr(&value), kind: python_type(&value) }),
    }
}

fn to_integer(value: &Value) -> Result<Value, CastError> {
    let out_of_range = || CastError::OutOfRange { text: repr(value) };
    match value {
        Value::Bool(flag) => Ok(Value::from(i64::from(*flag))),
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().unwrap_or_default().trunc();
            // Within the range of i64 the text of a whole float is an integer's text.
            let text = format!("{whole:.0}");
            text.parse::<i64>().map(Value::from).map_err(|_| out_of_range())
        }
        Value::Number(_) => Ok(value.clone()),
        Value::String(text) => {
            let not_integer = || CastError::NotInteger { text: repr(value) };
            let digits = digits(text).ok_or_else(not_integer)?;
            if digits
                .strip_prefix(['+', '-'])
                .unwrap_or(&digits)
                .chars()
                .all(|c| c.is_ascii_digit())
            {
                literal::integer(&digits, 10).ok_or_else(out_of_range)
            } else {
                Err(not_integer())
            }
        }
        other => Err(CastError::NeverNumber { target: "int", kind: python_type(other) }),
    }
}

fn to_number(value: &Value) -> Result<Value, CastError> {
    let out_of_range = || CastError::OutOfRange { text: repr(value) };
    let number = match value {
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Number(number) => number.as_f64().ok_or_else(out_of_range)?,
        Value::String(text) => digits(text)
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| CastError::NotNumber { text: repr(value) })?,
        other => {
            return Err(CastError::NeverNumber { target: "float", kind: python_type(other) });
        }
    };
    Number::from_f64(number).map(Value::Number).ok_or_else(out_of_range)
}

/// A number's text without the spaces around it and the underscores between its digits.
fn digits(text: &str) -> Option<String> {
    let text = text.trim();
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '_' {
            let between = before.is_some_and(|c: char| c.is_ascii_digit())
                && rest.peek().is_some_and(char::is_ascii_digit);
            if !between {
                return None;
            }
        } else {
            out.push(c);
        }
        before = Some(c);
    }
    (!out.is_empty()).then_some(out)
}

fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => first.to_uppercase().chain(rest.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

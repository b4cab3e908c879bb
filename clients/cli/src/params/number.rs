//! Numbers as one writes them on a command line: blanks around, underscores between digits.

use serde_json::Value;
use serde_json::value::RawValue;

use super::Argument;

/// A whole number of any size.
pub(super) fn integer(text: &str) -> Result<Argument, String> {
    let refuse = || format!("\"{text}\" is not an integer");
    let trimmed = text.trim();
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let digits = without_underscores(digits).ok_or_else(refuse)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse());
    }
    let significant = digits.trim_start_matches('0');
    let written = match (negative, significant) {
        (_, "") => "0".to_owned(),
        (true, digits) => format!("-{digits}"),
        (false, digits) => digits.to_owned(),
    };
    if let Ok(number) = written.parse::<i64>() {
        return Ok(Argument::Value(number.into()));
    }
    if let Ok(number) = written.parse::<u64>() {
        return Ok(Argument::Value(number.into()));
    }
    RawValue::from_string(written).map(Argument::Exact).map_err(|_| refuse())
}

/// A finite number; what JSON cannot write (`nan`, `inf`) is refused.
pub(super) fn float(text: &str) -> Result<Value, String> {
    let refuse = || format!("\"{text}\" is not a number");
    let digits = without_underscores(text.trim()).ok_or_else(refuse)?;
    let number: f64 = digits.parse().map_err(|_| refuse())?;
    match serde_json::Number::from_f64(number) {
        Some(number) => Ok(Value::Number(number)),
        None => Err(format!("\"{text}\" is not a finite number, and JSON holds no other")),
    }
}

/// Drops single underscores that stand between digits; any other underscore is a mistake.
fn without_underscores(text: &str) -> Option<String> {
    let mut kept = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter == '_' {
            let between = before.is_some_and(|c| c.is_ascii_digit())
                && rest.peek().is_some_and(char::is_ascii_digit);
            if !between {
                return None;
            }
        } else {
            kept.push(letter);
        }
        before = Some(letter);
    }
    Some(kept)
}

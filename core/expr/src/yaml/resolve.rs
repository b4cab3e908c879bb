//! What a plain text means in YAML 1.1, and how typed texts are read.

use std::sync::LazyLock;

use num_bigint::BigInt;
use regex::Regex;

use super::YamlValue;
use super::timestamp;

/// Type of a plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    /// `<<`, which is only legal as a key.
    Merge,
    /// `=`, likewise.
    Value,
    Text,
}

static INT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$",
    )
});
static FLOAT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
    )
});

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|regex| regex.is_match(text))
}

pub(super) fn kind_of(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "<<" => return Kind::Merge,
        "=" => return Kind::Value,
        _ if bool_of(text).is_some() => return Kind::Bool,
        _ => {}
    }
    let Some('0'..='9' | '-' | '+' | '.') = text.chars().next() else {
        return Kind::Text;
    };
    if matches(&INT, text) {
        Kind::Int
    } else if matches(&FLOAT, text) {
        Kind::Float
    } else if timestamp::looks_like_one(text) {
        Kind::Timestamp
    } else {
        Kind::Text
    }
}

fn bool_of(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// The boolean a text tagged `!!bool` or resolved as one means; any letter case.
pub(super) fn read_bool(text: &str) -> Result<YamlValue, String> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Ok(YamlValue::Bool(true)),
        "no" | "false" | "off" => Ok(YamlValue::Bool(false)),
        _ => Err(format!("'{text}' is no boolean")),
    }
}

pub(super) fn read_int(text: &str) -> Result<YamlValue, String> {
    let wrong = || format!("'{text}' is no integer");
    let digits = text.replace('_', "");
    let (negative, digits) = signed(&digits);
    let number = if digits == "0" {
        BigInt::ZERO
    } else if let Some(digits) = digits.strip_prefix("0b") {
        radix(digits, 2).ok_or_else(wrong)?
    } else if let Some(digits) = digits.strip_prefix("0x") {
        radix(digits, 16).ok_or_else(wrong)?
    } else if digits.starts_with('0') {
        radix(digits, 8).ok_or_else(wrong)?
    } else if digits.contains(':') {
        let mut number = BigInt::ZERO;
        for part in digits.split(':') {
            number = number * 60 + radix(part, 10).ok_or_else(wrong)?;
        }
        number
    } else {
        radix(digits.trim(), 10).ok_or_else(wrong)?
    };
    Ok(YamlValue::Int(if negative { -number } else { number }))
}

fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Longest digit text read; converting decimal digits takes time quadratic in their number.
const MAX_DIGITS: usize = 4300;

fn radix(digits: &str, radix: u32) -> Option<BigInt> {
    if digits.is_empty() || digits.len() > MAX_DIGITS {
        return None;
    }
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    BigInt::parse_bytes(digits.as_bytes(), radix)
}

pub(super) fn read_float(text: &str) -> Result<YamlValue, String> {
    let wrong = || format!("'{text}' is no number");
    let digits = text.replace('_', "").to_lowercase();
    let (negative, digits) = signed(&digits);
    let number = match digits {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if digits.contains(':') => {
            let mut number = 0.0;
            for part in digits.split(':') {
                number = number * 60.0 + decimal(part).ok_or_else(wrong)?;
            }
            number
        }
        _ => decimal(digits).ok_or_else(wrong)?,
    };
    Ok(YamlValue::Float(if negative { -number } else { number }))
}

fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'));
    let words = matches!(text, "inf" | "nan" | "infinity");
    (plain || words).then(|| text.parse().ok()).flatten()
}

//! Filters that read and print numbers.

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, State, Value};

use super::{Arguments, add};
use crate::jinja::error::value_error;
use crate::jinja::{convert, keys, python};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "int", &["default", "base"], to_int);
    add(environment, "float", &["default"], to_float);
    add(environment, "filesizeformat", &["binary"], file_size);
    add(environment, "abs", &[], |state, value, _| {
        let number = plain_number(state, value)?;
        minijinja::filters::abs(number)
    });
    add(environment, "round", &["precision", "method"], round);
}

/// Booleans are the numbers 0 and 1.
fn plain_number(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    Ok(match value.kind() {
        ValueKind::Bool => Value::from(i64::from(value.is_true())),
        _ => value.clone(),
    })
}

fn round(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let number = plain_number(state, value)?;
    let precision = args.integer(0, 0)?;
    let method = args.get(1).and_then(Value::as_str).unwrap_or("common");
    if !matches!(method, "common" | "ceil" | "floor") {
        return Err(value_error("method must be common, ceil or floor"));
    }
    if !number.is_number() {
        let kind = python::type_name(value);
        return Err(value_error(format!("type {kind} doesn't define __round__ method")));
    }
    if number.is_integer() && method == "common" && precision >= 0 {
        return Ok(number);
    }
    let exact = f64::try_from(number.clone())?;
    let places = i32::try_from(precision.clamp(-400, 400)).unwrap_or(0);
    let rounded = match method {
        "common" => rounded_half_even(exact, places),
        _ => {
            let scale = 10_f64.powi(places);
            let scaled = exact * scale;
            let whole = if method == "ceil" { scaled.ceil() } else { scaled.floor() };
            whole / scale
        }
    };
    if number.is_integer() && method == "common" {
        return Ok(whole(rounded).map_or(number, convert::integer));
    }
    Ok(Value::from(rounded))
}

/// Python's `round`: the decimal digits of the exact value decide, halves go to the even digit.
fn rounded_half_even(number: f64, places: i32) -> f64 {
    if !number.is_finite() || places > 30 {
        return number;
    }
    match usize::try_from(places) {
        Ok(places) => format!("{number:.places$}").parse().unwrap_or(number),
        Err(_) => {
            let scale = 10_f64.powi(-places);
            (number / scale).round_ties_even() * scale
        }
    }
}

/// A lookup counts as its text.
fn resolved(value: &Value) -> Value {
    keys::lookup_text(value).map_or_else(|| value.clone(), Value::from)
}

fn refuse_any_undefined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(python::undefined_use(value));
    }
    Ok(())
}

fn to_int(_: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    refuse_any_undefined(value)?;
    let value = resolved(value);
    let base = args.integer(1, 10)?;
    let number = match value.kind() {
        ValueKind::Bool => Some(i128::from(value.is_true())),
        ValueKind::Number if value.is_integer() => return Ok(value),
        ValueKind::Number => whole(f64::try_from(value.clone())?),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            int_of_text(text, u32::try_from(base).unwrap_or(10))
                .or_else(|| float_of_text(text).and_then(whole))
        }
        _ => None,
    };
    Ok(match number {
        Some(number) => convert::integer(number),
        None => args.get(0).cloned().unwrap_or_else(|| Value::from(0)),
    })
}

fn whole(number: f64) -> Option<i128> {
    if !number.is_finite() || number.abs() >= 1.7e38 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above to fit")]
    Some(number.trunc() as i128)
}

/// Python's `int(text, base)`: blanks around, a sign, single underscores between digits, digits of
/// any script.
pub(in crate::jinja) fn int_of_text(text: &str, base: u32) -> Option<i128> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = text.to_ascii_lowercase();
    let prefixed = |prefix: &str, own: u32| {
        (base == own || base == 0)
            .then(|| lower.strip_prefix(prefix))
            .flatten()
            .map(|digits| (digits.strip_prefix('_').unwrap_or(digits), own))
    };
    let (digits, base) = prefixed("0x", 16)
        .or_else(|| prefixed("0o", 8))
        .or_else(|| prefixed("0b", 2))
        .unwrap_or((&lower, if base == 0 { 10 } else { base }));
    if !(2..=36).contains(&base) {
        return None;
    }
    let mut number: i128 = 0;
    let mut after_digit = false;
    for character in digits.chars() {
        if character == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = character
            .to_digit(base)
            .or_else(|| decimal_digit(character).filter(|digit| *digit < base))?;
        number = number.checked_mul(i128::from(base))?.checked_add(i128::from(digit))?;
        after_digit = true;
    }
    after_digit.then_some(if negative { -number } else { number })
}

/// The value of a decimal digit of any script: they come in runs of ten that start at a zero.
pub(in crate::jinja) fn decimal_digit(character: char) -> Option<u32> {
    const ZEROS: &[u32] = &[
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
        0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
        0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
        0xff10,
    ];
    let code = u32::from(character);
    ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)).map(|zero| code - zero)
}

/// Python's `float(text)`.
pub(in crate::jinja) fn float_of_text(text: &str) -> Option<f64> {
    let text = text.trim();
    let mut plain = String::with_capacity(text.len());
    let mut previous = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let next_is_digit = characters.peek().is_some_and(char::is_ascii_digit);
        match character {
            '_' if previous.is_ascii_digit() && next_is_digit => {}
            '_' => return None,
            _ => match decimal_digit(character) {
                Some(digit) => plain.extend(char::from_digit(digit, 10)),
                None => plain.push(character.to_ascii_lowercase()),
            },
        }
        previous = character;
    }
    let unsigned = plain.trim_start_matches(['+', '-']);
    if unsigned.starts_with(|first: char| first.is_ascii_alphabetic())
        && !matches!(unsigned, "inf" | "infinity" | "nan")
    {
        return None;
    }
    plain.parse().ok()
}

fn to_float(_: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    refuse_any_undefined(value)?;
    let number = number_of(&resolved(value));
    Ok(match number {
        Some(number) => Value::from(number),
        None => args.get(0).cloned().unwrap_or_else(|| Value::from(0.0)),
    })
}

fn number_of(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::String => float_of_text(value.as_str().unwrap_or_default()),
        _ => None,
    }
}

fn file_size(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    let size = number_of(&resolved(value))
        .ok_or_else(|| value_error("filesizeformat: expected a number of bytes"))?;
    let (base, units) = if args.flag(0, false) {
        (1024.0, ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"])
    } else {
        (1000.0, ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"])
    };
    if size.to_bits() == 1.0_f64.to_bits() {
        return Ok(Value::from("1 Byte"));
    }
    if size < base {
        return Ok(Value::from(format!("{} Bytes", size.trunc())));
    }
    let mut unit_size = base;
    let mut last = "";
    for unit in units {
        last = unit;
        if size < unit_size * base {
            break;
        }
        unit_size *= base;
    }
    if size >= unit_size * base {
        unit_size /= base;
    }
    Ok(Value::from(format!("{:.1} {last}", size / unit_size)))
}

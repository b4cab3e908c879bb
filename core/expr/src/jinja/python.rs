//! How Python prints values: `str()` and `repr()` of text, numbers, lists and mappings.

use minijinja::value::ValueKind;
use minijinja::{Error, Output, State, Value};

use super::convert::Group;
use super::error::{limit_error, undefined_error};
use super::{budget, filters, keys, methods::DictView};

/// Nesting at which printing stops, far beyond what any payload may have.
const MAX_DEPTH: usize = 200;
/// Size at which printing one value stops: values made of shared parts can be huge in print.
const MAX_TEXT: usize = 32 * 1024 * 1024;

/// Writes `{{ value }}`.
pub(super) fn write_value(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if value.is_undefined() {
        return refuse_undefined(state, value);
    }
    keys::refuse_root(value)?;
    if !matches!(state.auto_escape(), minijinja::AutoEscape::None) {
        let text = text_of(value)?;
        let text = if value.is_safe() { text } else { filters::escaped(&text) };
        return out.write_str(&text).map_err(Error::from);
    }
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => out.write_str(text),
        _ => out.write_str(&text_of(value)?),
    }
    .map_err(Error::from)
}

/// Fails for an undefined value unless the rendering allows them.
pub(super) fn refuse_undefined(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined()
        && matches!(state.undefined_behavior(), minijinja::UndefinedBehavior::Strict)
    {
        return Err(undefined_use(value));
    }
    Ok(())
}

/// The engine's own error for using `value`, which knows the name that is undefined.
pub(super) fn undefined_use(value: &Value) -> Error {
    match value.get_attr("value") {
        Err(error) => error,
        Ok(_) => undefined_error("the value is undefined"),
    }
}

/// Python's `str(value)`.
pub(super) fn text_of(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) if value.kind() == ValueKind::String => return Ok(text.to_owned()),
        _ if value.is_undefined() => return Ok(String::new()),
        _ => {}
    }
    let mut printer = Printer::default();
    printer.write(value, false, 0)?;
    Ok(printer.text)
}

/// [`text_of`] a value that has to be defined.
pub(super) fn defined_text(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    refuse_undefined(state, value)?;
    text_of(value)
}

/// [`text_of`] where printing cannot fail in practice: limits give a shortened text.
pub(super) fn str_of(value: &Value) -> String {
    text_of(value).unwrap_or_else(|_| "…".to_owned())
}

/// Python's `repr(value)`.
pub(super) fn repr_of(value: &Value) -> Result<String, Error> {
    let mut printer = Printer::default();
    printer.write(value, true, 0)?;
    Ok(printer.text)
}

#[derive(Default)]
struct Printer {
    text: String,
}

impl Printer {
    fn write(&mut self, value: &Value, quoted: bool, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH || self.text.len() > MAX_TEXT {
            return Err(limit_error("the value is too large or too deep to print"));
        }
        budget::spend()?;
        match value.kind() {
            ValueKind::Undefined => self.text.push_str("Undefined"),
            ValueKind::None => self.text.push_str("None"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "True" } else { "False" }),
            ValueKind::String => {
                let text = value.as_str().unwrap_or_default();
                if quoted {
                    repr_text(text, &mut self.text);
                } else {
                    self.text.push_str(text);
                }
            }
            ValueKind::Number => self.text.push_str(&number_text(value)),
            ValueKind::Bytes => repr_bytes(value.as_bytes().unwrap_or_default(), &mut self.text),
            ValueKind::Seq => self.write_sequence(value, depth)?,
            ValueKind::Map => self.write_mapping(value, depth)?,
            // Sums and slices of lists; anything whose length is not known is left alone.
            ValueKind::Iterable if value.len().is_some() => self.write_sequence(value, depth)?,
            ValueKind::Iterable => self.text.push_str("<generator object>"),
            _ => self.write_object(value, quoted),
        }
        Ok(())
    }

    fn write_sequence(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if let Some(range) = value.downcast_object_ref::<filters::Range>() {
            self.text.push_str(&range.text());
            return Ok(());
        }
        let is_group = value.downcast_object_ref::<Group>().is_some();
        let (open, close) = if let Some(view) = value.downcast_object_ref::<DictView>() {
            (format!("{}([", view.name()), "])")
        } else if value.is_tuple() || is_group {
            let close = if value.len() == Some(1) { ",)" } else { ")" };
            ("(".to_owned(), close)
        } else {
            ("[".to_owned(), "]")
        };
        self.text.push_str(&open);
        for (index, item) in value.try_iter()?.enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.write(&item, true, depth + 1)?;
        }
        self.text.push_str(close);
        Ok(())
    }

    fn write_mapping(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let Some(pairs) = value.as_object().and_then(|object| object.try_iter_pairs()) else {
            self.text.push_str(&value.to_string());
            return Ok(());
        };
        self.text.push('{');
        for (index, (key, item)) in pairs.enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.write(&key, true, depth + 1)?;
            self.text.push_str(": ");
            self.write(&item, true, depth + 1)?;
        }
        self.text.push('}');
        Ok(())
    }

    fn write_object(&mut self, value: &Value, quoted: bool) {
        match value.downcast_object_ref::<super::convert::PyObject>() {
            Some(object) if quoted => self.text.push_str(&object.repr),
            _ => self.text.push_str(&value.to_string()),
        }
    }
}

fn number_text(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    match f64::try_from(value.clone()) {
        Ok(number) => float_repr(number),
        Err(_) => value.to_string(),
    }
}

/// Python's `repr(float)`: the shortest digits that read back as the same number.
pub(crate) fn float_repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{number}");
        if plain.contains('.') { plain } else { plain + ".0" }
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
    }
}

fn repr_text(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            _ if is_printable(character) => out.push(character),
            _ => out.push_str(&escaped(character)),
        }
    }
    out.push(quote);
}

fn escaped(character: char) -> String {
    let code = u32::from(character);
    match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    }
}

/// Python's `str.isprintable` for one character. Rust's debug output follows the same Unicode
/// tables (no "other" and no "separator" category except the space), save for combining marks,
/// which Python prints.
pub(super) fn is_printable(character: char) -> bool {
    if character.is_ascii() {
        return !character.is_ascii_control();
    }
    if character.is_whitespace() {
        return false;
    }
    let mut shown = character.escape_debug();
    if shown.next() == Some(character) {
        return true;
    }
    character.is_alphanumeric() || !printed_only_escaped(character)
}

fn printed_only_escaped(character: char) -> bool {
    // Inside a text, after another character, Rust prints combining marks unescaped.
    !format!("{:?}", format!("a{character}")).contains(character)
}

fn repr_bytes(bytes: &[u8], out: &mut String) {
    out.push_str("b'");
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\'' => out.push_str("\\'"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x20..=0x7e => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('\'');
}

/// Python's name of a value's type, for messages.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "Undefined",
        ValueKind::None => "NoneType",
        ValueKind::Bool => "bool",
        ValueKind::Number if value.is_integer() => "int",
        ValueKind::Number => "float",
        ValueKind::String => "str",
        ValueKind::Bytes => "bytes",
        ValueKind::Seq if value.is_tuple() => "tuple",
        ValueKind::Seq => "list",
        ValueKind::Map => "dict",
        ValueKind::Iterable => "generator",
        _ => "object",
    }
}

/// A number or boolean as a float.
pub(super) fn as_float(value: &Value) -> Option<f64> {
    match value.kind() {
        ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        #[expect(clippy::cast_precision_loss, reason = "as Python converts to float")]
        ValueKind::Number if value.is_integer() => {
            i128::try_from(value.clone()).ok().map(|number| number as f64)
        }
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        _ => None,
    }
}

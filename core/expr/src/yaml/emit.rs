//! Printing values as YAML: block style, sorted keys, lines of 80 characters.

use std::cmp::Ordering;

use base64::Engine as _;
use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};

use super::resolve::{self, Kind};
use super::{Position, YamlError, YamlValue, compose};
use crate::jinja::python::float_repr;

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmitOptions {
    /// Blanks per level, 1 to 9; anything else means 2.
    pub indent: i64,
    /// Whether characters beyond ASCII are printed as they are.
    pub allow_unicode: bool,
}

impl Default for EmitOptions {
    fn default() -> Self {
        Self { indent: 2, allow_unicode: true }
    }
}

/// The value as a YAML document that [`parse_document`](super::parse_document) reads back.
///
/// # Errors
/// If the value cannot be printed.
pub fn emit(value: &YamlValue, options: &EmitOptions) -> Result<String, YamlError> {
    let mut output = Vec::new();
    compose::fenced(|| write(value, options, &mut output))
        .ok_or_else(|| cannot("the value has no form in YAML"))?
        .map_err(|error| cannot(&error.to_string()))?;
    String::from_utf8(output).map_err(|error| cannot(&error.to_string()))
}

fn cannot(reason: &str) -> YamlError {
    YamlError::new(Position { line: 1, column: 1 }, format!("cannot print as YAML: {reason}"))
}

fn write(
    value: &YamlValue,
    options: &EmitOptions,
    output: &mut Vec<u8>,
) -> Result<(), libyaml_safer::Error> {
    let mut emitter = Emitter::new();
    emitter.set_output_string(output);
    emitter.set_unicode(options.allow_unicode);
    emitter.set_indent(i32::try_from(options.indent).unwrap_or(2));
    emitter.emit(Event::stream_start(Encoding::Utf8))?;
    emitter.emit(Event::document_start(None, &[], true))?;
    write_node(value, &mut emitter)?;
    emitter.emit(Event::document_end(true))?;
    emitter.emit(Event::stream_end())?;
    emitter.flush()
}

fn write_node(value: &YamlValue, emitter: &mut Emitter<'_>) -> Result<(), libyaml_safer::Error> {
    match value {
        YamlValue::Sequence(items) | YamlValue::Tuple(items) => {
            emitter.emit(Event::sequence_start(None, None, true, SequenceStyle::Block))?;
            for item in items {
                write_node(item, emitter)?;
            }
            emitter.emit(Event::sequence_end())
        }
        YamlValue::Set(items) => {
            let tag = Some("tag:yaml.org,2002:set");
            emitter.emit(Event::mapping_start(None, tag, false, MappingStyle::Block))?;
            for item in items {
                write_node(item, emitter)?;
                write_node(&YamlValue::Null, emitter)?;
            }
            emitter.emit(Event::mapping_end())
        }
        YamlValue::Mapping(pairs) => {
            emitter.emit(Event::mapping_start(None, None, true, MappingStyle::Block))?;
            for (key, item) in sorted(pairs) {
                write_node(key, emitter)?;
                write_node(item, emitter)?;
            }
            emitter.emit(Event::mapping_end())
        }
        YamlValue::Binary(bytes) => {
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            let tag = Some("tag:yaml.org,2002:binary");
            emitter.emit(Event::scalar(None, tag, &text, false, false, ScalarStyle::Literal))
        }
        scalar => {
            let (text, kind) = scalar_text(scalar);
            // Without quotes only where reading back gives the same type.
            let plain = resolve::kind_of(&text) == kind;
            emitter.emit(Event::scalar(None, None, &text, plain, true, ScalarStyle::Any))
        }
    }
}

fn scalar_text(value: &YamlValue) -> (String, Kind) {
    match value {
        YamlValue::Null => ("null".to_owned(), Kind::Null),
        YamlValue::Bool(flag) => (flag.to_string(), Kind::Bool),
        YamlValue::Int(number) => (number.to_string(), Kind::Int),
        YamlValue::Float(number) => (float_text(*number), Kind::Float),
        YamlValue::Date(_) | YamlValue::DateTime { .. } => (value.python_str(), Kind::Timestamp),
        YamlValue::String(text) => (text.clone(), Kind::Text),
        other => (other.python_str(), Kind::Text),
    }
}

/// A float that YAML 1.1 also reads as one: `1.0e+16`, not `1e+16`.
fn float_text(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = float_repr(number);
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}

/// Sorted by key if all keys compare, else in their own order.
fn sorted(pairs: &[(YamlValue, YamlValue)]) -> Vec<(&YamlValue, &YamlValue)> {
    let mut sorted: Vec<_> = pairs.iter().map(|(key, item)| (key, item)).collect();
    let mut comparable = true;
    sorted.sort_by(|left, right| {
        compare(left.0, right.0).unwrap_or_else(|| {
            comparable = false;
            Ordering::Equal
        })
    });
    if comparable { sorted } else { pairs.iter().map(|(key, item)| (key, item)).collect() }
}

fn compare(left: &YamlValue, right: &YamlValue) -> Option<Ordering> {
    match (left, right) {
        (YamlValue::String(left), YamlValue::String(right)) => Some(left.cmp(right)),
        (YamlValue::Int(left), YamlValue::Int(right)) => Some(left.cmp(right)),
        (YamlValue::Float(left), YamlValue::Float(right)) => left.partial_cmp(right),
        (YamlValue::Date(left), YamlValue::Date(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

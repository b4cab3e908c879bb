//! YAML 1.1 as StackStorm reads it: `yes` and `on` are booleans, `010` is eight, `1:30` is ninety,
//! `2020-01-02` is a date, `<<` merges mappings, and a duplicate key is a warning, its last value
//! counting.
//!
//! Tokens and structure come from `libyaml-safer`, a port of libyaml without unsafe code. StackStorm
//! reads metadata with PyYAML's binding to libyaml, so the port accepts and refuses the same texts
//! (tabs, indentation, quoting) with the same messages; `saphyr-parser` is developed more actively but
//! follows YAML 1.2 and differs in exactly those corners. What libyaml leaves to its users stands in
//! `resolve` (what a plain text means) and `construct` (mappings, merges, tags).
//!
//! Every document is bounded: bytes, nesting, and values after aliases are expanded.

mod compose;
mod construct;
mod emit;
mod resolve;
mod timestamp;
mod value;

pub use emit::{EmitOptions, emit};
pub use value::YamlValue;

use serde_json::Value;

/// Bounds of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Size of the text.
    pub bytes: usize,
    /// Nesting of lists and mappings.
    pub depth: usize,
    /// Values in the result, counting each use of an alias.
    pub values: usize,
    /// Bytes of text in the result, counting each use of an alias.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 16 * 1024 * 1024,
            depth: 100,
            values: 2_000_000,
            text_bytes: 64 * 1024 * 1024,
        }
    }
}

/// A text that is no YAML document. Line and column count from one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct YamlError {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl YamlError {
    fn new(position: Position, message: impl Into<String>) -> Self {
        Self { line: position.line, column: position.column, message: message.into() }
    }
}

/// Something a document does that is probably a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlWarning {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// A document with what was noticed while reading it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub value: YamlValue,
    pub warnings: Vec<YamlWarning>,
}

/// A place in a text, counting from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    line: usize,
    column: usize,
}

/// Reads one document as JSON: dates become ISO text, keys become text, `.inf` and `.nan` null.
///
/// # Errors
/// If the text is no single YAML document or exceeds a limit.
pub fn parse(text: &str) -> Result<Value, YamlError> {
    parse_document(text).map(|document| document.value.into_json())
}

/// [`parse`] of a file's bytes, which must be UTF-8.
///
/// # Errors
/// As [`parse`], or if the bytes are no UTF-8 text.
pub fn parse_bytes(bytes: &[u8]) -> Result<Value, YamlError> {
    parse_document_bytes(bytes).map(|document| document.value.into_json())
}

/// Reads one document with all of YAML's types and with warnings.
///
/// # Errors
/// If the text is no single YAML document or exceeds a limit.
pub fn parse_document(text: &str) -> Result<Document, YamlError> {
    parse_with(text, &Limits::default())
}

/// [`parse_document`] of a file's bytes, which must be UTF-8.
///
/// # Errors
/// As [`parse_document`], or if the bytes are no UTF-8 text.
pub fn parse_document_bytes(bytes: &[u8]) -> Result<Document, YamlError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => parse_document(text),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let wrong = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
            let position = end_of(&String::from_utf8_lossy(valid));
            Err(YamlError::new(position, format!("the file is not UTF-8 text: byte 0x{wrong:02x}")))
        }
    }
}

/// [`parse_document`] with other limits.
///
/// # Errors
/// If the text is no single YAML document or exceeds a limit.
pub fn parse_with(text: &str, limits: &Limits) -> Result<Document, YamlError> {
    if text.len() > limits.bytes {
        return Err(YamlError::new(
            Position { line: 1, column: 1 },
            format!(
                "the document has {} bytes, more than the {} allowed",
                text.len(),
                limits.bytes
            ),
        ));
    }
    let tree = compose::compose(text, limits)?;
    match tree {
        Some(tree) => construct::construct(&tree, limits),
        None => Ok(Document { value: YamlValue::Null, warnings: Vec::new() }),
    }
}

/// The position behind the last character of `text`.
fn end_of(text: &str) -> Position {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Position { line, column }
}

#[cfg(test)]
mod tests;

//! One YAML document as JSON, with what JSON can not say refused or remembered.

use serde_json::Value;
use st2_expr::yaml::{self, YamlValue};

use crate::problem::Fault;

/// A document that was read.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its content; dates have become ISO text.
    pub content: Value,
    /// Dotted paths of what was a date and not text.
    pub dates: Vec<String>,
    /// What is allowed and probably a mistake, such as a duplicate key.
    pub warnings: Vec<Fault>,
}

impl Document {
    /// Refuses a date at or below the member `field`: it was meant as text, and how it would be
    /// written is anybody's guess.
    ///
    /// # Errors
    /// When there is one.
    pub fn refuse_dates(&self, field: &str) -> Result<(), Fault> {
        let is_below = |path: &&String| {
            path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.dates.iter().find(is_below).map_or(Ok(()), |path| {
            Err(Fault::new(path.as_str(), "an unquoted date is no text; put it in quotes"))
        })
    }
}

/// Reads the bytes of a file: UTF-8, YAML 1.1, one document.
///
/// # Errors
/// When they are no such document, or it has keys that are no text or whole numbers beyond 64 bits.
pub fn read(bytes: &[u8]) -> Result<Document, Fault> {
    let document =
        yaml::parse_document_bytes(bytes).map_err(|error| Fault::whole(error.to_string()))?;
    let mut dates = Vec::new();
    inspect(&document.value, &mut String::new(), &mut dates)?;
    let warnings = document
        .warnings
        .into_iter()
        .map(|warning| {
            Fault::whole(format!(
                "line {}, column {}: {}",
                warning.line, warning.column, warning.message
            ))
        })
        .collect();
    Ok(Document { content: document.value.into_json(), dates, warnings })
}

/// Walks the document once. `path` is extended and cut back, so that a clean document costs no
/// allocation per value.
fn inspect(value: &YamlValue, path: &mut String, dates: &mut Vec<String>) -> Result<(), Fault> {
    match value {
        YamlValue::Int(number) if i64::try_from(number).is_err() => {
            Err(Fault::new(path.as_str(), format!("{number} does not fit into 64 bits")))
        }
        YamlValue::Date(_) | YamlValue::DateTime { .. } => {
            dates.push(path.clone());
            Ok(())
        }
        YamlValue::Sequence(items) | YamlValue::Tuple(items) | YamlValue::Set(items) => {
            for (index, item) in items.iter().enumerate() {
                step(path, &index.to_string(), item, dates)?;
            }
            Ok(())
        }
        YamlValue::Mapping(members) => {
            for (key, member) in members {
                match key {
                    YamlValue::String(key) => step(path, key, member, dates)?,
                    key => return Err(no_text(key, path)),
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn step(
    path: &mut String,
    key: &str,
    value: &YamlValue,
    dates: &mut Vec<String>,
) -> Result<(), Fault> {
    let length = path.len();
    if length > 0 {
        path.push('.');
    }
    path.push_str(key);
    inspect(value, path, dates)?;
    path.truncate(length);
    Ok(())
}

fn no_text(key: &YamlValue, path: &str) -> Fault {
    let shown = st2_schema::repr(&key.to_json());
    Fault::new(path, format!("the key {shown} is no text; put it in quotes if text is meant"))
}

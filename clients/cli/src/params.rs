//! `name=value` words of `st2 run` made into typed arguments.
//!
//! Pure but for the reading of `@name=path` files. The declared type of a parameter decides how its
//! text is read: the runner's declaration first, then the action's; an unknown name is text.

mod cast;
mod number;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The parameter that a command written without a name goes to.
const COMMAND: &str = "cmd";
/// The one action that takes files apart: content and name go to two parameters.
const HTTP_ACTION: &str = "core.http";

/// One argument, ready to be written as JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Argument {
    /// An ordinary value.
    Value(Value),
    /// A number no machine word holds, kept as it was written.
    Exact(Box<RawValue>),
    /// An array whose items may be exact.
    List(Vec<Argument>),
}

pub(crate) type Arguments = IndexMap<String, Argument>;

/// What is known about the parameters of one action.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared<'a> {
    /// Reference or id, as typed.
    pub(crate) action: &'a str,
    /// Parameters of the runner.
    pub(crate) runner: &'a Map<String, Value>,
    /// Parameters of the action itself.
    pub(crate) own: &'a Map<String, Value>,
}

impl<'a> Declared<'a> {
    fn of(&self, name: &str) -> Option<&'a Value> {
        self.runner.get(name).or_else(|| self.own.get(name))
    }
}

/// Why a word is no argument.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ParamError {
    #[error("Parameter \"{name}\": {reason}")]
    Value { name: String, reason: String },
    #[error(
        "Parameter \"{name}\" of \"{action}\" is declared with {found}, which a value cannot be read by"
    )]
    Declaration { action: String, name: String, found: String },
    #[error("Parameter \"{name}\" is given several times, and not each time as an array")]
    Repeated { name: String },
    #[error("File \"{}\" doesn't exist", path.display())]
    NoFile { path: PathBuf },
    #[error("\"{}\" is not a file", path.display())]
    NotAFile { path: PathBuf },
    #[error("File \"{}\" cannot be read as UTF-8 text", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "Parameter \"file_content\" needs a name: give it as @file_content=PATH, or add file_name=NAME"
    )]
    NamelessContent,
}

/// Reads all words. `base` is what relative paths start from.
pub(crate) fn parse(
    words: &[String],
    declared: Declared<'_>,
    auto_dict: bool,
    base: &Path,
) -> Result<Arguments, ParamError> {
    let mut found = Arguments::new();
    let mut file_name = None;
    for (index, word) in words.iter().enumerate() {
        let Some((name, text)) = word.split_once('=') else {
            let rest = words.get(index..).unwrap_or_default().join(" ");
            found.insert(COMMAND.to_owned(), Argument::Value(rest.into()));
            break;
        };
        if let Some(name) = name.strip_prefix('@') {
            let (content, base_name) = read_file(&base.join(text))?;
            let name = if declared.action == HTTP_ACTION { "file_content" } else { name };
            file_name = Some(base_name);
            found.insert(name.to_owned(), Argument::Value(content.into()));
        } else {
            let value = match declared.of(name) {
                Some(definition) => {
                    cast::by_definition(declared.action, name, text, definition, auto_dict)?
                }
                None => Argument::Value(text.into()),
            };
            add(&mut found, name, value)?;
        }
    }
    if declared.action == HTTP_ACTION {
        complete_upload(&mut found, file_name)?;
    }
    Ok(found)
}

/// Arrays given several times are joined; of everything else the last one stands.
fn add(found: &mut Arguments, name: &str, value: Argument) -> Result<(), ParamError> {
    match (found.get_mut(name), value) {
        (Some(Argument::List(before)), Argument::List(more)) => before.extend(more),
        (Some(Argument::List(_)), _) => return Err(ParamError::Repeated { name: name.to_owned() }),
        (_, value) => {
            found.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

fn complete_upload(found: &mut Arguments, file_name: Option<String>) -> Result<(), ParamError> {
    if !found.contains_key("file_content") {
        return Ok(());
    }
    let text = |text: &str| Argument::Value(text.into());
    found.entry("method".to_owned()).or_insert_with(|| text("POST"));
    if !found.contains_key("file_name") {
        let name = file_name.ok_or(ParamError::NamelessContent)?;
        found.insert("file_name".to_owned(), text(&name));
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<(String, String), ParamError> {
    let path = path.to_owned();
    if !path.exists() {
        return Err(ParamError::NoFile { path });
    }
    if !path.is_file() {
        return Err(ParamError::NotAFile { path });
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match std::fs::read_to_string(&path) {
        Ok(content) => Ok((content, name)),
        Err(source) => Err(ParamError::Unreadable { path, source }),
    }
}

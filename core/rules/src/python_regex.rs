//! Regular expressions with Python's syntax and meaning on top of a backtracking engine.
//!
//! A pattern is read with Python's grammar (so that what Python refuses is refused here, with the
//! place) and written anew for the engine (so that `$`, `\w`, `\s`, ignoring case … mean what they
//! mean in Python). Matching has a step budget; using it up is an error.

use std::sync::OnceLock;

use fancy_regex::{Error as EngineError, Regex, RegexBuilder, RuntimeError};

use crate::error::Error;

mod class;
mod escape;
mod flags;
mod group;
mod parse;
mod piece;

#[cfg(test)]
mod tests;

/// Backtracking steps one match may take.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// Which texts a translation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// ASCII, and no newline at the end.
    Plain,
    Any,
}

/// How a pattern is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    /// Anywhere in the text.
    Anywhere,
    /// Anywhere, ignoring case.
    AnywhereIgnoringCase,
    /// At the start of the text; `.` accepts newlines.
    AtStart,
}

/// A compiled pattern.
///
/// Most texts are ASCII and do not end with a newline. For those `$` and `\b` mean the same to
/// Python and to the engine, whose fast matcher can then be used; the exact but slow form is made
/// when the first other text comes.
#[derive(Debug, Clone)]
pub(crate) struct PythonRegex {
    plain: Regex,
    exact: Option<Exact>,
}

#[derive(Debug, Clone)]
struct Exact {
    pattern: String,
    search: Search,
    compiled: OnceLock<Result<Regex, Error>>,
}

impl PythonRegex {
    pub(crate) fn new(pattern: &str, search: Search) -> Result<Self, Error> {
        let plain = written(pattern, search, Texts::Plain)?;
        let exact = (plain != written(pattern, search, Texts::Any)?).then(|| Exact {
            pattern: pattern.to_owned(),
            search,
            compiled: OnceLock::new(),
        });
        Ok(Self { plain: build(pattern, &plain)?, exact })
    }

    pub(crate) fn is_match(&self, text: &str) -> Result<bool, Error> {
        let regex = match &self.exact {
            Some(exact) if !text.is_ascii() || text.ends_with('\n') => exact.regex()?,
            _ => &self.plain,
        };
        regex.is_match(text).map_err(|error| {
            let what = match error {
                EngineError::RuntimeError(RuntimeError::BacktrackLimitExceeded) => {
                    "matching the regular expression".to_owned()
                }
                other => format!("matching the regular expression ({other})"),
            };
            Error::TooManySteps { what }
        })
    }
}

impl Exact {
    fn regex(&self) -> Result<&Regex, Error> {
        self.compiled
            .get_or_init(|| {
                let written = written(&self.pattern, self.search, Texts::Any)?;
                build(&self.pattern, &written)
            })
            .as_ref()
            .map_err(Clone::clone)
    }
}

/// `pattern` in the engine's syntax.
fn written(pattern: &str, search: Search, texts: Texts) -> Result<String, Error> {
    let flags = flags::Flags {
        ignore_case: search == Search::AnywhereIgnoringCase,
        dot_all: search == Search::AtStart,
        ..flags::Flags::default()
    };
    let body = parse::translate(pattern, flags, texts).map_err(|problem| Error::Regex {
        pattern: pattern.to_owned(),
        position: problem.position,
        reason: problem.reason,
    })?;
    Ok(match search {
        Search::AtStart => format!(r"\A(?:{body})"),
        _ => body,
    })
}

fn build(pattern: &str, written: &str) -> Result<Regex, Error> {
    RegexBuilder::new(written).backtrack_limit(BACKTRACK_LIMIT).build().map_err(|error| {
        Error::Regex {
            pattern: pattern.to_owned(),
            position: 0,
            reason: format!("the engine refuses it ({error})"),
        }
    })
}

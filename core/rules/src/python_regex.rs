//! Regular expressions with Python's syntax and meaning on top of a backtracking engine.
//!
//! A pattern is read with Python's grammar (so that what Python refuses is refused here, with the
//! place) and written anew for the engine (so that `$`, `\w`, `\s`, ignoring case … mean what they
//! mean in Python). Matching has a step budget; using it up is an error.

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
#[derive(Debug, Clone)]
pub(crate) struct PythonRegex {
    regex: Regex,
}

impl PythonRegex {
    pub(crate) fn new(pattern: &str, search: Search) -> Result<Self, Error> {
        let refused = |position, reason: String| Error::Regex {
            pattern: pattern.to_owned(),
            position,
            reason,
        };
        let flags = flags::Flags {
            ignore_case: search == Search::AnywhereIgnoringCase,
            dot_all: search == Search::AtStart,
            ..flags::Flags::default()
        };
        let body = parse::translate(pattern, flags)
            .map_err(|problem| refused(problem.position, problem.reason))?;
        let written = match search {
            Search::AtStart => format!(r"\A(?:{body})"),
            _ => body,
        };
        let regex = RegexBuilder::new(&written)
            .backtrack_limit(BACKTRACK_LIMIT)
            .build()
            .map_err(|error| refused(0, format!("the engine refuses it ({error})")))?;
        Ok(Self { regex })
    }

    pub(crate) fn is_match(&self, text: &str) -> Result<bool, Error> {
        self.regex.is_match(text).map_err(|error| {
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

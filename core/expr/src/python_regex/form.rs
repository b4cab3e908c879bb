//! A translation for the engine, compiled when it is first needed.

use std::sync::OnceLock;

use fancy_regex::{Regex, RegexBuilder};

use super::RegexError;

/// Backtracking steps one match may take.
const STEPS_MAX: usize = 1_000_000;

type Compiled = OnceLock<Result<Regex, RegexError>>;

#[derive(Debug, Clone)]
pub(super) struct Form {
    /// As the author wrote it.
    pattern: String,
    /// As the engine reads it.
    written: String,
    regex: Compiled,
    advancing: Compiled,
}

impl Form {
    pub(super) fn new(pattern: &str, written: String) -> Self {
        Self {
            pattern: pattern.to_owned(),
            written,
            regex: Compiled::new(),
            advancing: Compiled::new(),
        }
    }

    pub(super) fn regex(&self) -> Result<&Regex, RegexError> {
        self.compiled(&self.regex, || self.written.clone())
    }

    /// The same, but a match has to end behind the place where the search starts.
    pub(super) fn advancing(&self) -> Result<&Regex, RegexError> {
        self.compiled(&self.advancing, || format!(r"(?:{})(?!\G)", self.written))
    }

    fn compiled<'f>(
        &self,
        cell: &'f Compiled,
        written: impl FnOnce() -> String,
    ) -> Result<&'f Regex, RegexError> {
        let build = || {
            RegexBuilder::new(&written()).backtrack_limit(STEPS_MAX).build().map_err(|error| {
                RegexError::pattern(&self.pattern, 0, format!("the engine refuses it ({error})"))
            })
        };
        cell.get_or_init(build).as_ref().map_err(Clone::clone)
    }
}

//! Why a pattern gave no answer.

use fancy_regex::{Error, RuntimeError};

/// What can be wrong with a pattern, a replacement, or one look at one text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    /// The pattern is no regular expression.
    #[error("pattern \"{pattern}\" is not a regular expression: {reason} at position {position}")]
    Pattern {
        /// As written.
        pattern: String,
        /// In characters from the start.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The replacement is none for this pattern.
    #[error("replacement \"{replacement}\": {reason} at position {position}")]
    Replacement {
        /// As written.
        replacement: String,
        /// In characters from the start.
        position: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Matching took more steps than one match may.
    #[error("{what} took more than the allowed number of steps")]
    Steps {
        /// What was being done.
        what: String,
    },
    /// The result is larger than asked for.
    #[error("the result of the regular expression has more than {max} bytes")]
    Size {
        /// The limit.
        max: usize,
    },
}

impl RegexError {
    pub(super) fn pattern(pattern: &str, position: usize, reason: String) -> Self {
        Self::Pattern { pattern: pattern.to_owned(), position, reason }
    }

    pub(super) fn of_matching(error: Error) -> Self {
        let what = match error {
            Error::RuntimeError(RuntimeError::BacktrackLimitExceeded) => {
                "matching the regular expression".to_owned()
            }
            other => format!("matching the regular expression ({other})"),
        };
        Self::Steps { what }
    }

    pub(super) const fn check_size(size: usize, max: usize) -> Result<(), Self> {
        if size > max { Err(Self::Size { max }) } else { Ok(()) }
    }
}

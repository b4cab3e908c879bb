//! What can be wrong with a rule, or with one look at one payload.

use serde_json::Value;
use st2_expr::jinja::JinjaError;
use st2_expr::jsonpath::PathError;
use st2_expr::python_regex::RegexError;

use crate::python::type_name;

/// Which operand of an operator is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What the criterion's key found in the payload.
    Value,
    /// The criterion's pattern.
    Pattern,
}

impl Side {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Value => Self::Pattern,
            Self::Pattern => Self::Value,
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Value => "value",
            Self::Pattern => "pattern",
        })
    }
}

/// Why a criterion cannot be compiled, or could not be decided for one payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The criterion is not an object, or its `type` is not a string.
    #[error("rule {rule}: criterion \"{key}\": {field} is {found}, {expected} is expected")]
    Shape {
        /// Ref of the rule.
        rule: String,
        /// Key of the criterion.
        key: String,
        /// What of the criterion.
        field: &'static str,
        /// What may stand there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// There is no such operator.
    #[error(
        "rule {rule}: criterion \"{key}\": operator \"{operator}\" is unknown; allowed operators: {}",
        crate::Operator::names().collect::<Vec<_>>().join(", ")
    )]
    UnknownOperator {
        /// Ref of the rule.
        rule: String,
        /// Key of the criterion.
        key: String,
        /// As written.
        operator: String,
    },
    /// `search` inside `search` inside … deeper than anybody needs.
    #[error("rule {rule}: criterion \"{key}\": search is nested more than {max} deep")]
    TooDeep {
        /// Ref of the rule.
        rule: String,
        /// Key of the criterion.
        key: String,
        /// The limit.
        max: usize,
    },
    /// An operand is not of a type the operator takes.
    #[error("the {side} is {found}, {expected} is expected")]
    Operand {
        /// Which one.
        side: Side,
        /// What the operator takes.
        expected: &'static str,
        /// What came.
        found: &'static str,
    },
    /// The two cannot be ordered.
    #[error("{left} and {right} have no order")]
    NotComparable {
        /// Type of the value.
        left: &'static str,
        /// Type of the pattern.
        right: &'static str,
    },
    /// The pattern is no number of seconds.
    #[error("pattern \"{text}\" is not a number")]
    NotANumber {
        /// As written.
        text: String,
    },
    /// The value is no point in time.
    #[error("value \"{text}\" is not a date: {reason}")]
    Date {
        /// As it came.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The pattern is no regular expression.
    #[error(transparent)]
    Regex(RegexError),
    /// Matching took more steps than one criterion may.
    #[error("{what} took more than the allowed number of steps")]
    TooManySteps {
        /// What was being done.
        what: String,
    },
    /// `condition` of a search is none of the four.
    #[error(
        "condition {found} is not recognized for operator search; any, all, any2any and all2any are allowed"
    )]
    Condition {
        /// As written.
        found: String,
    },
    /// Operators may be written in any case, except this one.
    #[error("operator \"{found}\" must be spelled search")]
    SearchSpelling {
        /// As written.
        found: String,
    },
    /// The key is no path, or this payload breaks it.
    #[error(transparent)]
    Path(#[from] PathError),
    /// A template could not be rendered.
    #[error(transparent)]
    Template(#[from] JinjaError),
}

impl Error {
    pub(crate) const fn operand(side: Side, expected: &'static str, found: &Value) -> Self {
        Self::Operand { side, expected, found: type_name(found) }
    }
}

impl From<RegexError> for Error {
    fn from(error: RegexError) -> Self {
        match error {
            RegexError::Steps { what } => Self::TooManySteps { what },
            other => Self::Regex(other),
        }
    }
}

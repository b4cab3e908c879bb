//! What can go wrong in a rendering, and how an error of the engine becomes one of ours.

use minijinja::{Error, ErrorKind};

use super::KeyRef;

/// A rendering that gave no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JinjaError {
    /// The text is no template: it does not parse, or names a filter or test that does not exist.
    #[error("line {line}: {message}")]
    Syntax { line: usize, message: String },
    /// A name, attribute or element that does not exist was used.
    #[error("{message}")]
    Undefined { message: String },
    /// An operation failed on the values it was given.
    #[error("{message}")]
    Evaluation { message: String },
    /// The template reached for something templates may not touch.
    #[error("{message}")]
    Security { message: String },
    /// The rendering used more steps, depth or text than allowed.
    #[error("{message}")]
    Limit { message: String },
    /// Datastore items that have to be loaded before the template can be rendered.
    #[error("datastore items are not loaded: {}", .0.iter().map(KeyRef::to_string).collect::<Vec<_>>().join(", "))]
    KeysNeeded(Vec<KeyRef>),
}

impl JinjaError {
    pub(super) fn from_engine(error: &Error) -> Self {
        let message = message_of(error);
        match error.kind() {
            ErrorKind::SyntaxError
            | ErrorKind::BadEscape
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest => Self::Syntax { line: error.line().unwrap_or(1), message },
            ErrorKind::UndefinedError | ErrorKind::UnknownMethod if message.contains(".__") => {
                Self::Security { message }
            }
            ErrorKind::UndefinedError | ErrorKind::UnknownMethod | ErrorKind::UnknownFunction => {
                Self::Undefined { message }
            }
            // Operators tell what they were given and that a part of it is undefined.
            ErrorKind::InvalidOperation if message.ends_with("is undefined)") => {
                Self::Undefined { message }
            }
            ErrorKind::OutOfFuel => Self::Limit {
                message: "the template needs more steps than one rendering may take".to_owned(),
            },
            _ => {
                if let Some(limit) = message.strip_prefix(LIMIT) {
                    Self::Limit { message: limit.to_owned() }
                } else if let Some(unsafe_use) = message.strip_prefix(SECURITY) {
                    Self::Security { message: unsafe_use.to_owned() }
                } else {
                    Self::Evaluation { message }
                }
            }
        }
    }
}

const LIMIT: &str = "limit: ";
const SECURITY: &str = "unsafe: ";

/// The innermost message: an error raised inside a macro or block is wrapped by the engine, and
/// people need the cause.
fn message_of(error: &Error) -> String {
    let mut innermost = error;
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(inner) = inner.downcast_ref::<Error>() {
            innermost = inner;
        }
        source = inner.source();
    }
    match innermost.detail() {
        Some(detail) => detail.to_owned(),
        None => innermost.kind().to_string(),
    }
}

/// An error about the values an operation was given.
pub(super) fn value_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// An error about an undefined value.
pub(super) fn undefined_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::UndefinedError, message.into())
}

/// An error about a limit of the rendering.
pub(super) fn limit_error(message: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{LIMIT}{message}"))
}

/// An error about something templates may not touch.
pub(super) fn security_error(message: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{SECURITY}{message}"))
}

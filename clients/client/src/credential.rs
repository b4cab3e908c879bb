//! What a request proves its caller with.

use std::fmt;

/// A token or an API key. The text is shown by nothing: `Debug` prints the kind only.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Sent as `X-Auth-Token`.
    Token(String),
    /// Sent as `St2-Api-Key`.
    ApiKey(String),
}

impl Credential {
    pub(crate) fn header(&self) -> (&'static str, &str) {
        match self {
            Self::Token(text) => ("x-auth-token", text),
            Self::ApiKey(text) => ("st2-api-key", text),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(********)",
            Self::ApiKey(_) => "ApiKey(********)",
        })
    }
}

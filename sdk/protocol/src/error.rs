//! Error answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Known error codes. The first five are those of JSON-RPC 2.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The line is not JSON.
    Parse,
    /// The line is JSON but no message of this protocol.
    InvalidRequest,
    /// No such method.
    MethodNotFound,
    /// The method exists, its parameters are wrong.
    InvalidParams,
    /// The answering side failed for reasons of its own.
    Internal,
    /// The code of the guest failed: its sensor raised, returned an error, or panicked.
    GuestFailed,
    /// The operator has not granted what the call needs; `data.grant` names it.
    NotGranted,
    /// A store or service behind the host does not answer now; the same call may succeed later.
    Unavailable,
    /// The sensor now runs elsewhere: nothing this guest sends is accepted any more.
    Fenced,
    /// No protocol version is spoken by both sides.
    UnsupportedVersion,
    /// The method may not be called in this phase.
    OutOfOrder,
    /// The answer would be longer than a line may be.
    TooLarge,
    /// A number this version does not know.
    Other(i64),
}

const CODES: [(ErrorCode, i64); 12] = [
    (ErrorCode::Parse, -32700),
    (ErrorCode::InvalidRequest, -32600),
    (ErrorCode::MethodNotFound, -32601),
    (ErrorCode::InvalidParams, -32602),
    (ErrorCode::Internal, -32603),
    (ErrorCode::GuestFailed, -32000),
    (ErrorCode::NotGranted, -32001),
    (ErrorCode::Unavailable, -32002),
    (ErrorCode::Fenced, -32003),
    (ErrorCode::UnsupportedVersion, -32004),
    (ErrorCode::OutOfOrder, -32005),
    (ErrorCode::TooLarge, -32006),
];

impl From<i64> for ErrorCode {
    fn from(number: i64) -> Self {
        let known = CODES.iter().find(|(_, known)| *known == number);
        known.map_or(Self::Other(number), |(code, _)| *code)
    }
}

impl From<ErrorCode> for i64 {
    fn from(code: ErrorCode) -> Self {
        if let ErrorCode::Other(number) = code {
            return number;
        }
        let known = CODES.iter().find(|(known, _)| *known == code);
        known.map_or(-32603, |(_, number)| *number)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64((*self).into())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from)
    }
}

/// The `error` member of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    /// What kind of failure.
    pub code: ErrorCode,
    /// One sentence for a human.
    pub message: String,
    /// Details for a program, for example `{"grant": "datastore:write"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl RpcError {
    /// An error without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}

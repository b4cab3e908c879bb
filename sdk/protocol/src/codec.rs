//! One line, one message.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::calls::Call;
use crate::error::{ErrorCode, RpcError};

/// Number of a request, chosen by its sender: 0, 1, 2, … in the order of sending. Each direction
/// counts for itself.
pub type RequestId = u64;

/// A message that arrived.
#[derive(Debug)]
pub enum Incoming<C> {
    /// A call that wants an answer. An `Err` is to be sent back as it is.
    Request {
        /// To be repeated in the answer.
        id: RequestId,
        /// The call.
        call: Result<C, RpcError>,
    },
    /// A call that wants no answer. An `Err` is to be logged.
    Notification {
        /// The call.
        call: Result<C, RpcError>,
    },
    /// The answer to a request of ours.
    Answer {
        /// Number of our request.
        id: RequestId,
        /// What it gave, as text, because only the sender of the request knows its type.
        result: Result<Box<RawValue>, RpcError>,
    },
    /// The other side could not read a line of ours.
    Complaint(RpcError),
}

/// A line that is no message.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not even JSON: the sides have lost each other and the channel must be closed.
    #[error("a line is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but not of this protocol: answered with an error without id.
    #[error("a line is JSON but no message: {reason}")]
    NotAMessage {
        /// What is wrong.
        reason: String,
    },
}

impl LineError {
    /// The answer to send, without id.
    #[must_use]
    pub fn answer(&self) -> RpcError {
        let code = match self {
            Self::NotJson(_) => ErrorCode::Parse,
            Self::NotAMessage { .. } => ErrorCode::InvalidRequest,
        };
        RpcError::new(code, self.to_string())
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    id: Option<RequestId>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<RpcError>,
}

/// Reads a line without its line end.
///
/// # Errors
/// When the line is no message. A message with a wrong method or wrong parameters is no error here.
pub fn decode<C: Call>(line: &[u8]) -> Result<Incoming<C>, LineError> {
    let envelope: Envelope<'_> = serde_json::from_slice(line).map_err(|error| {
        if error.is_data() {
            LineError::NotAMessage { reason: error.to_string() }
        } else {
            LineError::NotJson(error)
        }
    })?;
    if line.trim_ascii_start().first() != Some(&b'{') {
        return Err(LineError::NotAMessage { reason: "not an object".to_owned() });
    }
    if envelope.jsonrpc.as_deref() != Some("2.0") {
        return Err(LineError::NotAMessage { reason: "\"jsonrpc\" is not \"2.0\"".to_owned() });
    }
    let Envelope { id, method, params, result, error, .. } = envelope;
    match (id, method, error) {
        (Some(id), Some(method), None) => {
            Ok(Incoming::Request { id, call: C::parse(&method, params) })
        }
        (None, Some(method), None) => {
            Ok(Incoming::Notification { call: C::parse(&method, params) })
        }
        (Some(id), None, Some(error)) => Ok(Incoming::Answer { id, result: Err(error) }),
        (Some(id), None, None) => {
            Ok(Incoming::Answer { id, result: Ok(result.unwrap_or(RawValue::NULL).to_owned()) })
        }
        (None, None, Some(error)) => Ok(Incoming::Complaint(error)),
        (None, None, None) => {
            Err(LineError::NotAMessage { reason: "neither \"method\" nor \"id\"".to_owned() })
        }
        (_, Some(_), Some(_)) => {
            Err(LineError::NotAMessage { reason: "both \"method\" and \"error\"".to_owned() })
        }
    }
}

#[derive(Serialize)]
struct OutgoingCall<'a, C> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<RequestId>,
    method: &'static str,
    params: &'a C,
}

#[derive(Serialize)]
struct OutgoingResult<'a, R> {
    jsonrpc: &'static str,
    id: RequestId,
    result: &'a R,
}

#[derive(Serialize)]
struct OutgoingError<'a> {
    jsonrpc: &'static str,
    id: Option<RequestId>,
    error: &'a RpcError,
}

/// A request as one line with its line end.
///
/// # Errors
/// Never for the messages of this crate.
pub fn encode_request<C: Call>(id: RequestId, call: &C) -> serde_json::Result<Vec<u8>> {
    line(&OutgoingCall { jsonrpc: "2.0", id: Some(id), method: call.method(), params: call })
}

/// A notification as one line with its line end.
///
/// # Errors
/// Never for the messages of this crate.
pub fn encode_notification<C: Call>(call: &C) -> serde_json::Result<Vec<u8>> {
    line(&OutgoingCall { jsonrpc: "2.0", id: None, method: call.method(), params: call })
}

/// A good answer as one line with its line end.
///
/// # Errors
/// When the result cannot be written as JSON.
pub fn encode_result<R: Serialize>(id: RequestId, result: &R) -> serde_json::Result<Vec<u8>> {
    line(&OutgoingResult { jsonrpc: "2.0", id, result })
}

/// An error answer as one line with its line end; without id when the request could not be read.
///
/// # Errors
/// Never for the messages of this crate.
pub fn encode_error(id: Option<RequestId>, error: &RpcError) -> serde_json::Result<Vec<u8>> {
    line(&OutgoingError { jsonrpc: "2.0", id, error })
}

fn line(message: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

//! HTTP client of the REST API: addresses, credentials, requests, and one error per situation.
//!
//! Invariants: every answer outside 2xx becomes [`Error::Status`] with the server's `faultstring`;
//! credentials never reach an error text or the request log; certificates are verified unless the
//! caller says otherwise. Nothing here prints and nothing reads the environment.
//!
//! First file to read: `client.rs`.

mod client;
mod credential;
mod error;
mod executions;
mod target;
mod tokens;

#[cfg(test)]
mod tests;

pub use client::{Client, Page, Trace, segment};
pub use credential::Credential;
pub use error::Error;
pub use executions::{ExecutionRequest, is_waiting};
pub use target::{Endpoints, Target, Trust};
pub use tokens::Token;

/// Result of every call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

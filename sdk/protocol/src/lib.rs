//! The plugin protocol: what the host and a guest process say to each other, as values.
//!
//! `protocol.md` is the protocol for readers, `schema.json` for tools, this crate for Rust. Tests
//! keep the three the same. No I/O here: [`LineBuffer`] takes bytes and gives lines, [`decode`]
//! takes a line and gives an [`Incoming`], the `encode_*` functions give the bytes to write.
//!
//! Invariants:
//! - a line longer than the limit is found before it is held in memory;
//! - whatever the other side sends, the outcome is one of those in `protocol.md`, never a panic;
//! - within one protocol version members are only ever added, so unknown ones are ignored.
//!
//! Read `protocol.md` first, then `calls.rs`.

mod calls;
mod codec;
mod error;
mod line;
mod messages;

pub use calls::{Call, GuestCall, HostCall};
pub use codec::{
    Incoming, LineError, RequestId, decode, encode_error, encode_notification, encode_request,
    encode_result,
};
pub use error::{ErrorCode, RpcError};
pub use line::{LineBuffer, LineTooLong};
pub use messages::{
    AddTrigger, ChannelLimits, Configure, DatastoreDelete, DatastoreDeleted, DatastoreGet,
    DatastoreItem, DatastoreItems, DatastoreList, DatastoreSet, DatastoreValue, Dispatch,
    DispatchItem, DispatchOutcome, Dispatched, Done, GuestKind, Initialize, Initialized, Log,
    LogLevel, Nothing, RemoveTrigger, SensorKind, Trigger, UpdateTrigger,
};

/// The version this crate speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// Environment variable that tells the guest the number of its channel descriptor.
pub const FD_VARIABLE: &str = "ST2_PLUGIN_FD";

/// Longest line either side accepts unless `initialize` says otherwise: 16 MiB with its line end.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Requests a guest may have unanswered unless `initialize` says otherwise.
pub const REQUESTS_IN_FLIGHT_MAX: u32 = 64;

/// Items of one `dispatch`.
pub const DISPATCH_ITEMS_MAX: usize = 1_000;

/// The JSON schema of every message, draft 2020-12.
pub const SCHEMA: &str = include_str!("../schema.json");

#[cfg(test)]
mod tests;

//! The document port on SQLite: one file, one writer, a few readers.
//!
//! - Every write that waits when the writer is free goes into one transaction; each has its own
//!   outcome. A write through the relaxed view is answered when it is in the log, any other when
//!   the log is on disk; one flush serves all who wait for one (`flusher.rs`).
//! - Documents are JSON text. What a collection declares as an index stands in columns beside it,
//!   encoded so that SQLite's own order of values is the port's (`key.rs`). What is not declared
//!   is judged by the port's pure functions, so that both ways give the same answer.
//! - What was written last is read from memory (`recent.rs`).
//! - SQLite runs on threads of its own; a caller's thread is never blocked.
//! - One process at a time owns the file.
//!
//! Read first: `store.rs`, then `writer.rs`, `flusher.rs` and `plan.rs`.

mod blob;
mod error;
mod file;
mod flusher;
mod key;
mod layout;
mod plan;
mod read;
mod reader;
mod recent;
mod schema;
mod store;
mod write;
mod writer;

#[cfg(test)]
mod tests;

pub use error::OpenError;
pub use store::SqliteStore;

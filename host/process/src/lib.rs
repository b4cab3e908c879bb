//! Starts, watches and ends the operating system processes of the product: plain commands for the
//! runners ([`spawn`]) and subprocess plugins for the plugin host ([`plugin`]).
//!
//! Invariants, each held by a test:
//! - a process is started by one dedicated thread that lives as long as the host, so that the
//!   kernel's parent-death signal means "the host died" and never "a pool thread retired";
//! - every process leads its own session, owns no descriptor that was not handed to it, and starts
//!   from an environment that was spelled out;
//! - whatever happens to a [`Process`] (waited for, terminated, dropped, its future cancelled), the
//!   process ends, is reaped, and takes its session and its escaped descendants with it, unless
//!   [`Leftovers::Keep`] says otherwise;
//! - what a host that was killed leaves behind is ended by the next one (`reclaim.rs`);
//! - output reaches the caller in bounded chunks, nothing here grows with the amount of it.
//!
//! This is the only crate that knows `nix` and may use `unsafe`, one reason per block.
//! Read `process.rs` first, then `spawn.rs`, `sweep.rs` and `warden.rs`.

mod error;
mod lines;
pub mod plugin;
mod process;
mod procfs;
mod reclaim;
mod spawn;
mod spec;
mod streams;
mod sweep;
mod warden;

pub use error::{Error, Result};
pub use lines::LineSplitter;
pub use process::{Control, ExitStatus, Process, spawn};
pub use spec::{Leftovers, Output, ProcessLimits, Spec, Stdin, Stream};
pub use warden::end_all;

#[cfg(test)]
mod tests;

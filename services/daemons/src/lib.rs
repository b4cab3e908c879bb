//! The composition root: the only crate that knows every part.
//!
//! An executable is a list of services. `bootstrap.rs` makes the ports from the configuration,
//! `services.rs` makes the services from the ports, `run.rs` runs them until they are to stop.
//! Invariant: nothing outside this crate asks which backend it runs on.
//!
//! Read first: `bin/st2d.rs`, then `bootstrap.rs`.

mod admin;
mod bootstrap;
mod builtin;
mod data_dir;
mod demo;
mod flags;
mod run;
mod services;

/// Documents are made by one thread and dropped by another all the time, which the C library's
/// allocator answers with locks: with this one an execution costs a third less.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use flags::{CommonFlags, SensorFlags, St2dFlags, print_completion};
pub use run::{Main, exit, main_of};
pub use services::{Selection, native_plugins};

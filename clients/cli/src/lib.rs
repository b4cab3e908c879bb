//! The command `st2`: arguments in, requests to the REST API, text out.
//!
//! Invariants: one failure prints one text and gives one exit code; data goes to standard output
//! in the format asked for; nothing reads the process's environment, clock or terminal except
//! through [`System`], so that every command can be played in a test.
//!
//! First file to read: `app.rs`, then the command's file in `commands/`.

mod app;
mod args;
mod commands;
mod content;
mod failure;
mod ini;
mod params;
mod process;
mod render;
mod session;
mod settings;
mod spec;
mod system;
mod token_cache;

#[cfg(test)]
mod tests;

pub use app::run;
pub use process::main;
pub use system::{Prompt, System};

//! Configuration: `st2.conf` files, the environment and the command line, in two steps.
//!
//! [`Raw`] is text with provenance: what was written, and where. [`Settings`] is what the product
//! runs with: typed, checked, every option of [`OPTIONS`] once. Reading files is the caller's
//! business, so that this crate does no I/O.
//!
//! Invariant: a value that is wrong is an error at start that names option, origin and reason;
//! an option that nobody reads is ignored, as existing files need.
//!
//! Read first: `options.rs`, the list of all options.

mod options;
mod raw;
mod settings;

#[cfg(test)]
mod tests;

pub use options::{Kind, OPTIONS, OptionSpec};
pub use raw::{ConfigError, Origin, Raw};
pub use settings::{Backend, Settings};

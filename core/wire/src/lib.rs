//! What clients of the REST API see: records of the product turned into the JSON of StackStorm.
//!
//! Pure functions, no I/O. Invariant: a member that StackStorm shows is shown under the same name
//! and in the same form; what only we have is shown where it is set and nowhere else.
//!
//! Read first: `content.rs`, then `execution.rs`.

pub mod access;
pub mod content;
pub mod execution;
pub mod occurrence;
mod view;

#[cfg(test)]
mod tests;

//! What a runner is: the contract between the worker, which holds an execution, and the code that
//! carries an action out.
//!
//! Invariants: what goes wrong in a guest is an [`Outcome`], never an error of the host; a runner
//! ends its guest soon after `cancel` is cancelled, and at once when the future of [`Runner::run`]
//! is dropped; secrets are in the clear in a [`RunContext`] and nowhere else, and a runner hands
//! them to its guest by a channel that others can not read.
//!
//! Read first: `runner.rs`; `noop.rs` is the smallest runner.

pub mod noop;
mod output;
mod runner;

#[cfg(test)]
mod tests;

pub use output::{Output, Outputs, Piece, output};
pub use runner::{RunContext, Runner};
pub use st2_execution::{Content, Outcome};

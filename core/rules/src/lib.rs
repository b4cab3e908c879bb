//! Rules: which of them an occurrence of a trigger concerns, and with which parameters their
//! actions are requested.
//!
//! Pure: no I/O, no clock, no runtime. Datastore items that criteria or parameters need and the
//! caller has not loaded are an answer ([`Evaluation::KeysNeeded`]); the caller fetches them and
//! asks again. Invariants: nothing panics, every evaluation is bounded in steps, and what is wrong
//! with one rule never touches another.
//!
//! Read first: `rule_set.rs`, then `evaluate.rs` and `criteria.rs`.

mod compiled;
mod criteria;
mod dates;
mod error;
mod evaluate;
mod index;
mod operators;
mod path;
mod pattern;
mod python;
mod request;
mod rule_set;
mod verdict;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

pub use compiled::CompiledRule;
pub use error::{Error, Side};
pub use operators::{Operator, Test};
pub use request::RuleRequest;
pub use rule_set::{Occurrence, RuleSet};
pub use verdict::{Evaluation, Failure, Outcome, Verdict};

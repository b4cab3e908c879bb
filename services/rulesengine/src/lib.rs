//! The rules engine: trigger instances become enforcements and executions.
//!
//! Invariants: a rule and a trigger instance bring about at most one execution and one enforcement
//! record, however often and by however many engines the instance is looked at, because the ids of
//! both follow from the pair; an instance counts as processed only when all that follows from it
//! is stored.
//!
//! Read first: `engine.rs` (which instances), then `enforce.rs` (what follows from one).

mod enforce;
mod engine;
mod known;

#[cfg(test)]
mod tests;

pub use engine::RulesEngine;

//! The contract with StackStorm's users, held against the real executable.
//!
//! `vectors/` has the recorded answers of the original, `differences/` what we answer otherwise on
//! purpose, each with its reason: a list that only shrinks. The tests are in `tests/`.
//!
//! Read first: `tests/play.rs`.

//! Expressions and texts of StackStorm, as values: YAML 1.1 documents, Jinja templates, JSONPath
//! queries, regular expressions and the symmetric encryption of datastore items.
//!
//! Invariants: nothing here does I/O, waits or reads a clock; every input is untrusted and every
//! evaluation is bounded in size, depth and steps; nothing panics. A datastore item that a template
//! needs and that is not at hand is an answer ([`jinja::JinjaError::KeysNeeded`]), not a lookup.
//!
//! Read `jinja.rs` first.

pub mod crypto;
pub mod jinja;
pub mod jsonpath;
pub mod python;
pub mod python_regex;
pub mod yaml;

//! Parameter schemas of StackStorm: JSON Schema draft 4 with `secret`, `immutable`, `position` and
//! a boolean `required` on the property.
//!
//! A schema is compiled once ([`Schema`]) and then fills defaults into and validates any number of
//! values: action parameters, trigger payloads and parameters, pack configs, policy parameters,
//! inquiry responses, action output. The same definitions say what has to be masked ([`mask`]) and
//! are themselves checked when content is registered ([`check_definitions`],
//! [`check_action_parameters`]).
//!
//! Invariants: nothing here does I/O; schemas and values are untrusted, so depth, pattern size and
//! pattern steps are bounded and nothing panics; error texts are those of StackStorm's Python
//! validator, with Python's way of writing values.
//!
//! Read `schema.rs` first.

mod action;
mod defaults;
mod definition;
mod error;
mod mask;
mod nullable;
mod pattern;
mod plain;
mod python;
mod report;
mod schema;

#[cfg(test)]
mod tests;

pub use action::{
    action_schema, check_action_parameters, merge_parameters, refuse_immutable, resource_schema,
};
pub use definition::{Field, check_definitions};
pub use error::{Error, Path, SchemaError, Segment};
pub use mask::{MASK, mask, mask_output, mask_parameters};
pub use python::repr;
pub use schema::{Options, Schema};

//! Where occurrences come in: sensors, webhooks and internal triggers all dispatch through
//! [`Intake`], and the datastore, whose every change is an occurrence too.
//!
//! Invariants: an occurrence is accepted when its trigger instance is durable, and only then; the
//! same dedupe key is accepted once; occurrences of one call are stored in their order; a stale
//! owner of a sensor is refused.
//!
//! Read first: `dispatch.rs`.

mod datastore;
mod dispatch;

#[cfg(test)]
mod tests;

pub use datastore::{Datastore, DatastoreError, NewKeyValue};
pub use dispatch::{Accepted, Check, Intake, IntakeError, Occurrence, Selector};

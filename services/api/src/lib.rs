//! The REST API: StackStorm's resources over the ports.
//!
//! One file per resource, named as in `core/wire`. Invariants: a list never reads what its answer
//! does not show; a secret leaves masked unless it was asked for and may be seen; every error is a
//! [`st2_http::Fault`]; nothing waits by polling.
//!
//! Read first: `api.rs`, then `listing.rs`, then `executions.rs`.

mod api;
mod forms;
mod listing;
mod lookup;
mod projection;

mod actionalias;
mod actions;
mod apikeys;
mod configs;
mod executions;
mod keys;
mod packs;
mod policies;
mod ruleenforcements;
mod rules;
mod runnertypes;
mod sensortypes;
mod service_registry;
mod triggerinstances;
mod triggers;
mod triggertypes;
mod user;
mod webhooks;

#[cfg(test)]
mod tests;

pub use api::{Api, Settings, needs_credentials};

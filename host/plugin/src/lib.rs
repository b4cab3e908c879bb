//! The contract between the plugin host and whatever runs a guest: subprocess or WASM component.
//!
//! ```text
//! PluginLoader::load          once per content     may compile, unpack, check
//!   └ Plugin::bind            once per pack config  resolves grants and limits
//!       └ BoundPlugin::start  once per instance     starts the guest, up to "configured"
//!           └ PluginInstance  run (the guest's life) + PluginControl (triggers, stop)
//! ```
//!
//! Invariants:
//! - the host knows `dyn PluginLoader` only; what kind of guest runs is nobody's business;
//! - a guest reaches the product through [`GuestHost`] only, and every call of it passes the one
//!   checker in `grants.rs` ([`Guarded`]);
//! - nothing of a guest outlives its [`PluginInstance`]: dropping that ends the guest;
//! - a guest that fails is a value ([`Ended`]), never an error of the host.
//!
//! Read `loader.rs` first.

mod error;
mod grants;
mod host;
mod limits;
mod loader;

pub use error::{Error, Result};
pub use grants::{Access, Capability, DatastoreScope, Grants, Guarded, MissingGrant};
pub use host::{GuestHost, GuestLog, HostError, LogSource};
pub use limits::Limits;
pub use loader::{
    Artifact, Binding, BoundPlugin, EndReason, Ended, Plugin, PluginControl, PluginInstance,
    PluginLoader, StartContext,
};

#[cfg(test)]
mod tests;

//! What authors of plugins in Rust use.
//!
//! A sensor implements [`Sensor`] (it decides itself when to look for news) or [`PollingSensor`]
//! (the host does), and its executable calls [`serve`] or [`serve_polling`]:
//!
//! ```no_run
//! use st2_sdk::{DispatchItem, PollingSensor, SensorContext, SensorResult};
//!
//! struct Heartbeat;
//!
//! impl PollingSensor for Heartbeat {
//!     fn poll(&self, context: &SensorContext) -> SensorResult {
//!         context.service().dispatch(DispatchItem {
//!             trigger: "demo.heartbeat".to_owned(),
//!             ..DispatchItem::default()
//!         })?;
//!         Ok(())
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     st2_sdk::serve_polling(Heartbeat)
//! }
//! ```
//!
//! Invariants:
//! - a call that returns `Ok` has happened: a dispatch is stored, a value is written;
//! - memory is bounded: so many calls in flight, so many bytes a line, the caller waits;
//! - a sensor that fails or panics gives an error answer, it does not tear the channel down.
//!
//! Read `sensor.rs` first. [`testing`] runs a sensor without a host.

mod channel;
mod error;
mod sensor;
mod serve;
mod service;
mod stop;
pub mod testing;

pub use error::{Error, Result};
pub use sensor::{PollingSensor, Sensor, SensorContext, SensorResult};
pub use serve::{ServeError, serve, serve_on, serve_polling, serve_polling_on};
pub use service::SensorService;
pub use st2_protocol::{DatastoreItem, DispatchItem, DispatchOutcome, LogLevel, Trigger};
pub use stop::StopSignal;

#[cfg(test)]
mod tests;

//! The sensor host: runs the sensors that are this node's, keeps them alive, and takes in what
//! they dispatch.
//!
//! Invariants: a sensor runs under a lease, and what it dispatches carries the lease's epoch, so
//! that of two nodes that believe to own it only the later is heard; a sensor that fails is
//! started again, later and later, and never given up; a change of content restarts the sensors
//! concerned and no others; nothing of a sensor is left when the host stops.
//!
//! Read first: `host.rs` (which sensors), then `supervisor.rs` (the life of one).

mod backoff;
mod guest;
mod host;
mod status;
mod supervisor;
mod triggers;

#[cfg(test)]
mod tests;

pub use host::{SensorHost, SensorSettings};

//! Why a plugin could not be loaded, started or reached.

use std::time::Duration;

use st2_model::ResourceRef;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Situations the sensor host treats differently.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The content cannot be run as it is; trying again changes nothing until it changes.
    #[error("sensor {sensor} cannot be loaded: {reason}")]
    NotLoadable {
        /// The sensor.
        sensor: ResourceRef,
        /// Which file or field, and what is wrong with it.
        reason: String,
    },
    /// The guest could not be started; it may work later.
    #[error("sensor {sensor} cannot be started")]
    NotStarted {
        /// The sensor.
        sensor: ResourceRef,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The guest did not answer in time.
    #[error("sensor {sensor} did not answer {call} within {timeout:?}")]
    NoAnswer {
        /// The sensor.
        sensor: ResourceRef,
        /// What was asked.
        call: &'static str,
        /// How long was waited.
        timeout: Duration,
    },
    /// The guest answered that it failed.
    #[error("sensor {sensor} failed in {call}: {message}")]
    GuestFailed {
        /// The sensor.
        sensor: ResourceRef,
        /// What was asked.
        call: &'static str,
        /// The guest's own words.
        message: String,
    },
    /// The guest broke the protocol or a limit.
    #[error("sensor {sensor} was ended: {reason}")]
    Violation {
        /// The sensor.
        sensor: ResourceRef,
        /// What it did.
        reason: String,
    },
    /// The guest is not running any more.
    #[error("sensor {sensor} is not running")]
    Gone {
        /// The sensor.
        sensor: ResourceRef,
    },
}

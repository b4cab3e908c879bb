//! Native plugins of the pack `linux`: [`FileWatchSensor`].
//!
//! Invariants:
//! - a line is dispatched once and in order, whatever happens to the file, the sensor or the host
//!   (README.md of the pack lists the cases);
//! - the stored position never runs ahead of what is stored of the lines;
//! - memory per file is bounded, whatever the file contains.
//!
//! Read `sensor.rs` first, then `tail.rs`.

mod files;
mod lines;
mod position;
mod sensor;
mod tail;
mod watch;

use std::process::ExitCode;

pub use lines::LINE_BYTES_MAX;
pub use sensor::FileWatchSensor;

/// Reference of the sensor that [`file_watch_sensor`] is.
pub const FILE_WATCH_SENSOR: &str = "linux.FileWatchSensor";

/// Entry point of the native plugin `linux.FileWatchSensor`.
#[must_use]
pub fn file_watch_sensor() -> ExitCode {
    st2_sdk::serve(FileWatchSensor::default())
}

#[cfg(test)]
mod tests;

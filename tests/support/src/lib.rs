//! What tests that span crates share: real executables as processes, a node that needs nothing
//! else, and a client that sends requests exactly as they are written.
//!
//! Invariants: a process or node that is dropped is gone with everything it made; every wait has a
//! deadline; a failure shows the log of the process concerned.
//!
//! Read first: `process.rs`, then `node.rs`.

mod http;
mod node;
mod place;
mod process;

pub use http::{Connection, Request, Response, send};
pub use node::{Node, NodeOptions, Ready};
pub use place::executable;
pub use process::{End, Process, Program, run, signal};

use std::time::{Duration, Instant};

/// Calls `look` until it finds something, for `patience` at most.
///
/// # Errors
/// When nothing was found in time, with what was waited for.
#[expect(clippy::disallowed_methods, reason = "tests against real processes wait in real time")]
pub fn wait_for<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let end = Instant::now() + patience;
    let mut interval = Duration::from_millis(1);
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        anyhow::ensure!(Instant::now() < end, "waited {patience:?} in vain for {what}");
        std::thread::sleep(interval);
        interval = (interval * 2).min(Duration::from_millis(20));
    }
}

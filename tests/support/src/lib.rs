//! What tests that span crates share: a node that runs the real executable, and a client that sends
//! requests exactly as they are written.
//!
//! Invariants: a node that is dropped is gone with everything it made; every wait has a deadline.
//!
//! Read first: `node.rs`.

mod http;
mod node;
mod place;

pub use http::{Request, Response, send};
pub use node::{Node, NodeOptions};
pub use place::executable;

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
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        anyhow::ensure!(Instant::now() < end, "waited {patience:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

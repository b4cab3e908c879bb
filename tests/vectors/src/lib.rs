//! Runs recorded answers of StackStorm: files with one JSON document per line, of which the first
//! is a header.
//!
//! Invariants: lists of deliberate differences only shrink, so a listed line that is as recorded
//! fails the test like an unlisted one that is not; no line is left out unless the caller says so.
//!
//! A test of `x.jsonl` is named `vectors_x` and needs one call, [`run`] or [`run_async`]. What is
//! not one verdict per line uses [`Recording`] and [`Verdicts`].
//!
//! Read first: `verdicts.rs`.

mod differences;
mod recording;
mod verdicts;

#[cfg(test)]
mod tests;

pub use recording::Recording;
pub use verdicts::Verdicts;

use serde_json::Value;

/// Below this folder stand the repository's recordings and the lists of differences.
const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../contract");

/// Runs `check` with the header and each line of `<stem>.jsonl`.
///
/// # Panics
/// When a file cannot be read, and as [`Verdicts::settle`].
#[track_caller]
pub fn run(stem: &str, check: impl FnMut(&Value, &Value) -> Result<(), String>) {
    Recording::read(stem).run(check);
}

/// [`run`] for a check that waits.
///
/// # Panics
/// As [`run`].
pub async fn run_async(stem: &str, check: impl AsyncFnMut(&Value, &Value) -> Result<(), String>) {
    Recording::read(stem).run_async(check).await;
}

/// Ends the test as a failed assertion does.
#[track_caller]
#[expect(clippy::panic, reason = "this is a failed assertion")]
fn fail(problem: &str) -> ! {
    panic!("{problem}")
}

//! The table that the benchmark prints, line by line as it goes.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;

/// Prints lines of four columns.
#[derive(Debug, Default)]
pub(crate) struct Table;

impl Table {
    pub(crate) fn head(&mut self) -> Result<()> {
        self.line("what", "measured", "target", "StackStorm")?;
        self.line("----", "--------", "------", "----------")
    }

    pub(crate) fn line(
        &mut self,
        what: &str,
        measured: &str,
        target: &str,
        original: &str,
    ) -> Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{what:<58} {measured:<34} {target:<26} {original}")?;
        out.flush()?;
        Ok(())
    }
}

/// The middle, the 99th percentile and the worst of some durations.
pub(crate) fn percentiles(mut durations: Vec<Duration>) -> String {
    durations.sort_unstable();
    let at = |percent: usize| {
        let index = durations.len().saturating_sub(1) * percent / 100;
        durations.get(index).copied().unwrap_or_default()
    };
    format!("p50 {}, p99 {}, max {}", shown(at(50)), shown(at(99)), shown(at(100)))
}

fn shown(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

/// Bytes as megabytes.
pub(crate) fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

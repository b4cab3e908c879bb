//! What a user of the released executable gets: start, memory, latencies and rates through the
//! REST API, beside the targets and beside what StackStorm was measured at on the same kind of
//! machine.
//!
//! `cargo bench -p st2-e2e` after `cargo build --release`. The load is made on the same machine and
//! counts in. The rates of the core without HTTP: `cargo bench -p st2-stress`.

#[path = "product/latency.rs"]
mod latency;
#[path = "product/start.rs"]
mod start;
#[path = "product/table.rs"]
mod table;
#[path = "product/throughput.rs"]
mod throughput;

use anyhow::Result;
use table::Table;

type Section = (&'static str, fn(&mut Table) -> Result<()>);

/// Arguments choose sections by name; without one all are measured.
fn main() -> Result<()> {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let sections: [Section; 4] = [
        ("start", start::measure),
        ("executions", latency::executions),
        ("events", latency::events),
        ("throughput", throughput::measure),
    ];
    let mut table = Table;
    table.head()?;
    for (name, measure) in sections {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            measure(&mut table)?;
        }
    }
    Ok(())
}

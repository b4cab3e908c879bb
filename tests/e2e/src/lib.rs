//! What the tests and benchmarks of real executables share: starting them, talking to them, and
//! looking at what they have left behind.
//!
//! Everything that runs belongs to a [`Site`]: a temporary folder with a data directory, logs, and
//! the processes that were started for it. Invariants: a process of a site ends with its value;
//! waiting is on a condition and has an end; a failure shows the log of the process concerned.
//!
//! Read first: `site.rs`, on top of the processes of `tests/support`.

mod client;
mod events;
mod pack;
mod procfs;
mod records;
mod site;
mod wait;

pub use client::Client;
pub use events::{append, ended, fired, followed};
pub use pack::{PackWriter, rule};
pub use procfs::{Census, children, cpu_time, descriptors, exists, resident_bytes};
pub use records::Records;
pub use site::{Node, Site};
pub use st2_support::{End, Process, Program, run, signal, wait_for as until};
pub use wait::{Random, pause};

//! Tests of the decisions, and of the shell on ports in memory.

mod bench;
mod decisions;
mod limits;
mod orphans;
mod requests;

//! Services of several crates together in one process, with more work than is comfortable.
//!
//! A crate of its own, because what is counted here (descriptors, children) belongs to the whole
//! process.

#[cfg(test)]
mod worker;

//! The ports in memory: a store, a bus, a coordinator and file changes that live as long as the
//! process.
//!
//! The bus and the coordinator serve every single-process installation; the store serves tests
//! and simulation, and is the plainest reading of what the port promises. Everything is
//! deterministic (ordered maps, no randomness, tokio's own time), and everything is bounded but
//! the store. A lock is never held across an await.
//!
//! Read first: `store.rs`, then `bus.rs`.

mod bus;
mod coordinator;
mod files;
mod ports;
mod store;
mod table;

#[cfg(test)]
mod tests;

pub use bus::MemoryBus;
pub use coordinator::MemoryCoordinator;
pub use files::InMemoryFileWatch;
pub use ports::{NoKey, memory_ports, simulated_ports};
pub use store::MemoryStore;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks even when a panic has poisoned the lock: every critical section here leaves the state
/// whole before anything in it can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The ports: everything that a service needs from outside, as object-safe traits.
//!
//! A service receives [`Ports`] and nothing else. Which backend stands behind a port is decided
//! by the composition root; the suites in `suites` (feature `test-suite`) say what every backend
//! must do. The rules that all of the product hangs on:
//!
//! - The store is the truth, the bus is a wake-up: write first, publish after, and find by a
//!   sweep what a lost message left behind.
//! - One write is one document, compared by its revision. A conflict is a normal result.
//! - What is owned is leased; a write under a lease carries a [`Fence`].
//!
//! Read first: `store.rs`, then `repository.rs`, which is what services actually call.

mod bus;
mod clock;
mod collections;
mod coordinator;
mod evaluate;
mod file_watch;
mod idgen;
mod keyring;
mod lease;
mod query;
mod repository;
mod routines;
mod service;
mod store;

#[cfg(feature = "test-suite")]
pub mod suites;
#[cfg(all(test, feature = "test-suite"))]
mod tests;

pub use bus::{Bus, BusError, Delivery, Group, Settle, Subscription, Topic, Wake};
pub use clock::{Clock, SimClock, SystemClock};
pub use collections::{ALL as ALL_COLLECTIONS, Entity};
pub use coordinator::{CoordinationError, Coordinator, Holder, Lease, Member};
pub use evaluate::{Numeric, Position, Reached, SortKey, compare_values};
pub use file_watch::{FileChange, FileWatch, FileWatchError};
pub use idgen::{IdGen, SeededIdGen, SystemIdGen};
pub use keyring::{KeyRing, KeyRingError};
pub use lease::{HeldLease, hold};
pub use query::{Cursor, Filter, Order, Patch, Query, Sort};
pub use repository::{Repository, Versioned};
pub use routines::{RoutineKind, Routines};
pub use service::{Health, Readiness, Service, ServiceContext, ServiceError};
pub use store::{
    Collection, Document, Fence, Index, Inserted, Record, Replaced, Store, StoreError,
};

use std::sync::Arc;

/// The ports of one process. Cheap to clone.
#[derive(Clone)]
pub struct Ports {
    /// Where state lives.
    pub store: Arc<dyn Store>,
    /// How services wake each other.
    pub bus: Arc<dyn Bus>,
    /// Who owns what.
    pub coordinator: Arc<dyn Coordinator>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Ids and randomness.
    pub ids: Arc<dyn IdGen>,
    /// The datastore's key.
    pub keyring: Arc<dyn KeyRing>,
    /// File changes.
    pub files: Arc<dyn FileWatch>,
    /// The only way to spawn.
    pub routines: Routines,
}

impl Ports {
    /// The typed view of the store for records of type `E`.
    #[must_use]
    pub fn repository<E: Entity>(&self) -> Repository<E> {
        Repository::new(Arc::clone(&self.store))
    }

    /// The same for writes that need not be durable when they return: see [`Store::relaxed`].
    #[must_use]
    pub fn relaxed_repository<E: Entity>(&self) -> Repository<E> {
        Repository::new(self.relaxed_store())
    }

    /// The store for writes that need not be durable when they return: see [`Store::relaxed`].
    #[must_use]
    pub fn relaxed_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store).relaxed()
    }
}

//! The coordinator: who owns what, and who is there.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use st2_model::Epoch;

use crate::Fence;

/// Ownership of a key until a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// What is owned.
    pub key: String,
    /// By whom: unique per process and start.
    pub owner: String,
    /// Greater than the epoch of every earlier lease of this key.
    pub epoch: Epoch,
    /// How long it lasts after each renewal.
    pub ttl: Duration,
}

impl Lease {
    /// The fence that writes under this lease carry.
    #[must_use]
    pub fn fence(&self) -> Fence {
        Fence { key: self.key.clone(), epoch: self.epoch }
    }
}

/// Who holds a key right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The owner's name.
    pub owner: String,
    /// The epoch of its lease.
    pub epoch: Epoch,
}

/// A member of a group of services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// `<hostname>_<pid>`.
    pub id: String,
    /// What it says of itself.
    pub capabilities: Value,
}

/// Why the coordinator could not answer. Whether a lease is held is then unknown: a holder goes
/// on until its own deadline, and no further.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CoordinationError {
    /// The backend is away.
    #[error("coordination is unavailable: {0}")]
    Unavailable(String),
}

/// Leases and membership. Deadlines are measured by the backend in elapsed time, never by
/// comparing wall clocks of two machines.
#[async_trait]
pub trait Coordinator: Send + Sync {
    /// Takes the lease of `key` if nobody holds it. `None`: somebody else does.
    /// Taking a lease that the same owner already holds gives a new epoch.
    async fn acquire(
        &self,
        key: &str,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, CoordinationError>;

    /// Starts the lease's time anew. `false`: it is no longer ours, and never will be again.
    async fn renew(&self, lease: &Lease) -> Result<bool, CoordinationError>;

    /// Gives the lease up, if it is still ours.
    async fn release(&self, lease: &Lease) -> Result<(), CoordinationError>;

    /// Who holds `key`, if anybody.
    async fn holder(&self, key: &str) -> Result<Option<Holder>, CoordinationError>;

    /// Is there, in `group`, until `ttl` passes without another call.
    async fn join(
        &self,
        group: &str,
        member: Member,
        ttl: Duration,
    ) -> Result<(), CoordinationError>;

    /// Is no longer there.
    async fn leave(&self, group: &str, member_id: &str) -> Result<(), CoordinationError>;

    /// Who is there, by id.
    async fn members(&self, group: &str) -> Result<Vec<Member>, CoordinationError>;
}

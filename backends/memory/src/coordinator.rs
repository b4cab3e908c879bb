//! The coordinator: leases and members of one process, with deadlines in tokio's time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use st2_model::Epoch;
use st2_ports::{CoordinationError, Coordinator, Holder, Lease, Member};
use tokio::time::Instant;

use crate::lock;

/// Leases and membership in memory.
pub struct MemoryCoordinator {
    state: Mutex<State>,
}

struct State {
    last_epoch: u64,
    leases: BTreeMap<String, Held>,
    groups: BTreeMap<String, BTreeMap<String, (Member, Instant)>>,
}

struct Held {
    owner: String,
    epoch: Epoch,
    until: Instant,
}

impl State {
    /// The lease of `key`, if it still lasts.
    fn held(&mut self, key: &str) -> Option<&mut Held> {
        if self.leases.get(key)?.until <= Instant::now() {
            self.leases.remove(key);
        }
        self.leases.get_mut(key)
    }

    fn is_held_as(&mut self, lease: &Lease) -> bool {
        self.held(&lease.key)
            .is_some_and(|held| held.owner == lease.owner && held.epoch == lease.epoch)
    }
}

impl MemoryCoordinator {
    /// A coordinator whose epochs are greater than `epoch_base`. The base must grow from start to
    /// start of the process, or a lease of an earlier run would outrank those of this one.
    #[must_use]
    pub const fn new(epoch_base: u64) -> Self {
        Self {
            state: Mutex::new(State {
                last_epoch: epoch_base,
                leases: BTreeMap::new(),
                groups: BTreeMap::new(),
            }),
        }
    }
}

#[async_trait]
impl Coordinator for MemoryCoordinator {
    async fn acquire(
        &self,
        key: &str,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, CoordinationError> {
        let mut state = lock(&self.state);
        if state.held(key).is_some_and(|held| held.owner != owner) {
            return Ok(None);
        }
        state.last_epoch += 1;
        let epoch = Epoch(state.last_epoch);
        let held = Held { owner: owner.to_owned(), epoch, until: Instant::now() + ttl };
        state.leases.insert(key.to_owned(), held);
        Ok(Some(Lease { key: key.to_owned(), owner: owner.to_owned(), epoch, ttl }))
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, CoordinationError> {
        let mut state = lock(&self.state);
        if !state.is_held_as(lease) {
            return Ok(false);
        }
        if let Some(held) = state.held(&lease.key) {
            held.until = Instant::now() + lease.ttl;
        }
        Ok(true)
    }

    async fn release(&self, lease: &Lease) -> Result<(), CoordinationError> {
        let mut state = lock(&self.state);
        if state.is_held_as(lease) {
            state.leases.remove(&lease.key);
        }
        Ok(())
    }

    async fn holder(&self, key: &str) -> Result<Option<Holder>, CoordinationError> {
        let mut state = lock(&self.state);
        Ok(state.held(key).map(|held| Holder { owner: held.owner.clone(), epoch: held.epoch }))
    }

    async fn join(
        &self,
        group: &str,
        member: Member,
        ttl: Duration,
    ) -> Result<(), CoordinationError> {
        let until = Instant::now() + ttl;
        lock(&self.state)
            .groups
            .entry(group.to_owned())
            .or_default()
            .insert(member.id.clone(), (member, until));
        Ok(())
    }

    async fn leave(&self, group: &str, member_id: &str) -> Result<(), CoordinationError> {
        if let Some(members) = lock(&self.state).groups.get_mut(group) {
            members.remove(member_id);
        }
        Ok(())
    }

    async fn members(&self, group: &str) -> Result<Vec<Member>, CoordinationError> {
        let now = Instant::now();
        let mut state = lock(&self.state);
        let Some(members) = state.groups.get_mut(group) else {
            return Ok(Vec::new());
        };
        members.retain(|_, (_, until)| *until > now);
        Ok(members.values().map(|(member, _)| member.clone()).collect())
    }
}

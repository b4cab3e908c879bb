//! Executions whose worker is gone: found by the leases they are held under, and brought to an
//! end or back to the start.

use serde_json::json;
use st2_model::{Epoch, Execution, ExecutionStatus, Owner};
use st2_ports::{Fence, Filter, Holder, Order, Query, StoreError, Topic, Versioned};

use crate::decide;
use crate::{Error, Executions};

/// How many executions are taken over at a time.
const PAGE: usize = 200;

/// What a look at the owners found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Executions that may run twice and do.
    pub requested_again: u64,
    /// Executions that were given up.
    pub abandoned: u64,
    /// Executions that were to be canceled anyway.
    pub canceled: u64,
}

impl TakenOver {
    /// How many executions had no live owner.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.requested_again + self.abandoned + self.canceled
    }

    fn count(&mut self, status: ExecutionStatus) {
        match status {
            ExecutionStatus::Requested => self.requested_again += 1,
            ExecutionStatus::Canceled => self.canceled += 1,
            _ => self.abandoned += 1,
        }
    }
}

impl Executions {
    /// Takes over every execution whose owner is gone: its lease has no holder, or a later one.
    /// Costs one query for each worker that holds anything.
    ///
    /// # Errors
    /// Those of store and coordinator; what was taken over until then stays so.
    pub async fn take_over(&self) -> Result<TakenOver, Error> {
        let mut found = TakenOver::default();
        let mut from = String::new();
        while let Some(lease) = self.next_lease(&from).await? {
            let holder = self.ports.coordinator.holder(&lease).await?;
            self.take_over_lease(&lease, holder, &mut found).await?;
            // The smallest text behind this key.
            from = format!("{lease}\u{0}");
        }
        Ok(found)
    }

    async fn next_lease(&self, from: &str) -> Result<Option<String>, StoreError> {
        let held = Query::of(Filter::at_least("owner.lease", from));
        let query = held.by("owner.lease", Order::Ascending).limit(1);
        let first = self.repository().find(&query).await?.into_iter().next();
        Ok(first.and_then(|found| found.value.owner).map(|owner| owner.lease))
    }

    async fn take_over_lease(
        &self,
        lease: &str,
        holder: Option<Holder>,
        found: &mut TakenOver,
    ) -> Result<(), Error> {
        let mut filter = Filter::eq("owner.lease", lease);
        if let Some(holder) = holder {
            filter = filter.and(Filter::below("owner.epoch", holder.epoch.0));
        }
        loop {
            let page = Query::of(filter.clone()).limit(PAGE);
            let orphans = self.repository().find(&page).await?;
            let is_last = orphans.len() < PAGE;
            let before = found.total();
            for orphan in orphans {
                self.take_over_one(orphan, found).await?;
            }
            if is_last || found.total() == before {
                return Ok(());
            }
        }
    }

    async fn take_over_one(
        &self,
        orphan: Versioned<Execution>,
        found: &mut TakenOver,
    ) -> Result<(), Error> {
        let id = orphan.value.id;
        let Some(owner) = orphan.value.owner.clone() else {
            return Ok(());
        };
        self.shut_out(&owner).await?;
        let reason = format!(
            "The worker that ran the action is gone ({}), and the action may not run twice.",
            owner.lease
        );
        let result = json!({ "error": reason });
        let changed = self
            .change(orphan, None, |execution, now| decide::release(execution, &owner, &result, now))
            .await;
        match changed {
            Ok(changed) => {
                found.count(changed.answer);
                metrics::counter!("st2_executions_taken_over").increment(1);
                tracing::warn!(%id, lease = %owner.lease, status = %changed.answer, "taken over: its worker is gone");
                if changed.answer == ExecutionStatus::Requested {
                    self.publish(Topic::ExecutionRequested, id).await;
                }
                Ok(())
            }
            // It came to its end, or another process took it over, while we looked.
            Err(Error::Refused { .. } | Error::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Refuses all further writes of an owner that is gone, in case it does not know it yet.
    async fn shut_out(&self, owner: &Owner) -> Result<(), StoreError> {
        let fence = Fence { key: owner.lease.clone(), epoch: Epoch(owner.epoch.0 + 1) };
        match self.ports.store.raise_fence(&fence).await {
            // Somebody shut it out before.
            Err(StoreError::Fenced { .. }) => Ok(()),
            other => other,
        }
    }
}

//! Holding a lease: renewal in the background, and a signal when it is lost.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{CoordinationError, Coordinator, Fence, Lease, Ports, RoutineKind};

/// A lease that is renewed for as long as this value lives.
pub struct HeldLease {
    lease: Lease,
    coordinator: Arc<dyn Coordinator>,
    lost: CancellationToken,
    stop: CancellationToken,
}

/// Takes the lease of `key` and renews it at a third of its time. `None`: somebody holds it.
///
/// The fence is raised in the store before this returns, so that from here on no earlier owner
/// can write under its own.
///
/// # Errors
/// When the coordinator or the store is away.
pub async fn hold(
    ports: &Ports,
    key: &str,
    owner: &str,
    ttl: Duration,
) -> Result<Option<HeldLease>, CoordinationError> {
    let Some(lease) = ports.coordinator.acquire(key, owner, ttl).await? else {
        return Ok(None);
    };
    if let Err(error) = ports.store.raise_fence(&lease.fence()).await {
        ports.coordinator.release(&lease).await?;
        return Err(CoordinationError::Unavailable(error.to_string()));
    }
    let held = HeldLease {
        lease: lease.clone(),
        coordinator: Arc::clone(&ports.coordinator),
        lost: CancellationToken::new(),
        stop: CancellationToken::new(),
    };
    let (coordinator, lost, stop) =
        (Arc::clone(&ports.coordinator), held.lost.clone(), held.stop.clone());
    ports.routines.spawn(RoutineKind::LeaseRenewal, key, async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = renew_until_lost(&*coordinator, &lease) => lost.cancel(),
        }
    });
    Ok(Some(held))
}

/// Renews until the lease is lost: the coordinator says so, or it could not be asked for as long
/// as the lease lasts.
async fn renew_until_lost(coordinator: &dyn Coordinator, lease: &Lease) {
    let mut valid_until = tokio::time::Instant::now() + lease.ttl;
    loop {
        tokio::time::sleep(lease.ttl / 3).await;
        let asked_at = tokio::time::Instant::now();
        let left = valid_until.saturating_duration_since(asked_at);
        match tokio::time::timeout(left, coordinator.renew(lease)).await {
            Ok(Ok(true)) => valid_until = asked_at + lease.ttl,
            Ok(Ok(false)) => {
                tracing::warn!(key = %lease.key, epoch = lease.epoch.0, "lease lost to another owner");
                return;
            }
            Ok(Err(error)) => {
                tracing::warn!(key = %lease.key, %error, "lease not renewed");
                if tokio::time::Instant::now() >= valid_until {
                    return;
                }
            }
            Err(_) => {
                tracing::warn!(key = %lease.key, "lease ran out: the coordinator did not answer");
                return;
            }
        }
    }
}

impl HeldLease {
    /// The lease.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The fence that writes under the lease carry.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.lease.fence()
    }

    /// Cancelled when the lease is lost: stop acting as the owner at once.
    #[must_use]
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Gives the lease up, so that the next owner need not wait for its end.
    pub async fn release(self) {
        self.stop.cancel();
        if let Err(error) = self.coordinator.release(&self.lease).await {
            tracing::warn!(key = %self.lease.key, %error, "lease not released: it will run out");
        }
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

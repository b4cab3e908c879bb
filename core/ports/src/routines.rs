//! The only way to spawn: every background routine has a kind, and the kind says what its death
//! means.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Every kind of background routine. Closed: who may run is listed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoutineKind {
    /// A service's main loop.
    Service,
    /// Renews a lease.
    LeaseRenewal,
    /// Finds what a lost message left behind.
    Sweep,
    /// Serves one connection.
    Connection,
    /// Runs one execution.
    Execution,
    /// Supervises one sensor.
    Sensor,
    /// Follows files on disk.
    FileWatch,
    /// Reads a guest's pipe or channel.
    GuestIo,
    /// Writes what was batched.
    Flush,
}

impl RoutineKind {
    /// Whether the process can not go on when such a routine panics.
    const fn is_vital(self) -> bool {
        matches!(self, Self::Service | Self::Sweep)
    }
}

/// Spawns and counts routines. Cheap to clone; clones share one tracker.
#[derive(Clone, Default)]
pub struct Routines {
    tracker: TaskTracker,
    shutdown: CancellationToken,
    failed: CancellationToken,
}

impl Routines {
    /// An empty set of routines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the process is to stop. A routine that loops selects on it.
    #[must_use]
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Cancelled when a vital routine has panicked: the process stops and exits with 1.
    #[must_use]
    pub fn failed(&self) -> CancellationToken {
        self.failed.clone()
    }

    /// Runs `routine` in the background. A panic in it is reported under `name` and stays inside.
    pub fn spawn<F>(&self, kind: RoutineKind, name: &str, routine: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (name, failed) = (name.to_owned(), self.failed.clone());
        self.tracker.spawn(async move {
            if let Err(panic) = AssertUnwindSafe(routine).catch_unwind().await {
                let reason = panic
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned())
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_default();
                tracing::error!(?kind, name, reason, "routine panicked");
                if kind.is_vital() {
                    failed.cancel();
                }
            }
        });
    }

    /// Asks every routine to stop and waits for them, for `grace` at most. Whether all stopped.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.shutdown.cancel();
        self.tracker.close();
        tokio::time::timeout(grace, self.tracker.wait()).await.is_ok()
    }

    /// How many routines run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether none runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }
}

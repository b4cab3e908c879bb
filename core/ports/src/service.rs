//! Services as values: the composition root makes a list of them and runs it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::Ports;

/// Why a service stopped by itself.
#[derive(Debug, thiserror::Error)]
#[error("{service}: {reason}")]
pub struct ServiceError {
    /// The service's name.
    pub service: &'static str,
    /// What happened and what to do about it.
    pub reason: String,
    /// The exit code of the process, where the contract names one.
    pub exit_code: Option<i32>,
}

impl ServiceError {
    /// An error of `service` with the ordinary exit code.
    pub fn new(service: &'static str, reason: impl std::fmt::Display) -> Self {
        Self { service, reason: reason.to_string(), exit_code: None }
    }
}

/// Whether a service can do its work now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Not yet.
    Starting,
    /// Yes.
    Ready,
    /// Not now, for this reason.
    Unready(String),
}

/// The readiness of every service of a process.
#[derive(Clone, Default)]
pub struct Health {
    services: Arc<Mutex<BTreeMap<&'static str, Readiness>>>,
    changed: Arc<tokio::sync::Notify>,
}

impl Health {
    /// Records how a service is.
    pub fn set(&self, service: &'static str, readiness: Readiness) {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).insert(service, readiness);
        self.changed.notify_waiters();
    }

    /// How every service is, by name.
    #[must_use]
    pub fn all(&self) -> BTreeMap<&'static str, Readiness> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether every service is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.all().values().all(|readiness| *readiness == Readiness::Ready)
    }

    /// Waits until every service is ready.
    pub async fn ready(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_ready() {
                return;
            }
            changed.await;
        }
    }
}

/// What a service gets to run with.
#[derive(Clone)]
pub struct ServiceContext {
    /// The ports.
    pub ports: Ports,
    /// Cancelled when the service is to stop.
    pub shutdown: CancellationToken,
    /// Where it says how it is.
    pub health: Health,
}

/// A companion service. `run` is called once; it reports [`Readiness::Ready`] through the context
/// when it can do its work, and returns soon after `shutdown` is cancelled, with its own work
/// brought to a safe point. Returning earlier than that stops the process.
#[async_trait]
pub trait Service: Send {
    /// The service's name, as `rulesengine`.
    fn name(&self) -> &'static str;

    /// Does the service's work until it is asked to stop.
    async fn run(self: Box<Self>, context: ServiceContext) -> Result<(), ServiceError>;
}

//! The worker: claims scheduled executions, has runners carry them out, stores how they ended.
//!
//! A worker holds one lease, `worker/<name>`; what it claims it owns under the epoch of that lease,
//! and every write of it carries the fence. Invariants:
//!
//! - an execution is run by one worker at a time: it is claimed by comparing revisions;
//! - a worker that lost its lease ends its guests at once and writes nothing more;
//! - a request to cancel reaches the guest although its wake-up was lost;
//! - whatever a runner does (fails, panics, ignores a cancel), the execution gets an end;
//! - no loop between a wake-up and the result sleeps.
//!
//! Read first: `session.rs` (what is claimed), then `run.rs` (one execution).

mod config;
mod prepare;
mod run;
mod running;
mod session;

#[cfg(test)]
mod tests;

pub use config::WorkerConfig;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use st2_access::Credentials;
use st2_execution::Executions;
use st2_ports::{HeldLease, Readiness, Service, ServiceContext, ServiceError, hold};
use st2_runner::Runner;

use session::{Ended, Session};

const NAME: &str = "actionrunner";
/// How long to wait before the coordinator or the store is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// The service `actionrunner`.
pub struct Worker {
    config: Arc<WorkerConfig>,
    executions: Executions,
    runners: HashMap<&'static str, Arc<dyn Runner>>,
}

impl Worker {
    /// A worker with these runners.
    #[must_use]
    pub fn new(
        executions: Executions,
        runners: Vec<Arc<dyn Runner>>,
        config: WorkerConfig,
    ) -> Self {
        let by_name = runners.into_iter().flat_map(|runner| {
            let names = runner.names().iter();
            names.map(move |name| (*name, Arc::clone(&runner)))
        });
        Self { config: Arc::new(config), executions, runners: by_name.collect() }
    }

    /// Holds the lease of `key`; asks until it is there, or the worker is to stop.
    async fn lease(&self, context: &ServiceContext, key: &str) -> Option<HeldLease> {
        loop {
            match hold(&context.ports, key, key, self.config.lease_ttl).await {
                Ok(Some(lease)) => return Some(lease),
                Ok(None) => tracing::warn!(key, "the worker's lease is held by somebody else"),
                Err(error) => {
                    tracing::warn!(key, %error, "the worker has no lease yet");
                    context.health.set(NAME, Readiness::Unready(error.to_string()));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = context.shutdown.cancelled() => return None,
            }
        }
    }
}

#[async_trait]
impl Service for Worker {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(self: Box<Self>, context: ServiceContext) -> Result<(), ServiceError> {
        let pid = std::process::id();
        let token = context.ports.ids.token(4);
        let key = format!("worker/{}_{pid}_{token}", self.config.hostname);
        let credentials = Credentials::new(context.ports.clone(), self.config.service_token_ttl);
        while let Some(lease) = self.lease(&context, &key).await {
            let session = Session::new(&self, &context, &lease, credentials.clone());
            let ended = Arc::new(session).serve(&context, &lease).await;
            match ended {
                Ended::Stopped => {
                    lease.release().await;
                    break;
                }
                Ended::LeaseLost => {
                    tracing::error!(key, "the worker lost its lease and gave up what it ran");
                    context.health.set(NAME, Readiness::Unready("the lease was lost".into()));
                }
                Ended::BusLost => tokio::time::sleep(RETRY).await,
            }
        }
        Ok(())
    }
}

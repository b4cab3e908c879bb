//! The scheduler: admits requested executions, wakes delayed ones, takes over those whose worker
//! is gone.
//!
//! The decisions are made in `core/execution`; this service says when. It acts on wake-ups, on
//! due times (a timer to the nearest one), and finds by a sweep what a lost wake-up left behind.
//! Any number of schedulers may run side by side.
//!
//! Read first: `shell.rs`.

mod config;
mod shell;

#[cfg(test)]
mod tests;

pub use config::SchedulerConfig;

use async_trait::async_trait;
use st2_execution::Executions;
use st2_ports::{Service, ServiceContext, ServiceError};

const NAME: &str = "scheduler";

/// The service `scheduler`.
pub struct Scheduler {
    executions: Executions,
    config: SchedulerConfig,
}

impl Scheduler {
    /// A scheduler of these executions.
    #[must_use]
    pub const fn new(executions: Executions, config: SchedulerConfig) -> Self {
        Self { executions, config }
    }
}

#[async_trait]
impl Service for Scheduler {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(self: Box<Self>, context: ServiceContext) -> Result<(), ServiceError> {
        tokio::select! {
            biased;
            () = context.shutdown.cancelled() => {}
            () = self.admit_forever(&context) => {}
            () = self.take_over_forever() => {}
        }
        Ok(())
    }
}

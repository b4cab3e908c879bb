//! How often the scheduler looks around without being asked.

use std::time::Duration;

/// Settings of one scheduler.
#[derive(Debug, Clone)]
pub struct SchedulerConfig {
    /// How often the store is asked for what a lost wake-up spoke of.
    pub sweep_interval: Duration,
    /// How often the owners of running executions are looked at.
    pub take_over_interval: Duration,
    /// How many executions are admitted with one query.
    pub batch: usize,
}

impl Default for SchedulerConfig {
    fn default() -> Self {
        Self {
            sweep_interval: Duration::from_secs(5),
            take_over_interval: Duration::from_secs(2),
            batch: 500,
        }
    }
}

//! What the configuration says about workers.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of one worker. The fields carry the names of their options in `[actionrunner]` where
/// there is one.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Name of this machine, as `runner_info` shows it.
    pub hostname: String,
    /// How many workflows run at a time.
    pub workflows_pool_size: usize,
    /// How many other actions run at a time.
    pub actions_pool_size: usize,
    /// Whether output is stored while the action runs.
    pub stream_output: bool,
    /// How long a stop waits for running executions (`graceful_shutdown`,
    /// `exit_still_active_check`).
    pub shutdown_grace: Duration,
    /// How long a guest that was asked to end may take before it is killed.
    pub kill_grace: Duration,
    /// How long the worker counts as alive after its last sign of life. Executions of a dead
    /// worker are taken over after that.
    pub lease_ttl: Duration,
    /// How often the store is asked for what a lost wake-up spoke of.
    pub sweep_interval: Duration,
    /// Folders that packs are looked for in, first match wins.
    pub packs_base_paths: Vec<PathBuf>,
    /// The API as actions reach it, with `/v1`.
    pub api_url: String,
    /// Life of the tokens given to actions.
    pub service_token_ttl: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            hostname: hostname.trim().to_owned(),
            workflows_pool_size: 40,
            actions_pool_size: 60,
            stream_output: true,
            shutdown_grace: Duration::from_secs(300),
            kill_grace: Duration::from_secs(10),
            lease_ttl: Duration::from_secs(10),
            sweep_interval: Duration::from_secs(5),
            packs_base_paths: Vec::new(),
            api_url: "http://127.0.0.1:9101/v1".to_owned(),
            service_token_ttl: Duration::from_secs(86_400),
        }
    }
}

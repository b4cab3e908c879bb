//! Logs and metrics of a process, set up once by its `main`.
//!
//! Code logs through `tracing` and counts through `metrics`; both are no-ops until the
//! functions here were called. Logs go to standard error, so that standard output stays the
//! program's own.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

static PROMETHEUS: OnceLock<PrometheusHandle> = OnceLock::new();

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter of `ST2_LOG` can not be read.
    #[error("ST2_LOG: {0}")]
    Filter(String),
    /// It was set up before.
    #[error("telemetry is set up already")]
    Twice,
}

/// Sends logs to standard error. The environment variable `ST2_LOG` filters by module, as
/// `info,st2_sensors=debug`; without it everything at INFO (DEBUG with `debug`) and above is shown.
///
/// # Errors
/// When the filter is wrong or logs were set up before.
pub fn init_logs(format: LogFormat, debug: bool) -> Result<(), TelemetryError> {
    let default = if debug { "info,st2=debug" } else { "info" };
    let filter = match std::env::var("ST2_LOG") {
        Ok(text) => EnvFilter::try_new(&text)
            .map_err(|error| TelemetryError::Filter(format!("\"{text}\": {error}")))?,
        Err(_) => EnvFilter::new(default),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(true);
    match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    }
    .map_err(|_| TelemetryError::Twice)
}

/// Starts counting. Calling it again changes nothing.
///
/// # Errors
/// When another recorder was installed.
pub fn init_metrics() -> Result<(), TelemetryError> {
    if PROMETHEUS.get().is_some() {
        return Ok(());
    }
    let handle = PrometheusBuilder::new().install_recorder().map_err(|_| TelemetryError::Twice)?;
    PROMETHEUS.set(handle).map_err(|_| TelemetryError::Twice)
}

/// The metrics in Prometheus' text format; empty before [`init_metrics`].
#[must_use]
pub fn render_metrics() -> String {
    PROMETHEUS.get().map(PrometheusHandle::render).unwrap_or_default()
}

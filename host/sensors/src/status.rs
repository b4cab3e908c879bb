//! What the host knows of one sensor, for everybody to see.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use st2_model::{Epoch, SensorState, SensorStatus, SensorType};
use st2_plugin::{GuestLog, LogSource};
use st2_ports::Ports;
use st2_protocol::LogLevel;
use tokio::time::{Duration, Instant};

/// So many of the last lines are kept.
const TAIL_LINES_MAX: usize = 50;
/// Longer lines are cut in the tail (the log has them whole).
const TAIL_LINE_CHARS_MAX: usize = 500;
/// More lines than this within [`WINDOW`] are counted instead of logged.
const LINES_PER_WINDOW_MAX: u32 = 1_000;
const WINDOW: Duration = Duration::from_secs(1);

/// Collects the log of one sensor and writes its status.
pub(crate) struct StatusBoard {
    ports: Ports,
    node: String,
    inner: Mutex<Inner>,
}

struct Inner {
    tail: VecDeque<String>,
    window: Instant,
    lines: u32,
}

/// The part of a status that changes with its state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Now {
    pub(crate) pid: Option<u32>,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) restarts: u32,
    pub(crate) last_error: Option<String>,
    pub(crate) triggers: Vec<String>,
}

impl StatusBoard {
    pub(crate) fn new(ports: Ports, node: String) -> Self {
        let inner = Inner { tail: VecDeque::new(), window: Instant::now(), lines: 0 };
        Self { ports, node, inner: Mutex::new(inner) }
    }

    /// Takes a line that the sensor wrote: to the log, under its name, and to the tail.
    pub(crate) fn log(&self, sensor: &str, record: &GuestLog) {
        let (source, logger) = match &record.source {
            LogSource::Logger(name) => ("logger", name.as_deref().unwrap_or_default()),
            LogSource::Stdout => ("stdout", ""),
            LogSource::Stderr => ("stderr", ""),
            LogSource::Host => ("host", ""),
        };
        let within = self.keep(source, &record.message);
        if !within {
            return;
        }
        let message = record.message.as_str();
        match record.level {
            LogLevel::Debug => {
                tracing::debug!(target: "st2::sensor", sensor, source, logger, message)
            }
            LogLevel::Info => {
                tracing::info!(target: "st2::sensor", sensor, source, logger, message)
            }
            LogLevel::Warning => {
                tracing::warn!(target: "st2::sensor", sensor, source, logger, message)
            }
            LogLevel::Error => {
                tracing::error!(target: "st2::sensor", sensor, source, logger, message)
            }
        }
    }

    /// Adds to the tail; whether the line is within what may be logged.
    fn keep(&self, source: &str, message: &str) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.window.elapsed() >= WINDOW {
            let lost = inner.lines.saturating_sub(LINES_PER_WINDOW_MAX);
            if lost > 0 {
                tracing::warn!(target: "st2::sensor", lost, "sensor wrote too much: lines not logged");
                metrics::counter!("st2_sensor_log_lines_dropped").increment(lost.into());
            }
            inner.window = Instant::now();
            inner.lines = 0;
        }
        inner.lines = inner.lines.saturating_add(1);
        let line: String = message.chars().take(TAIL_LINE_CHARS_MAX).collect();
        inner.tail.push_back(format!("{source}: {line}"));
        while inner.tail.len() > TAIL_LINES_MAX {
            inner.tail.pop_front();
        }
        inner.lines <= LINES_PER_WINDOW_MAX
    }

    /// Writes where the sensor stands. The status is for people: a failure to write it is logged
    /// and stops nothing.
    pub(crate) async fn set(&self, sensor: &SensorType, state: SensorState, now: &Now) {
        let log_tail = {
            let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            inner.tail.iter().cloned().collect()
        };
        let status = SensorStatus {
            id: sensor.id,
            reference: sensor.reference.clone(),
            node: self.node.clone(),
            state,
            since: self.ports.clock.now(),
            pid: now.pid,
            epoch: now.epoch,
            restarts: now.restarts,
            last_error: now.last_error.clone(),
            triggers: now.triggers.clone(),
            log_tail,
        };
        // Relaxed: after a loss of power no sensor runs, and the next start says so.
        if let Err(error) = self.ports.relaxed_repository::<SensorStatus>().put(&status).await {
            tracing::warn!(sensor = %sensor.reference, %error, "sensor status not written");
        }
    }
}

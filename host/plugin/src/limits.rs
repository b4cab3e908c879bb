//! What one guest may use.

use std::time::Duration;

/// Limits of one guest. The defaults fit every pack in use; the operator lowers them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Address space of a process, linear memory of a component. `None`: not limited.
    pub memory_bytes: Option<u64>,
    /// Open descriptors. `None`: as the host.
    pub open_files: Option<u64>,
    /// Processes of the guest's user. `None`: not limited.
    pub processes: Option<u64>,
    /// Longest message in either direction.
    pub line_bytes_max: usize,
    /// Calls of the guest that are worked on at a time.
    pub requests_in_flight_max: u32,
    /// Longest line of standard output or error that reaches the log whole.
    pub log_line_bytes_max: usize,
    /// From the start of the guest to the answer to `initialize`.
    pub start_timeout: Duration,
    /// Set-up of the sensor and changes of triggers.
    pub call_timeout: Duration,
    /// From being asked to stop to being asked in a way that cannot be ignored.
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: None,
            open_files: None,
            processes: None,
            line_bytes_max: st2_protocol::LINE_BYTES_MAX,
            requests_in_flight_max: st2_protocol::REQUESTS_IN_FLIGHT_MAX,
            log_line_bytes_max: 16 * 1024,
            start_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(60),
            stop_grace: Duration::from_secs(5),
        }
    }
}

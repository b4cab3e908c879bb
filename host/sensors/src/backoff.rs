//! When a sensor that ended is started again. Pure.

use std::time::Duration;

use st2_plugin::EndReason;

/// A sensor that ran so long counts as well: its failures are forgotten.
const WELL_AFTER: Duration = Duration::from_secs(10);
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// What follows the end of a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Start it again after about this time; the caller adds jitter.
    Retry {
        /// How long to wait.
        after: Duration,
        /// How often it has now failed in a row.
        restarts: u32,
    },
    /// It ended by itself and without failure: leave it until its content changes.
    Rest,
}

/// Decides after a sensor ended that ran for `ran` and had failed `restarts` times before.
pub(crate) fn after_end(reason: &EndReason, ran: Duration, restarts: u32) -> Next {
    match reason {
        EndReason::Returned | EndReason::Stopped => Next::Rest,
        EndReason::Crashed { .. } | EndReason::Violation { .. } => {
            after_failure(if ran >= WELL_AFTER { 0 } else { restarts })
        }
    }
}

/// Decides after a sensor that had failed `restarts` times in a row failed once more.
pub(crate) fn after_failure(restarts: u32) -> Next {
    let after = FIRST.saturating_mul(1 << restarts.min(16)).min(LONGEST);
    Next::Retry { after, restarts: restarts.saturating_add(1) }
}

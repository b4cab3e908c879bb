//! The wall clock. Waiting is plain `tokio::time`, which a paused runtime makes virtual.

use std::sync::atomic::{AtomicI64, Ordering};

use st2_model::Timestamp;

/// Wall-clock time. It may step in either direction; elapsed time is `tokio::time::Instant`'s
/// business. Never blocks.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the implementation of the port")]
    fn now(&self) -> Timestamp {
        Timestamp::from_jiff(jiff::Timestamp::now())
    }
}

/// A clock that follows tokio's own time from a given start, plus an offset that can be stepped.
#[derive(Debug)]
pub struct SimClock {
    start: Timestamp,
    origin: tokio::time::Instant,
    offset_micros: AtomicI64,
}

impl SimClock {
    /// A clock that says `start` now. Call it inside a runtime.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, origin: tokio::time::Instant::now(), offset_micros: AtomicI64::new(0) }
    }

    /// Steps the clock by so many microseconds, in either direction.
    pub fn step(&self, micros: i64) {
        self.offset_micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.start.after(self.origin.elapsed());
        Timestamp::from_micros(elapsed.micros() + self.offset_micros.load(Ordering::SeqCst))
    }
}

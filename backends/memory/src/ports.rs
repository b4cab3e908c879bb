//! Whole sets of ports, for tests and simulation.

use std::sync::Arc;

use st2_model::{Secret, Timestamp};
use st2_ports::{Clock, IdGen, KeyRing, KeyRingError, Ports, Routines, SeededIdGen, SimClock};

use crate::{InMemoryFileWatch, MemoryBus, MemoryCoordinator, MemoryStore};

/// A key ring without a key.
#[derive(Debug, Default)]
pub struct NoKey;

impl KeyRing for NoKey {
    fn seal(&self, _plain: &str) -> Result<String, KeyRingError> {
        Err(KeyRingError::NoKey)
    }

    fn open(&self, _ciphertext: &str) -> Result<Secret<String>, KeyRingError> {
        Err(KeyRingError::NoKey)
    }
}

/// Everything in memory, with this clock and these ids, and no key. The fields are public: a test
/// puts its own port in the place of any.
#[must_use]
pub fn memory_ports(clock: Arc<dyn Clock>, ids: Arc<dyn IdGen>) -> Ports {
    Ports {
        store: Arc::new(MemoryStore::new(Arc::clone(&clock))),
        bus: Arc::new(MemoryBus::default()),
        coordinator: Arc::new(MemoryCoordinator::new(0)),
        clock,
        ids,
        keyring: Arc::new(NoKey),
        files: Arc::new(InMemoryFileWatch::default()),
        routines: Routines::new(),
    }
}

/// 2025-01-01T00:00:00Z, where simulated time begins.
const START: Timestamp = Timestamp::from_micros(1_735_689_600_000_000);

/// Everything in memory, on simulated time and the randomness of `seed`: the same seed gives the
/// same run. Call it inside a (paused) runtime.
#[must_use]
pub fn simulated_ports(seed: u64) -> (Ports, Arc<SimClock>) {
    let clock = Arc::new(SimClock::starting_at(START));
    let ports = memory_ports(Arc::clone(&clock) as Arc<dyn Clock>, Arc::new(SeededIdGen::of(seed)));
    (ports, clock)
}

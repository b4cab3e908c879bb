//! Ids and randomness.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rand::{Rng, RngExt, SeedableRng};
use st2_model::{Id, Timestamp};

/// The source of ids and of all randomness. Never blocks.
pub trait IdGen: Send + Sync {
    /// Twelve bytes that no other id has: the seconds of `now`, then five bytes that belong to
    /// this process, then a counter.
    fn id_bytes(&self, now: Timestamp) -> [u8; 12];

    /// Fills `bytes` with randomness fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn IdGen + '_ {
    /// A fresh id.
    pub fn id<K>(&self, now: Timestamp) -> Id<K> {
        Id::from_bytes(self.id_bytes(now))
    }

    /// `bytes` random bytes as hex digits.
    pub fn token(&self, bytes: usize) -> String {
        let mut buffer = vec![0; bytes];
        self.fill(&mut buffer);
        buffer.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A time between half of `around` and one and a half times it.
    pub fn jitter(&self, around: Duration) -> Duration {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        around.mul_f64(0.5 + f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
    }
}

fn assemble(now: Timestamp, process: [u8; 5], count: u32) -> [u8; 12] {
    let seconds = u32::try_from(now.micros() / 1_000_000).unwrap_or(0).to_be_bytes();
    let [_, c0, c1, c2] = count.to_be_bytes();
    let [s0, s1, s2, s3] = seconds;
    let [p0, p1, p2, p3, p4] = process;
    [s0, s1, s2, s3, p0, p1, p2, p3, p4, c0, c1, c2]
}

/// Ids and randomness from the machine.
#[derive(Debug)]
pub struct SystemIdGen {
    process: [u8; 5],
    counter: AtomicU32,
}

impl Default for SystemIdGen {
    fn default() -> Self {
        let mut process = [0; 5];
        let mut start = [0; 4];
        rand::rng().fill(&mut process);
        rand::rng().fill(&mut start);
        Self { process, counter: AtomicU32::new(u32::from_le_bytes(start)) }
    }
}

impl IdGen for SystemIdGen {
    fn id_bytes(&self, now: Timestamp) -> [u8; 12] {
        assemble(now, self.process, self.counter.fetch_add(1, Ordering::Relaxed))
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Ids and randomness from a seed: the same seed gives the same run.
#[derive(Debug)]
pub struct SeededIdGen {
    random: Mutex<rand::rngs::StdRng>,
    process: [u8; 5],
    counter: AtomicU32,
}

impl SeededIdGen {
    /// The generator of `seed`.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        let mut process = [0; 5];
        random.fill(&mut process);
        Self { random: Mutex::new(random), process, counter: AtomicU32::new(0) }
    }
}

impl IdGen for SeededIdGen {
    fn id_bytes(&self, now: Timestamp) -> [u8; 12] {
        assemble(now, self.process, self.counter.fetch_add(1, Ordering::Relaxed))
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.random.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }
}

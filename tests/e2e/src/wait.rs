//! Time that passes, and choices that are the same in every run.

use std::time::Duration;

/// Lets time pass: between two looks, or because the passing of time is what is tested.
#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// Numbers that look random and are the same in every run (splitmix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

//! Steps for work that the engine does not meter: comparing, printing and converting values.
//!
//! The engine's hooks for this (`Ord`, `Display`) cannot fail and do not know the rendering they serve.
//! So the budget stands beside the thread: a hook that finds it used up answers at once with anything,
//! and the rendering then ends with an error whatever it has made of that.

use std::cell::Cell;

use minijinja::Error;

use super::error::limit_error;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

/// Gives a new rendering its budget, and the thread the old one back in the end.
pub(super) struct Budget {
    before: u64,
}

impl Budget {
    pub(super) fn start(values: u64) -> Self {
        Self { before: LEFT.replace(values.max(1)) }
    }

    pub(super) fn is_exceeded(&self) -> bool {
        LEFT.get() == 0
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        LEFT.set(self.before);
    }
}

/// Takes one step; false if there is none left.
pub(super) fn step() -> bool {
    let left = LEFT.get().saturating_sub(1);
    LEFT.set(left);
    left > 0
}

/// Uses up what is left, so that the rendering ends with an error.
pub(super) fn exceed() {
    LEFT.set(0);
}

/// [`step`] where failing is possible.
pub(super) fn spend() -> Result<(), Error> {
    if step() { Ok(()) } else { Err(exceeded()) }
}

pub(super) fn exceeded() -> Error {
    limit_error("the values of the template are too large to compare, print or convert")
}

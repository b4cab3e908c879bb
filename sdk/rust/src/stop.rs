//! How a sensor learns that it shall end.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Set once, seen by everybody. Cheap to clone.
#[derive(Clone, Default)]
pub struct StopSignal(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    is_stopping: bool,
    callbacks: Vec<Box<dyn FnOnce() + Send>>,
}

impl StopSignal {
    /// A signal that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the signal and wakes all that wait for it.
    pub fn stop(&self) {
        let mut state = self.state();
        state.is_stopping = true;
        let callbacks = std::mem::take(&mut state.callbacks);
        drop(state);
        self.0.1.notify_all();
        for callback in callbacks {
            callback();
        }
    }

    /// True when the sensor shall end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.state().is_stopping
    }

    /// Sleeps, but not longer than until the signal. True when the sensor shall end.
    pub fn wait(&self, timeout: Duration) -> bool {
        let waited = self.0.1.wait_timeout_while(self.state(), timeout, |state| !state.is_stopping);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_stopping
    }

    /// Has something called when the signal is set, at once if it is: for a sensor that waits for
    /// something else than this signal. The callback must not block.
    pub fn on_stop(&self, callback: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        if state.is_stopping {
            drop(state);
            callback();
        } else {
            state.callbacks.push(Box::new(callback));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StopSignal").field(&self.is_stopping()).finish()
    }
}

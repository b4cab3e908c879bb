//! The executions that this worker holds right now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use st2_model::{Id, kinds};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

type ExecutionId = Id<kinds::Execution>;

/// The table of running executions: who is in it can be asked to end.
#[derive(Clone, Default)]
pub(crate) struct Running {
    table: Arc<Mutex<HashMap<ExecutionId, CancellationToken>>>,
    emptied: Arc<Notify>,
}

/// A place in the table; dropping it leaves the table.
pub(crate) struct Place {
    running: Running,
    id: ExecutionId,
    /// Cancelled when the guest is to end.
    pub(crate) cancel: CancellationToken,
}

impl Running {
    fn table<T>(&self, with: impl FnOnce(&mut HashMap<ExecutionId, CancellationToken>) -> T) -> T {
        with(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A place for `id`, unless it is here already. Taken before the execution is claimed, so
    /// that no request to cancel falls between.
    pub(crate) fn enter(&self, id: ExecutionId) -> Option<Place> {
        let cancel = CancellationToken::new();
        let is_new = self.table(|table| {
            let is_new = !table.contains_key(&id);
            if is_new {
                table.insert(id, cancel.clone());
            }
            is_new
        });
        is_new.then(|| Place { running: self.clone(), id, cancel })
    }

    pub(crate) fn contains(&self, id: ExecutionId) -> bool {
        self.table(|table| table.contains_key(&id))
    }

    /// Asks the guest of `id` to end.
    pub(crate) fn cancel(&self, id: ExecutionId) {
        if let Some(cancel) = self.table(|table| table.get(&id).cloned()) {
            cancel.cancel();
        }
    }

    /// Asks every guest to end.
    pub(crate) fn cancel_all(&self) {
        let all: Vec<_> = self.table(|table| table.values().cloned().collect());
        for cancel in all {
            cancel.cancel();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.table(|table| table.len())
    }

    /// Waits until nothing runs.
    pub(crate) async fn until_empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            emptied.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let is_empty = self.running.table(|table| {
            table.remove(&self.id);
            table.is_empty()
        });
        if is_empty {
            self.running.emptied.notify_waiters();
        }
    }
}

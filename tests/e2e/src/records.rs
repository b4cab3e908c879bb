//! What the store of a stopped node holds.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::Value;
use st2_model::Payload;
use st2_ports::{Entity, Filter, Query, Repository, Store as _, SystemClock};
use st2_sqlite::SqliteStore;
use tokio::runtime::Runtime;

/// An open store.
pub struct Records {
    runtime: Runtime,
    store: Arc<SqliteStore>,
}

impl Records {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let store = SqliteStore::open(path, Arc::new(SystemClock))?;
        drop(inside);
        Ok(Self { runtime, store })
    }

    /// Every record of a kind.
    ///
    /// # Errors
    /// Those of the store.
    pub fn all<E: Entity>(&self) -> Result<Vec<E>> {
        let repository = Repository::<E>::new(Arc::clone(&self.store) as _);
        let found = self.runtime.block_on(repository.find(&Query::of(Filter::All)))?;
        Ok(found.into_iter().map(|found| found.value).collect())
    }

    /// A payload that stands in a record, or beside it.
    ///
    /// # Errors
    /// Those of the store.
    pub fn payload(&self, payload: &Payload) -> Result<Value> {
        let blob = match payload {
            Payload::Inline(value) => return Ok(value.clone()),
            Payload::Blob(blob) => blob,
        };
        let bytes = self.runtime.block_on(self.store.get_blob(&blob.digest))?;
        Ok(serde_json::from_slice(&bytes.context("the blob is gone")?)?)
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        self.runtime.block_on(self.store.close());
    }
}

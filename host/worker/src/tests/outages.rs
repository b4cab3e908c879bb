//! The store goes away and comes back: nothing is lost, nothing runs twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;
use st2_model::{BlobRef, Digest, ExecutionStatus as S, Revision};
use st2_ports::{
    Collection, Document, Fence, Filter, Inserted, Patch, Query, Record, Replaced, Store,
    StoreError,
};

use super::bench::Bench;
use crate::WorkerConfig;

/// A store behind a line that can be cut.
struct Cut {
    inner: Arc<dyn Store>,
    is_cut: Arc<AtomicBool>,
}

impl Cut {
    fn line(&self) -> Result<&dyn Store, StoreError> {
        if self.is_cut.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the line is cut".into()));
        }
        Ok(&*self.inner)
    }
}

#[async_trait]
impl Store for Cut {
    async fn get(&self, from: &'static Collection, id: &str) -> Result<Option<Record>, StoreError> {
        self.line()?.get(from, id).await
    }

    async fn find(
        &self,
        from: &'static Collection,
        query: &Query,
    ) -> Result<Vec<Record>, StoreError> {
        self.line()?.find(from, query).await
    }

    async fn count(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        self.line()?.count(from, filter).await
    }

    async fn insert(
        &self,
        into: &'static Collection,
        document: Document,
        fence: Option<&Fence>,
    ) -> Result<Inserted, StoreError> {
        self.line()?.insert(into, document, fence).await
    }

    async fn replace(
        &self,
        into: &'static Collection,
        document: Document,
        revision: Revision,
        fence: Option<&Fence>,
    ) -> Result<Replaced, StoreError> {
        self.line()?.replace(into, document, revision, fence).await
    }

    async fn update_many(
        &self,
        into: &'static Collection,
        filter: &Filter,
        patch: &Patch,
    ) -> Result<u64, StoreError> {
        self.line()?.update_many(into, filter, patch).await
    }

    async fn delete(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        self.line()?.delete(from, filter).await
    }

    async fn raise_fence(&self, fence: &Fence) -> Result<(), StoreError> {
        self.line()?.raise_fence(fence).await
    }

    async fn put_blob(&self, content: Bytes) -> Result<BlobRef, StoreError> {
        self.line()?.put_blob(content).await
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        self.line()?.get_blob(digest).await
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        self.line()?.delete_blob(digest).await
    }

    fn relaxed(self: Arc<Self>) -> Arc<dyn Store> {
        self
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.line()?.flush().await
    }
}

async fn bench() -> (Bench, Arc<AtomicBool>) {
    let is_cut = Arc::new(AtomicBool::new(false));
    let line = Arc::clone(&is_cut);
    let bench = Bench::on(move |ports| {
        ports.store = Arc::new(Cut { inner: Arc::clone(&ports.store), is_cut: line });
    })
    .await;
    (bench, is_cut)
}

#[tokio::test(start_paused = true)]
async fn an_end_waits_for_the_store() {
    let (bench, is_cut) = bench().await;
    bench.worker(WorkerConfig::default());
    let id = bench.request("prints", json!({})).await;
    bench.until_status(id, S::Running).await;
    is_cut.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(600)).await;
    is_cut.store(false, Ordering::SeqCst);
    let execution = bench.until_completed(id).await;
    assert_eq!(execution.status, S::Succeeded);
    let runs = execution.log.iter().filter(|change| change.status == S::Running);
    assert_eq!(runs.count(), 1);
    let chunks = bench.executions.output(id, 0, 100).await.unwrap();
    let text: String = chunks.iter().map(|chunk| chunk.data.as_str()).collect();
    assert_eq!(text, "line 0\nline 1\nline 2\nline 3\nline 4\n");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_starts_without_a_store_works_when_it_is_there() {
    let (bench, is_cut) = bench().await;
    let id = bench.request("noop", json!({})).await;
    bench.until_status(id, S::Scheduled).await;
    is_cut.store(true, Ordering::SeqCst);
    bench.worker(WorkerConfig::default());
    tokio::time::sleep(Duration::from_secs(60)).await;
    is_cut.store(false, Ordering::SeqCst);
    assert_eq!(bench.until_completed(id).await.status, S::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_can_not_be_followed_comes_again() {
    let (bench, is_cut) = bench().await;
    // No sweep helps out, and the wake-up is followed when the first one is done.
    let config = WorkerConfig {
        actions_pool_size: 1,
        sweep_interval: Duration::from_secs(1_000_000),
        ..WorkerConfig::default()
    };
    bench.worker(config);
    let first = bench.request("prints", json!({})).await;
    bench.until_status(first, S::Running).await;
    let id = bench.request("noop", json!({})).await;
    bench.until_status(id, S::Scheduled).await;
    is_cut.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(60)).await;
    is_cut.store(false, Ordering::SeqCst);
    assert_eq!(bench.until_completed(id).await.status, S::Succeeded);
    assert_eq!(bench.until_completed(first).await.status, S::Succeeded);
}

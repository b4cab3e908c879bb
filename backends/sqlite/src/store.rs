//! The port's methods: encode, send to the writer or a reader, wait.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::Connection;
use st2_model::{BlobRef, Digest, Revision};
use st2_ports::{
    ALL_COLLECTIONS, Clock, Collection, Document, Fence, Filter, Inserted, Patch, Query, Record,
    Replaced, Store, StoreError,
};

use crate::error::closed;
use crate::layout::Layout;
use crate::reader::Readers;
use crate::recent::Recent;
use crate::write::Outcome;
use crate::writer::{Promise, Writer};
use crate::{OpenError, blob, file, read, schema, write};

/// How many documents one transaction of a long change or removal touches, so that other writes
/// come in between.
const CHUNK: usize = 500;

/// Documents and blobs in a SQLite file.
pub struct SqliteStore {
    shared: Arc<Shared>,
    promise: Promise,
}

/// What the views of a store have in common.
struct Shared {
    clock: Arc<dyn Clock>,
    boot: u64,
    layouts: Mutex<BTreeMap<&'static str, Arc<Layout>>>,
    recent: Arc<Recent>,
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Opens the store in the file `path`, which is made if there is none, and keeps other
    /// processes from opening it. Documents expire by `clock`. Blocks for as long as that takes.
    ///
    /// # Errors
    /// When the file can not be opened, is in use, damaged or of a later version.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Arc<Self>, OpenError> {
        let claim = file::claim(path)?;
        let (mut connection, boot) = schema::open(path)?;
        let failed = |error| OpenError::of(path.to_owned(), error);
        let transaction = connection.transaction().map_err(failed)?;
        let (mut layouts, recent) = (BTreeMap::new(), Arc::<Recent>::default());
        for collection in ALL_COLLECTIONS {
            let layout = Layout::new(collection, Arc::clone(&recent));
            schema::prepare(&transaction, &layout).map_err(failed)?;
            layout.set_ready();
            layouts.insert(collection.name, Arc::new(layout));
        }
        transaction.commit().map_err(failed)?;
        let shared = Arc::new(Shared {
            clock,
            boot,
            layouts: Mutex::new(layouts),
            readers: Readers::start(path)?,
            writer: Writer::start(path, connection, Arc::clone(&recent), claim)?,
            recent,
        });
        Ok(Arc::new(Self { shared, promise: Promise::Durable }))
    }

    /// How often the file has been opened, this time included. Grows from start to start.
    #[must_use]
    pub fn boot(&self) -> u64 {
        self.shared.boot
    }

    /// Finishes what was called, moves the log into the file and closes it. Calls that come later
    /// are refused. Without it nothing is lost; the next start does the rest.
    pub async fn close(&self) {
        self.shared.readers.stop().await;
        self.shared.writer.close().await;
        self.shared.recent.clear();
    }

    fn now(&self) -> i64 {
        self.shared.clock.now().micros()
    }

    /// Has the writer do `work`, of about `bytes` bytes, and waits for it as this view promises.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnMut(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.shared.writer.run(self.promise, bytes, work).await
    }

    /// The layout of a collection whose tables are there.
    async fn layout(&self, of: &'static Collection) -> Result<Arc<Layout>, StoreError> {
        let layout = {
            let mut layouts = self.shared.layouts.lock().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Layout::new(of, Arc::clone(&self.shared.recent)));
            let layout = layouts.entry(of.name).or_insert_with(new);
            Arc::clone(layout)
        };
        if !layout.is_ready() {
            let prepared = Arc::clone(&layout);
            let prepare = move |c: &_| schema::prepare(c, &prepared).map(Ok);
            self.write(0, prepare).await?;
            layout.set_ready();
        }
        Ok(layout)
    }

    /// The rows that match, as they are now. A single id needs no look.
    async fn rows(&self, layout: &Arc<Layout>, filter: &Filter) -> Result<Vec<i64>, StoreError> {
        let (layout, filter, now) = (Arc::clone(layout), filter.clone(), self.now());
        self.shared.readers.run(move |c| read::rows(c, &layout, &filter, now)).await
    }
}

/// The id, when a filter asks for nothing else.
fn single_id(filter: &Filter) -> Option<String> {
    match filter {
        Filter::Eq(path, value) if path == "id" => value.as_str().map(str::to_owned),
        _ => None,
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, from: &'static Collection, id: &str) -> Result<Option<Record>, StoreError> {
        let layout = self.layout(from).await?;
        if let Some(record) = layout.recent_document(id) {
            return Ok(Some(record));
        }
        let (id, now) = (id.to_owned(), self.now());
        self.shared.readers.run(move |c| read::get(c, &layout, &id, now)).await
    }

    async fn find(
        &self,
        from: &'static Collection,
        query: &Query,
    ) -> Result<Vec<Record>, StoreError> {
        let layout = self.layout(from).await?;
        if let Some(fault) = query.fault() {
            return Err(layout.invalid(fault));
        }
        if let Some(found) = layout.recent_answer(query) {
            return Ok(found);
        }
        let (query, now) = (query.clone(), self.now());
        self.shared.readers.run(move |c| read::find(c, &layout, &query, now)).await
    }

    async fn count(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        let (layout, filter, now) = (self.layout(from).await?, filter.clone(), self.now());
        self.shared.readers.run(move |c| read::count(c, &layout, &filter, now)).await
    }

    async fn insert(
        &self,
        into: &'static Collection,
        document: Document,
        fence: Option<&Fence>,
    ) -> Result<Inserted, StoreError> {
        let layout = self.layout(into).await?;
        let document = Arc::new(layout.encode(&document)?);
        let (fence, now) = (fence.cloned(), self.now());
        self.write(document.body.len(), move |c| {
            write::insert(c, &layout, &document, fence.as_ref(), now)
        })
        .await
    }

    async fn replace(
        &self,
        into: &'static Collection,
        document: Document,
        revision: Revision,
        fence: Option<&Fence>,
    ) -> Result<Replaced, StoreError> {
        let layout = self.layout(into).await?;
        let document = Arc::new(layout.encode(&document)?);
        let (fence, now) = (fence.cloned(), self.now());
        self.write(document.body.len(), move |c| {
            write::replace(c, &layout, &document, revision, fence.as_ref(), now)
        })
        .await
    }

    async fn update_many(
        &self,
        into: &'static Collection,
        filter: &Filter,
        patch: &Patch,
    ) -> Result<u64, StoreError> {
        let layout = self.layout(into).await?;
        let mut changed = 0;
        for rows in self.rows(&layout, filter).await?.chunks(CHUNK) {
            let (layout, rows, now) = (Arc::clone(&layout), rows.to_vec(), self.now());
            let (filter, patch) = (filter.clone(), patch.clone());
            let update = move |c: &_| write::update_rows(c, &layout, &rows, (&filter, &patch), now);
            changed += self.write(0, update).await?;
        }
        Ok(changed)
    }

    async fn delete(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        let layout = self.layout(from).await?;
        if let Some(id) = single_id(filter) {
            let (filter, now) = (filter.clone(), self.now());
            let delete = move |c: &_| {
                let rows = write::row_of(c, &layout, &id)?;
                write::delete_rows(c, &layout, &rows, &filter, now)
            };
            return self.write(0, delete).await;
        }
        let mut removed = 0;
        for rows in self.rows(&layout, filter).await?.chunks(CHUNK) {
            let (layout, rows, now) = (Arc::clone(&layout), rows.to_vec(), self.now());
            let filter = filter.clone();
            let delete = move |c: &_| write::delete_rows(c, &layout, &rows, &filter, now);
            removed += self.write(0, delete).await?;
        }
        Ok(removed)
    }

    async fn raise_fence(&self, fence: &Fence) -> Result<(), StoreError> {
        let fence = fence.clone();
        self.write(0, move |c| write::raise_fence(c, &fence)).await
    }

    async fn put_blob(&self, content: Bytes) -> Result<BlobRef, StoreError> {
        let packing = tokio::task::spawn_blocking(move || blob::pack(&content));
        let packed = packing.await.map_err(|_| closed())??;
        let reference = packed.reference.clone();
        self.write(packed.content.len(), move |c| blob::put(c, &packed)).await?;
        Ok(reference)
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        let digest = digest.clone();
        let wanted = digest.clone();
        let found = self.shared.readers.run(move |c| blob::get(c, &wanted)).await?;
        let Some((bytes, packed)) = found else {
            return Ok(None);
        };
        let unpacking = tokio::task::spawn_blocking(move || blob::unpack(&digest, bytes, &packed));
        unpacking.await.map_err(|_| closed())?.map(Some)
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        let digest = digest.clone();
        self.write(0, move |c| blob::delete(c, &digest)).await
    }

    fn relaxed(self: Arc<Self>) -> Arc<dyn Store> {
        Arc::new(Self { shared: Arc::clone(&self.shared), promise: Promise::Ordered })
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.shared.writer.flush().await
    }
}

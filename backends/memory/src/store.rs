//! The store: tables under one lock, answers by the pure functions of the port.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use st2_model::{BlobRef, Digest, Epoch, Revision};
use st2_ports::{
    Clock, Collection, Document, Fence, Filter, Inserted, Patch, Position, Query, Record, Replaced,
    Store, StoreError,
};

use crate::lock;
use crate::table::Table;

/// Documents and blobs in memory.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    tables: BTreeMap<&'static str, Table>,
    fences: BTreeMap<String, Epoch>,
    blobs: BTreeMap<Digest, Bytes>,
}

impl State {
    /// The table of a collection, without the documents whose time has passed.
    fn table(&mut self, of: &'static Collection, clock: &dyn Clock) -> &mut Table {
        let table = self.tables.entry(of.name).or_insert_with(|| Table::new(of));
        table.expire(clock.now());
        table
    }

    fn check(&self, fence: Option<&Fence>) -> Result<(), StoreError> {
        match fence {
            Some(fence)
                if self.fences.get(&fence.key).is_some_and(|known| *known > fence.epoch) =>
            {
                Err(StoreError::Fenced { key: fence.key.clone(), epoch: fence.epoch })
            }
            _ => Ok(()),
        }
    }
}

fn invalid(collection: &'static Collection, reason: impl Into<String>) -> StoreError {
    StoreError::Invalid { collection: collection.name, reason: reason.into() }
}

fn check_body(collection: &'static Collection, document: &Document) -> Result<(), StoreError> {
    if document.body.is_object() {
        return Ok(());
    }
    Err(invalid(collection, format!("the body of {} is no object", document.id)))
}

impl MemoryStore {
    /// An empty store whose documents expire by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, from: &'static Collection, id: &str) -> Result<Option<Record>, StoreError> {
        let mut state = lock(&self.state);
        Ok(state.table(from, &*self.clock).get(id))
    }

    async fn find(
        &self,
        from: &'static Collection,
        query: &Query,
    ) -> Result<Vec<Record>, StoreError> {
        if let Some(fault) = query.fault() {
            return Err(invalid(from, fault));
        }
        let mut state = lock(&self.state);
        let table = state.table(from, &*self.clock);
        let after = query.after.as_ref().map(Position::from);
        let mut found: Vec<Position> = table
            .matching_ids(&query.filter)
            .iter()
            .filter_map(|id| Some(Position::of(&query.sort, id, table.body(id)?)))
            .filter(|place| {
                let is_behind = |after| place.compare(after, &query.sort).is_gt();
                after.as_ref().is_none_or(is_behind)
            })
            .collect();
        found.sort_by(|one, two| one.compare(two, &query.sort));
        let answer = found
            .iter()
            .skip(query.offset)
            .take(query.limit.unwrap_or(usize::MAX))
            .filter_map(|place| table.get(&place.id))
            .map(|mut record| {
                if let Some(members) = record.body.as_object_mut() {
                    members.retain(|name, _| !query.without.contains(&name.as_str()));
                }
                record
            })
            .collect();
        Ok(answer)
    }

    async fn count(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        let mut state = lock(&self.state);
        let found = state.table(from, &*self.clock).matching_ids(filter).len();
        Ok(found as u64)
    }

    async fn insert(
        &self,
        into: &'static Collection,
        document: Document,
        fence: Option<&Fence>,
    ) -> Result<Inserted, StoreError> {
        check_body(into, &document)?;
        let mut state = lock(&self.state);
        state.check(fence)?;
        let table = state.table(into, &*self.clock);
        if table.revision(&document.id).is_some() {
            return Ok(Inserted::Exists);
        }
        if let Some(index) = table.taken(&document.id, &document.body) {
            return Ok(Inserted::Taken(index));
        }
        table.put(&document.id, Revision::FIRST, document.body);
        Ok(Inserted::New)
    }

    async fn replace(
        &self,
        into: &'static Collection,
        document: Document,
        revision: Revision,
        fence: Option<&Fence>,
    ) -> Result<Replaced, StoreError> {
        check_body(into, &document)?;
        let mut state = lock(&self.state);
        state.check(fence)?;
        let table = state.table(into, &*self.clock);
        match table.revision(&document.id) {
            None => return Ok(Replaced::Missing),
            Some(current) if current != revision => return Ok(Replaced::Stale),
            Some(_) => {}
        }
        if let Some(index) = table.taken(&document.id, &document.body) {
            return Ok(Replaced::Taken(index));
        }
        table.put(&document.id, revision.next(), document.body);
        Ok(Replaced::At(revision.next()))
    }

    async fn update_many(
        &self,
        into: &'static Collection,
        filter: &Filter,
        patch: &Patch,
    ) -> Result<u64, StoreError> {
        let mut state = lock(&self.state);
        let table = state.table(into, &*self.clock);
        let mut changed = 0;
        for Record { id, revision, mut body } in table.matching(filter) {
            patch.apply(&mut body);
            if let Some(index) = table.taken(&id, &body) {
                let reason = format!("{id} can not be changed: its values are taken under {index}");
                return Err(invalid(into, reason));
            }
            table.put(&id, revision.next(), body);
            changed += 1;
        }
        Ok(changed)
    }

    async fn delete(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        let mut state = lock(&self.state);
        let table = state.table(from, &*self.clock);
        let ids = table.matching_ids(filter);
        for id in &ids {
            table.remove(id);
        }
        Ok(ids.len() as u64)
    }

    async fn raise_fence(&self, fence: &Fence) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        state.check(Some(fence))?;
        state.fences.insert(fence.key.clone(), fence.epoch);
        Ok(())
    }

    async fn put_blob(&self, content: Bytes) -> Result<BlobRef, StoreError> {
        let reference = BlobRef { digest: Digest::of(&content), bytes: content.len() as u64 };
        lock(&self.state).blobs.insert(reference.digest.clone(), content);
        Ok(reference)
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        Ok(lock(&self.state).blobs.get(digest).cloned())
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        Ok(lock(&self.state).blobs.remove(digest).is_some())
    }

    /// There is no disk: what is in memory is as durable as it gets.
    fn relaxed(self: Arc<Self>) -> Arc<dyn Store> {
        self
    }

    async fn flush(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

//! Typed access to the store: one generic repository, used for every kind of record.

use std::marker::PhantomData;
use std::sync::Arc;

use st2_model::Revision;

use crate::{
    Document, Entity, Fence, Filter, Inserted, Query, Record, Replaced, Store, StoreError,
};

/// A record and the revision at which it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<E> {
    /// The record.
    pub value: E,
    /// Its revision.
    pub revision: Revision,
}

/// The records of type `E`.
pub struct Repository<E> {
    store: Arc<dyn Store>,
    entity: PhantomData<fn() -> E>,
}

impl<E> Clone for Repository<E> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), entity: PhantomData }
    }
}

impl<E: Entity> Repository<E> {
    /// The records of type `E` in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, entity: PhantomData }
    }

    /// The record `id`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn get(&self, id: impl ToString) -> Result<Option<Versioned<E>>, StoreError> {
        self.store.get(E::collection(), &id.to_string()).await?.map(decode).transpose()
    }

    /// The records that match.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find(&self, query: &Query) -> Result<Vec<Versioned<E>>, StoreError> {
        self.store.find(E::collection(), query).await?.into_iter().map(decode).collect()
    }

    /// The first record whose member at `path` is `value`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find_by(
        &self,
        path: &str,
        value: impl ToString,
    ) -> Result<Option<Versioned<E>>, StoreError> {
        let query = Query::of(Filter::eq(path, value.to_string())).limit(1);
        Ok(self.find(&query).await?.into_iter().next())
    }

    /// How many records match.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn count(&self, filter: &Filter) -> Result<u64, StoreError> {
        self.store.count(E::collection(), filter).await
    }

    /// Stores a new record.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn insert(&self, record: &E, fence: Option<&Fence>) -> Result<Inserted, StoreError> {
        self.store.insert(E::collection(), encode(record)?, fence).await
    }

    /// Stores a record in the place of the one at `revision`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn replace(
        &self,
        record: &E,
        revision: Revision,
        fence: Option<&Fence>,
    ) -> Result<Replaced, StoreError> {
        self.store.replace(E::collection(), encode(record)?, revision, fence).await
    }

    /// Stores a record whether or not one with its id exists; the last writer wins. For content,
    /// whose truth is on disk; never for what moves through states.
    ///
    /// # Errors
    /// Those of the store; [`StoreError::Invalid`] when a unique index refuses it.
    pub async fn put(&self, record: &E) -> Result<Revision, StoreError> {
        let taken = |index| StoreError::Invalid {
            collection: E::collection().name,
            reason: format!("{} is taken under {index}", record.document_id()),
        };
        loop {
            match self.insert(record, None).await? {
                Inserted::New => return Ok(Revision::FIRST),
                Inserted::Taken(index) => return Err(taken(index)),
                Inserted::Exists => {}
            }
            let Some(current) = self.get(record.document_id()).await? else {
                continue;
            };
            match self.replace(record, current.revision, None).await? {
                Replaced::At(revision) => return Ok(revision),
                Replaced::Taken(index) => return Err(taken(index)),
                Replaced::Stale | Replaced::Missing => {}
            }
        }
    }

    /// Removes the record `id`; whether it was there.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete(&self, id: impl ToString) -> Result<bool, StoreError> {
        let filter = Filter::eq("id", id.to_string());
        Ok(self.store.delete(E::collection(), &filter).await? > 0)
    }

    /// Removes the records that match and returns how many there were.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_where(&self, filter: &Filter) -> Result<u64, StoreError> {
        self.store.delete(E::collection(), filter).await
    }
}

fn encode<E: Entity>(record: &E) -> Result<Document, StoreError> {
    let id = record.document_id();
    match serde_json::to_value(record) {
        Ok(body) => Ok(Document { id, body }),
        Err(error) => Err(StoreError::Invalid {
            collection: E::collection().name,
            reason: format!("{id} can not be stored: {error}"),
        }),
    }
}

fn decode<E: Entity>(record: Record) -> Result<Versioned<E>, StoreError> {
    match serde_json::from_value(record.body) {
        Ok(value) => Ok(Versioned { value, revision: record.revision }),
        Err(error) => Err(StoreError::Corrupt {
            collection: E::collection().name,
            id: record.id,
            reason: error.to_string(),
        }),
    }
}

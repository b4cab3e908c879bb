//! The document port: JSON documents in named collections, and blobs beside them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use st2_model::{BlobRef, Digest, Epoch, Revision};

use crate::{Filter, Patch, Query};

/// A named collection and what the store must know of it. Declared once, as a `static`, in
/// `collections.rs`; a backend creates what it needs for it at first use.
#[derive(Debug)]
pub struct Collection {
    /// Name, in StackStorm's words.
    pub name: &'static str,
    /// What is searched by.
    pub indexes: &'static [Index],
    /// Dotted path of a [`st2_model::Timestamp`]; a document whose time has passed is gone:
    /// no read shows it, and the backend removes it in its own time.
    pub expires: Option<&'static str>,
}

/// An index over one or more dotted paths. A path that leads to an array indexes its elements
/// only for single-path indexes.
#[derive(Debug)]
pub struct Index {
    /// Name, unique within the collection; seen in [`Inserted::Taken`].
    pub name: &'static str,
    /// Dotted paths, most significant first.
    pub paths: &'static [&'static str],
    /// Whether two documents may not have the same values. Documents that lack the first path
    /// are not compared.
    pub unique: bool,
}

/// A document to be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Its id, unique in the collection.
    pub id: String,
    /// Its body, an object.
    pub body: Value,
}

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// The revision that was read: what a replacing write must name.
    pub revision: Revision,
    /// Its body.
    pub body: Value,
}

/// Proof of ownership that rides along with a write: it is refused when a later epoch of the same
/// lease has been announced with [`Store::raise_fence`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    /// The lease's key.
    pub key: String,
    /// The epoch under which the writer holds it.
    pub epoch: Epoch,
}

/// What became of an insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The document is stored, at [`Revision::FIRST`].
    New,
    /// A document with this id exists; it was left as it is.
    Exists,
    /// Another document has the same values under the unique index of this name.
    Taken(&'static str),
}

/// What became of a replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// The document is stored, at this revision.
    At(Revision),
    /// The document has another revision: read it again and decide again.
    Stale,
    /// There is no such document.
    Missing,
    /// Another document has the same values under the unique index of this name.
    Taken(&'static str),
}

/// Why the store could not answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The backend is away or full; the same call may go through later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The write carried a stale [`Fence`]: the writer is no longer the owner.
    #[error("the lease \"{key}\" has a later owner than epoch {}", epoch.0)]
    Fenced {
        /// The lease's key.
        key: String,
        /// The epoch that was refused.
        epoch: Epoch,
    },
    /// A stored document can not be read.
    #[error("{collection} {id} can not be read: {reason}")]
    Corrupt {
        /// The collection.
        collection: &'static str,
        /// The document.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The question can not be answered, whatever the backend's state.
    #[error("{collection}: {reason}")]
    Invalid {
        /// The collection.
        collection: &'static str,
        /// What is wrong with the call.
        reason: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Documents and blobs. Every method may wait for a disk or a network and never blocks the
/// thread. Reads see every write that returned before they were called.
///
/// What a write promises when it returns depends on the view through which it was made:
///
/// - Through the store itself it is *durable*: it survives the death of every process, and where
///   the backend can promise it, of the machine.
/// - Through [`Store::relaxed`] it is *ordered*: every reader sees it and it survives the death of
///   every process, but a loss of power may take it away until somebody has called
///   [`Store::flush`], or made a durable write, after it returned.
///
/// All writes of a store stand in one order, whatever view they were made through: when one
/// returned before another was called, it comes first. A loss of power takes away a suffix of
/// that order and nothing from its middle, so that no effect is ever found without its cause.
/// A write that has ended in [`StoreError::Unavailable`] may have happened all the same.
///
/// Calls come in any order and at the same time; writes of one document are serialised by their
/// revisions.
#[async_trait]
pub trait Store: Send + Sync {
    /// The document `id`, or nothing.
    async fn get(&self, from: &'static Collection, id: &str) -> Result<Option<Record>, StoreError>;

    /// The documents that match, in the query's order. An empty answer is a normal one.
    async fn find(
        &self,
        from: &'static Collection,
        query: &Query,
    ) -> Result<Vec<Record>, StoreError>;

    /// How many documents match.
    async fn count(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError>;

    /// Stores a document if no other has its id.
    async fn insert(
        &self,
        into: &'static Collection,
        document: Document,
        fence: Option<&Fence>,
    ) -> Result<Inserted, StoreError>;

    /// Stores a document in the place of the one that has its id and this revision.
    async fn replace(
        &self,
        into: &'static Collection,
        document: Document,
        revision: Revision,
        fence: Option<&Fence>,
    ) -> Result<Replaced, StoreError>;

    /// Changes every document that matches, each by itself, and returns how many. A document
    /// that is written meanwhile is judged as it is when its turn comes.
    async fn update_many(
        &self,
        into: &'static Collection,
        filter: &Filter,
        patch: &Patch,
    ) -> Result<u64, StoreError>;

    /// Removes the documents that match and returns how many there were.
    async fn delete(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError>;

    /// Announces an owner: from now on a write that carries a lower epoch of this key is refused.
    /// Raising to a lower epoch than is known is itself refused with [`StoreError::Fenced`].
    async fn raise_fence(&self, fence: &Fence) -> Result<(), StoreError>;

    /// Stores bytes under their digest, compressed. Storing the same bytes twice is a no-op.
    async fn put_blob(&self, content: Bytes) -> Result<BlobRef, StoreError>;

    /// The bytes of a blob, or nothing.
    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError>;

    /// Removes a blob; whether it was there.
    async fn delete_blob(&self, digest: &Digest) -> Result<bool, StoreError>;

    /// The same store for writes that need not be durable when they return, because what they
    /// say follows from something that is, or because [`Store::flush`] comes before anybody
    /// relies on them.
    fn relaxed(self: Arc<Self>) -> Arc<dyn Store>;

    /// Makes everything durable that returned before this was called. Writes go on meanwhile,
    /// and calls at the same time share one flush to disk.
    async fn flush(&self) -> Result<(), StoreError>;
}

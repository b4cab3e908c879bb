//! What was written last, in memory, so that who is woken by a write need not read the file for
//! it. Nobody but the writer changes the file or puts anything in here, so what is found here is
//! what is there.
//!
//! The order of things: what a transaction writes is forgotten here before the transaction commits,
//! and shown anew after that, before anybody is answered. Who finds nothing in between reads the
//! file, which knows. So no reader sees a document and later an older one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use st2_model::Revision;
use st2_ports::{Filter, Query, Record};

use crate::layout::Encoded;
use crate::read;

/// Larger documents are left to the file.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// Of so many documents, or bytes, the older half is forgotten.
const DOCUMENTS_MAX: usize = 4096;
const BYTES_MAX: usize = 8 << 20;

#[derive(Clone)]
struct Entry {
    document: Arc<Encoded>,
    revision: Revision,
}

/// Documents by collection and id.
type Documents = BTreeMap<&'static str, HashMap<String, Entry>>;

/// Two generations: when the young one is full it takes the place of the old one.
#[derive(Default)]
struct Generations {
    young: Documents,
    young_count: usize,
    young_bytes: usize,
    old: Documents,
    /// Written by the transaction that is under way.
    staged: Documents,
}

impl Generations {
    fn forget(&mut self, collection: &'static str, id: &str) {
        for documents in [&mut self.young, &mut self.old, &mut self.staged] {
            documents.get_mut(collection).and_then(|documents| documents.remove(id));
        }
    }

    fn keep(&mut self, collection: &'static str, id: String, entry: Entry) {
        let bytes = entry.document.body.len();
        if self.young_count >= DOCUMENTS_MAX / 2 || self.young_bytes + bytes > BYTES_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
            (self.young_count, self.young_bytes) = (0, 0);
        }
        self.young_count += 1;
        self.young_bytes += bytes;
        self.young.entry(collection).or_default().insert(id, entry);
    }
}

/// The documents that were written last.
#[derive(Default)]
pub(crate) struct Recent {
    generations: Mutex<Generations>,
}

impl Recent {
    fn with<T>(&self, work: impl FnOnce(&mut Generations) -> T) -> T {
        work(&mut self.generations.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A transaction writes a document. Only the last one of each id is kept.
    pub(crate) fn stage(
        &self,
        collection: &'static str,
        document: &Arc<Encoded>,
        revision: Revision,
    ) {
        self.with(|generations| {
            generations.forget(collection, &document.id);
            if document.body.len() <= DOCUMENT_BYTES_MAX {
                let entry = Entry { document: Arc::clone(document), revision };
                let staged = generations.staged.entry(collection).or_default();
                staged.insert(document.id.clone(), entry);
            }
        });
    }

    /// A transaction changes or removes a document in another way.
    pub(crate) fn forget(&self, collection: &'static str, id: &str) {
        self.with(|generations| generations.forget(collection, id));
    }

    /// A transaction may change or remove any document of a collection.
    pub(crate) fn forget_all(&self, collection: &'static str) {
        self.with(|generations| {
            generations.young.remove(collection);
            generations.old.remove(collection);
            generations.staged.remove(collection);
        });
    }

    /// The transaction is committed, and nobody has been answered.
    pub(crate) fn publish(&self) {
        self.with(|generations| {
            for (collection, documents) in std::mem::take(&mut generations.staged) {
                for (id, entry) in documents {
                    generations.keep(collection, id, entry);
                }
            }
        });
    }

    /// The transaction was undone.
    pub(crate) fn discard(&self) {
        self.with(|generations| generations.staged.clear());
    }

    /// The store is closed.
    pub(crate) fn clear(&self) {
        self.with(|generations| *generations = Generations::default());
    }

    fn find(&self, collection: &'static str, id: &str) -> Option<Entry> {
        self.with(|generations| {
            let of = |documents: &Documents| documents.get(collection)?.get(id).cloned();
            of(&generations.young).or_else(|| of(&generations.old))
        })
    }

    /// The document `id`, when it was written lately.
    pub(crate) fn get(&self, collection: &'static str, id: &str) -> Option<Record> {
        let Entry { document, revision } = self.find(collection, id)?;
        let body = read::parse(document.body.as_bytes(), &[]).ok()?;
        Some(Record { id: document.id.clone(), revision, body })
    }

    /// The answer to a question for documents by their ids, when all were written lately.
    pub(crate) fn answer(&self, collection: &'static str, query: &Query) -> Option<Vec<Record>> {
        let Filter::In(path, ids) = &query.filter else {
            return None;
        };
        let is_plain = query.sort.is_empty() && query.after.is_none() && query.without.is_empty();
        if path != "id" || !is_plain || query.limit.is_some() || query.offset > 0 {
            return None;
        }
        let mut ids: Vec<&str> = ids.iter().filter_map(|id| id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(|id| self.get(collection, id)).collect()
    }
}

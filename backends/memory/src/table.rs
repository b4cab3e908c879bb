//! One collection: its documents, and for each declared path which documents have which value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use st2_model::{Revision, Timestamp};
use st2_ports::{Collection, Filter, Index, Reached, Record, SortKey};

type Ids = BTreeSet<String>;

/// The documents of a collection.
pub(crate) struct Table {
    collection: &'static Collection,
    documents: BTreeMap<String, (Revision, Value)>,
    paths: BTreeMap<&'static str, BTreeMap<SortKey, Ids>>,
    expiries: BTreeSet<(i64, String)>,
}

impl Table {
    pub(crate) fn new(collection: &'static Collection) -> Self {
        let declared = collection.indexes.iter().flat_map(|index| index.paths);
        Self {
            collection,
            documents: BTreeMap::new(),
            paths: declared.map(|path| (*path, BTreeMap::new())).collect(),
            expiries: BTreeSet::new(),
        }
    }

    /// Removes the documents whose time has passed.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.expiries.first() {
            if *at > now.micros() {
                return;
            }
            let id = id.clone();
            self.remove(&id);
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<Record> {
        self.documents.get(id).map(|(revision, body)| Record {
            id: id.to_owned(),
            revision: *revision,
            body: body.clone(),
        })
    }

    pub(crate) fn body(&self, id: &str) -> Option<&Value> {
        self.documents.get(id).map(|(_, body)| body)
    }

    pub(crate) fn revision(&self, id: &str) -> Option<Revision> {
        self.documents.get(id).map(|(revision, _)| *revision)
    }

    /// Stores a document in the place of the one that has its id.
    pub(crate) fn put(&mut self, id: &str, revision: Revision, body: Value) {
        self.remove(id);
        for (path, ids_by_value) in &mut self.paths {
            for key in keys(&body, path) {
                ids_by_value.entry(key).or_default().insert(id.to_owned());
            }
        }
        if let Some(at) = self.expiry(&body) {
            self.expiries.insert((at, id.to_owned()));
        }
        self.documents.insert(id.to_owned(), (revision, body));
    }

    pub(crate) fn remove(&mut self, id: &str) {
        let Some((_, body)) = self.documents.remove(id) else {
            return;
        };
        for (path, ids_by_value) in &mut self.paths {
            for key in keys(&body, path) {
                if let Some(ids) = ids_by_value.get_mut(&key) {
                    ids.remove(id);
                    if ids.is_empty() {
                        ids_by_value.remove(&key);
                    }
                }
            }
        }
        if let Some(at) = self.expiry(&body) {
            self.expiries.remove(&(at, id.to_owned()));
        }
    }

    fn expiry(&self, body: &Value) -> Option<i64> {
        let path = self.collection.expires?;
        Reached::at(body, path).values().iter().find_map(|value| value.as_i64())
    }

    /// The unique index under which another document than `id` has the values of `body`.
    pub(crate) fn taken(&self, id: &str, body: &Value) -> Option<&'static str> {
        let unique = self.collection.indexes.iter().filter(|index| index.unique);
        unique
            .filter(|index| {
                let Some(values) = index_values(index, body) else {
                    return false;
                };
                let leading = index.paths.first().zip(values.first());
                leading
                    .and_then(|(path, value)| self.paths.get(path)?.get(value))
                    .into_iter()
                    .flatten()
                    .filter(|other| *other != id)
                    .filter_map(|other| self.documents.get(other))
                    .any(|(_, body)| index_values(index, body).as_ref() == Some(&values))
            })
            .map(|index| index.name)
            .next()
    }

    /// The documents that match, by id.
    pub(crate) fn matching(&self, filter: &Filter) -> Vec<Record> {
        let ids = self.matching_ids(filter);
        ids.iter().filter_map(|id| self.get(id)).collect()
    }

    /// The ids of the documents that match.
    pub(crate) fn matching_ids(&self, filter: &Filter) -> Vec<String> {
        let matches =
            |id: &str| self.documents.get(id).is_some_and(|(_, body)| filter.matches(id, body));
        match self.candidates(filter) {
            Some(ids) => ids.into_iter().filter(|id| matches(id)).collect(),
            None => self
                .documents
                .iter()
                .filter(|(id, (_, body))| filter.matches(id, body))
                .map(|(id, _)| id.clone())
                .collect(),
        }
    }

    /// A set that holds every document that matches. `None`: look at all of them.
    fn candidates(&self, filter: &Filter) -> Option<Ids> {
        match filter {
            Filter::Eq(path, value) => self.with_value(path, std::slice::from_ref(value)),
            Filter::In(path, values) => self.with_value(path, values),
            Filter::And(all) => {
                all.iter().filter_map(|one| self.candidates(one)).min_by_key(BTreeSet::len)
            }
            Filter::Or(any) => {
                let sets: Option<Vec<Ids>> = any.iter().map(|one| self.candidates(one)).collect();
                Some(sets?.into_iter().flatten().collect())
            }
            _ => None,
        }
    }

    fn with_value(&self, path: &str, values: &[Value]) -> Option<Ids> {
        if path == "id" {
            let ids = values.iter().filter_map(Value::as_str);
            return Some(ids.map(str::to_owned).collect());
        }
        let ids_by_value = self.paths.get(path)?;
        let keys = values.iter().map(SortKey::of);
        Some(keys.filter_map(|key| ids_by_value.get(&key)).flatten().cloned().collect())
    }
}

/// The places of all values at a path.
fn keys(body: &Value, path: &str) -> BTreeSet<SortKey> {
    let reached = Reached::at(body, path);
    reached.values().iter().map(|value| SortKey::of(value)).collect()
}

/// The values under a unique index. `None`: the document is not compared, because it lacks the
/// first value or has an array or object.
fn index_values(index: &Index, body: &Value) -> Option<Vec<SortKey>> {
    let values: Vec<SortKey> =
        index.paths.iter().map(|path| Reached::at(body, path).sort_key()).collect();
    let lacks_first = values.first().is_none_or(|first| *first == SortKey::Null);
    (!lacks_first && !values.contains(&SortKey::Other)).then_some(values)
}

//! How a collection lies in the file: a table of documents with a column for each declared path,
//! and a table of the elements of arrays that declared paths lead to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use st2_model::Revision;
use st2_ports::{Collection, Document, Query, Reached, Record, StoreError};

use crate::key::{Key, NULL_SQL};
use crate::recent::Recent;

/// What is known of a collection's tables.
pub(crate) struct Layout {
    pub(crate) collection: &'static Collection,
    /// The declared paths, each once.
    pub(crate) paths: Vec<&'static str>,
    /// The quoted name of the table of documents.
    pub(crate) table: String,
    /// The quoted name of the table of elements.
    pub(crate) elements: String,
    /// The part of every condition that leaves out what has expired. Takes the time, once, also
    /// where nothing expires; the column is then not looked at, so that an index may suffice.
    pub(crate) alive: &'static str,
    pub(crate) insert: String,
    pub(crate) select_keys: String,
    /// The documents of all collections that were written last.
    recent: Arc<Recent>,
    ready: AtomicBool,
    /// For each path, whether any document has or had an array there. Set before the write.
    arrays: Vec<AtomicBool>,
}

/// A document, ready to be written.
pub(crate) struct Encoded {
    pub(crate) id: String,
    pub(crate) body: String,
    /// One for each path.
    pub(crate) keys: Vec<Key>,
    /// Where arrays are: the number of the path, and a key for each value it leads to.
    pub(crate) elements: Vec<(usize, Key)>,
    pub(crate) expires: Option<i64>,
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The quoted name of the column of a declared path.
pub(crate) fn column(path: &str) -> String {
    quoted(&format!("={path}"))
}

impl Layout {
    pub(crate) fn new(collection: &'static Collection, recent: Arc<Recent>) -> Self {
        let mut paths: Vec<&'static str> = Vec::new();
        for path in collection.indexes.iter().flat_map(|index| index.paths) {
            if !paths.contains(path) && *path != "id" {
                paths.push(path);
            }
        }
        let table = quoted(collection.name);
        let (mut names, mut marks) = (String::new(), String::new());
        for path in &paths {
            write_all(&mut names, &[", ", &column(path)]);
            marks.push_str(", ?");
        }
        let alive = match collection.expires {
            Some(_) => "(expires IS NULL OR expires > ?)",
            None => "(? IS NOT NULL)",
        };
        Self {
            alive,
            insert: format!(
                "INSERT INTO {table} (id, revision, expires, body{names}) \
                 VALUES (?, 1, ?, ?{marks}) ON CONFLICT (id) DO NOTHING"
            ),
            select_keys: format!(
                "SELECT n, revision{names} FROM {table} \
                 WHERE id = ? AND {alive}"
            ),
            elements: quoted(&format!("{}[]", collection.name)),
            arrays: paths.iter().map(|_| AtomicBool::new(false)).collect(),
            ready: AtomicBool::new(false),
            recent,
            collection,
            paths,
            table,
        }
    }

    /// The documents of this collection that were written last: none where they expire, because
    /// time alone would change those.
    fn recent(&self) -> Option<&Recent> {
        self.collection.expires.is_none().then_some(&*self.recent)
    }

    /// The transaction under way writes a document.
    pub(crate) fn stage(&self, document: &Arc<Encoded>, revision: Revision) {
        if let Some(recent) = self.recent() {
            recent.stage(self.collection.name, document, revision);
        }
    }

    /// The transaction under way changes a document in another way.
    pub(crate) fn forget(&self, id: &str) {
        self.recent.forget(self.collection.name, id);
    }

    /// The transaction under way may remove any document.
    pub(crate) fn forget_all(&self) {
        self.recent.forget_all(self.collection.name);
    }

    /// The document `id`, when it was written lately.
    pub(crate) fn recent_document(&self, id: &str) -> Option<Record> {
        self.recent()?.get(self.collection.name, id)
    }

    /// The answer to a question for documents that were all written lately.
    pub(crate) fn recent_answer(&self, query: &Query) -> Option<Vec<Record>> {
        self.recent()?.answer(self.collection.name, query)
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// The number of a declared path.
    pub(crate) fn path(&self, path: &str) -> Option<usize> {
        self.paths.iter().position(|declared| *declared == path)
    }

    /// Whether elements of arrays must be looked for at the path of this number.
    pub(crate) fn has_arrays(&self, path: usize) -> bool {
        self.arrays.get(path).is_some_and(|flag| flag.load(Ordering::SeqCst))
    }

    pub(crate) fn has_any_arrays(&self) -> bool {
        (0..self.paths.len()).any(|path| self.has_arrays(path))
    }

    pub(crate) fn note_array(&self, path: usize) {
        if let Some(flag) = self.arrays.get(path) {
            flag.store(true, Ordering::SeqCst);
        }
    }

    /// Statements that make the tables of a collection that has none.
    pub(crate) fn create(&self) -> String {
        let (table, elements) = (&self.table, &self.elements);
        let mut columns = String::new();
        for path in &self.paths {
            write_all(&mut columns, &[&self.column_definition(path), ", "]);
        }
        format!(
            "CREATE TABLE {table} (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, \
             revision INTEGER NOT NULL, expires INTEGER, {columns}body TEXT NOT NULL);
             CREATE TABLE {elements} (path TEXT NOT NULL, key NOT NULL, n INTEGER NOT NULL, \
             PRIMARY KEY (path, key, n)) WITHOUT ROWID;
             CREATE INDEX {by_document} ON {elements} (n);",
            by_document = quoted(&format!("{}[].by_document", self.collection.name)),
        )
    }

    /// The column of a path, as it is declared.
    pub(crate) fn column_definition(&self, path: &str) -> String {
        format!("{} NOT NULL DEFAULT {NULL_SQL}", column(path))
    }

    /// Statements that make the indexes. The id is in each, so that an answer sorted by an index
    /// and then by id comes out of it as it is.
    pub(crate) fn create_indexes(&self) -> Vec<String> {
        let name = |index: &str| quoted(&format!("{}.{index}", self.collection.name));
        let mut statements: Vec<String> = self
            .collection
            .indexes
            .iter()
            .map(|index| {
                let columns: String = index
                    .paths
                    .iter()
                    .filter(|path| **path != "id")
                    .map(|path| column(path) + ", ")
                    .collect();
                format!("CREATE INDEX {} ON {} ({columns}id)", name(index.name), self.table)
            })
            .collect();
        if self.collection.expires.is_some() {
            statements.push(format!(
                "CREATE INDEX {} ON {} (expires) WHERE expires IS NOT NULL",
                name("expires"),
                self.table
            ));
        }
        statements
    }

    /// What the tables depend on, as text: when it changes, they are made anew.
    pub(crate) fn declaration(&self) -> String {
        json!({
            "paths": self.paths,
            "indexes": self.create_indexes(),
            "expires": self.collection.expires,
        })
        .to_string()
    }

    /// The statement that rewrites a document: revision, expiry, body, and the columns of the
    /// paths of these numbers.
    pub(crate) fn update(&self, changed: &[usize]) -> String {
        let mut sql = format!("UPDATE {} SET revision = ?, body = ?", self.table);
        if self.collection.expires.is_some() {
            sql.push_str(", expires = ?");
        }
        for path in changed.iter().filter_map(|number| self.paths.get(*number)) {
            write_all(&mut sql, &[", ", &column(path), " = ?"]);
        }
        sql.push_str(" WHERE n = ?");
        sql
    }

    /// Encodes a document, on the caller's thread, so that the writer only writes.
    pub(crate) fn encode(&self, document: &Document) -> Result<Encoded, StoreError> {
        self.encode_parts(document.id.clone(), &document.body)
    }

    pub(crate) fn encode_parts(&self, id: String, body: &Value) -> Result<Encoded, StoreError> {
        if !body.is_object() {
            return Err(self.invalid(format!("the body of {id} is no object")));
        }
        let mut encoded = Encoded {
            body: body.to_string(),
            keys: Vec::with_capacity(self.paths.len()),
            elements: Vec::new(),
            expires: None,
            id,
        };
        for (number, path) in self.paths.iter().enumerate() {
            let reached = Reached::at(body, path);
            encoded.keys.push(reached.sort_key().into());
            if !reached.is_plain() {
                let keys = reached.values().iter().map(|value| Key::of(value));
                encoded.elements.extend(keys.map(|key| (number, key)));
            }
        }
        if let Some(path) = self.collection.expires {
            let reached = Reached::at(body, path);
            encoded.expires = reached.values().iter().find_map(|value| value.as_i64());
        }
        Ok(encoded)
    }

    pub(crate) fn invalid(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Invalid { collection: self.collection.name, reason: reason.into() }
    }

    pub(crate) fn corrupt(&self, id: &str, reason: impl ToString) -> StoreError {
        StoreError::Corrupt {
            collection: self.collection.name,
            id: id.to_owned(),
            reason: reason.to_string(),
        }
    }
}

fn write_all(target: &mut String, parts: &[&str]) {
    for part in parts {
        target.push_str(part);
    }
}

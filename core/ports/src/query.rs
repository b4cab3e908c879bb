//! The small query language that every backend translates.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use st2_model::Object;

/// A condition on a document. Paths are dotted; a path that leads into an array matches when any
/// element does, or where it ends at one, the array itself. `id` is the document's id. Values compare within their type only: numbers with
/// numbers, text with text; a missing member is null.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every document.
    All,
    /// The value at the path equals this one.
    Eq(String, Value),
    /// The value at the path is one of these. An empty list matches nothing.
    In(String, Vec<Value>),
    /// The value at the path is at least `from` and below `to`; either end may be open.
    Range {
        /// Dotted path.
        path: String,
        /// Inclusive lower end.
        from: Option<Value>,
        /// Exclusive upper end.
        to: Option<Value>,
    },
    /// Whether there is a value other than null at the path.
    Exists(String, bool),
    /// The text at the path starts with this.
    Prefix(String, String),
    /// The text at the path contains this, without regard to ASCII case. Not served by an index.
    Contains(String, String),
    /// All of these. An empty list matches everything.
    And(Vec<Filter>),
    /// Any of these. An empty list matches nothing.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
}

impl Filter {
    /// The value at `path` equals `value`.
    pub fn eq(path: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::Eq(path.into(), value.into())
    }

    /// The value at `path` is one of `values`.
    pub fn is_in<V: Into<Value>>(
        path: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self::In(path.into(), values.into_iter().map(Into::into).collect())
    }

    /// The value at `path` is below `end`.
    pub fn below(path: impl Into<String>, end: impl Into<Value>) -> Self {
        Self::Range { path: path.into(), from: None, to: Some(end.into()) }
    }

    /// The value at `path` is at least `start`.
    pub fn at_least(path: impl Into<String>, start: impl Into<Value>) -> Self {
        Self::Range { path: path.into(), from: Some(start.into()), to: None }
    }

    /// This and `other`.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, one) | (one, Self::All) => one,
            (Self::And(mut all), one) => {
                all.push(one);
                Self::And(all)
            }
            (one, two) => Self::And(vec![one, two]),
        }
    }
}

/// Which way a sort goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Smallest first.
    Ascending,
    /// Greatest first.
    Descending,
}

/// One key of a sort. Missing values and null come before everything else when ascending; then
/// booleans, numbers, text; last, in no order of their own, arrays, objects and what lies in
/// arrays. Text compares by its UTF-8 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// Dotted path.
    pub path: String,
    /// The direction.
    pub order: Order,
}

/// A place in a sorted answer: the values of the sort's keys and the id of its last document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// One value for each key of the sort.
    pub values: Vec<Value>,
    /// The id, which is always the last key, in the direction of the last one.
    pub id: String,
}

/// A question to a collection. The answer is always sorted: by the keys given, then by id.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What matches.
    pub filter: Filter,
    /// The order.
    pub sort: Vec<Sort>,
    /// At most so many documents.
    pub limit: Option<usize>,
    /// So many documents are passed over first.
    pub offset: usize,
    /// Only what comes after this place. Costs the same at any depth, unlike `offset`.
    pub after: Option<Cursor>,
    /// Members at the top level that the answer leaves out, so that lists stay light.
    pub without: Vec<&'static str>,
}

impl Query {
    /// All that match, by id.
    #[must_use]
    pub const fn of(filter: Filter) -> Self {
        Self { filter, sort: Vec::new(), limit: None, offset: 0, after: None, without: Vec::new() }
    }

    /// Sorted by one more key.
    #[must_use]
    pub fn by(mut self, path: &str, order: Order) -> Self {
        self.sort.push(Sort { path: path.to_owned(), order });
        self
    }

    /// At most `limit` documents.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Passing over `offset` documents.
    #[must_use]
    pub const fn offset(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }
}

/// A change to members of documents. Paths are dotted; objects on the way are made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// Members to set.
    pub set: Object,
    /// Members to remove.
    pub unset: Vec<String>,
}

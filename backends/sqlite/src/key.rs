//! How a value is encoded in a column, so that SQLite's order of values is the port's.
//!
//! SQLite orders numbers, then text, then blobs. Null and the booleans come before all numbers:
//! they are the least floats there are. Columns are never NULL, so that comparisons are two-valued
//! and a comparison of rows can be answered from an index.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};
use serde_json::Value;
use st2_ports::{Numeric, SortKey};

/// [`Key::NULL`] as SQL.
pub(crate) const NULL_SQL: &str = "-9e999";

const NULL: f64 = f64::NEG_INFINITY;
const FALSE: f64 = f64::MIN;
const TRUE: f64 = FALSE.next_up();
const LEAST_NUMBER: f64 = TRUE.next_up();

/// A value in a column.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(crate) enum Key {
    Integer(i64),
    Float(f64),
    Text(String),
    /// Arrays and objects: an empty blob, behind all text.
    Other,
}

impl Key {
    pub(crate) const NULL: Self = Self::Float(NULL);
    pub(crate) const FALSE: Self = Self::Float(FALSE);
    /// Where the numbers begin. The two or three floats below it are taken for this one.
    pub(crate) const LEAST_NUMBER: Self = Self::Float(LEAST_NUMBER);
    /// Where text begins.
    pub(crate) const LEAST_TEXT: Self = Self::Text(String::new());

    pub(crate) fn of(value: &Value) -> Self {
        Self::from(SortKey::of(value))
    }

    /// Whether exactly the values that equal this one have this key.
    pub(crate) fn is_exact(&self) -> bool {
        match self {
            Self::Float(float) => *float != LEAST_NUMBER,
            Self::Integer(_) | Self::Text(_) => true,
            Self::Other => false,
        }
    }

    /// Whether the column holds this key.
    pub(crate) fn is(&self, column: ValueRef<'_>) -> bool {
        match (self, column) {
            (Self::Integer(one), ValueRef::Integer(two)) => *one == two,
            (Self::Float(one), ValueRef::Real(two)) => one.total_cmp(&two).is_eq(),
            (Self::Text(one), ValueRef::Text(two)) => one.as_bytes() == two,
            (Self::Other, ValueRef::Blob(_)) => true,
            _ => false,
        }
    }
}

impl From<SortKey> for Key {
    fn from(key: SortKey) -> Self {
        match key {
            SortKey::Null => Self::NULL,
            SortKey::Bool(false) => Self::FALSE,
            SortKey::Bool(true) => Self::Float(TRUE),
            SortKey::Number(Numeric::Integer(integer)) => Self::Integer(integer),
            SortKey::Number(Numeric::Float(float)) => Self::Float(float.max(LEAST_NUMBER)),
            SortKey::Text(text) => Self::Text(text),
            SortKey::Other => Self::Other,
        }
    }
}

impl ToSql for Key {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Float(float) => ValueRef::Real(*float),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Other => ValueRef::Blob(&[]),
        }))
    }
}

/// The least text greater than every text that starts with `prefix`. `None`: there is none.
pub(crate) fn after_prefix(prefix: &str) -> Option<String> {
    let mut stem = prefix.to_owned();
    while let Some(last) = stem.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            stem.push(next);
            return Some(stem);
        }
    }
    None
}

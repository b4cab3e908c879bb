//! JSONPath as StackStorm queries payloads: rule criteria keys and the filter `jsonpath_query`.
//!
//! The dialect is small (no filter expressions) and has its own precedences: `a.b | c` means
//! `a.(b | c)`, `a..b.c` means `a..(b.c)`. Parsing stands in `parse`, looking things up in `find`.
//! Every query is bounded in nesting and steps.

mod find;
mod parse;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::Value;

/// A query that does not parse or cannot be applied to a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    #[error("path {path:?}, position {position}: {reason}")]
    Syntax { path: String, position: usize, reason: String },
    #[error("path {path:?}: {reason}")]
    Lookup { path: String, reason: String },
}

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    text: String,
    expression: Expression,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    Root,
    This,
    Parent,
    /// Members by name.
    Fields(Vec<String>),
    /// All members of a mapping.
    AnyField,
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    Child(Box<Expression>, Box<Expression>),
    Descendants(Box<Expression>, Box<Expression>),
    Where(Box<Expression>, Box<Expression>),
    Union(Box<Expression>, Box<Expression>),
}

impl JsonPath {
    /// Reads a query.
    ///
    /// # Errors
    /// With the position at which the text stops making sense.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Ok(Self { text: text.to_owned(), expression: parse::parse(text)? })
    }

    /// The query as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All matches in a value, in the order of the document.
    ///
    /// # Errors
    /// If an index is applied to something that has none, or the query takes too many steps.
    pub fn find(&self, value: &Value) -> Result<Vec<Value>, PathError> {
        let found = find::find(&self.expression, value).map_err(|reason| self.lookup(reason))?;
        Ok(found.into_iter().map(Cow::into_owned).collect())
    }

    /// All matches in an object that has these members, without copying them together.
    ///
    /// # Errors
    /// As [`JsonPath::find`].
    pub fn find_among<'a>(
        &self,
        members: &[(&str, &'a Value)],
    ) -> Result<Vec<Cow<'a, Value>>, PathError> {
        find::find_among(&self.expression, members).map_err(|reason| self.lookup(reason))
    }

    fn lookup(&self, reason: String) -> PathError {
        PathError::Lookup { path: self.text.clone(), reason }
    }
}

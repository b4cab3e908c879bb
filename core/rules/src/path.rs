//! Criterion keys: JSONPath as the original reads it.
//!
//! Bars bind tighter than dots, `where` tighter still, and brackets apply to everything before
//! them; only the first match counts. A key that is a plain chain of names takes a short way.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{Error, LookupError};

mod find;
mod lex;
mod parse;

#[cfg(test)]
mod tests;

/// What a key can see: the payload as `trigger`, and inside `search` the element as `item`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) trigger: Option<&'a Value>,
    pub(crate) item: Option<&'a Value>,
}

impl<'a> Scope<'a> {
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        match name {
            "trigger" => self.trigger,
            "item" => self.item,
            _ => None,
        }
    }

    fn members(self) -> impl Iterator<Item = (&'static str, &'a Value)> {
        let members = [("trigger", self.trigger), ("item", self.item)];
        members.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

/// A parsed key.
#[derive(Debug, Clone, PartialEq)]
enum Expr {
    Root,
    This,
    Parent,
    Fields(Vec<String>),
    AnyField,
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    Child(Box<Expr>, Box<Expr>),
    Descendants(Box<Expr>, Box<Expr>),
    Where(Box<Expr>, Box<Expr>),
    Union(Box<Expr>, Box<Expr>),
    Intersection,
}

/// A key, read once for many payloads.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    expr: Expr,
    names: Option<Vec<String>>,
}

impl Path {
    /// Reads `key`, without its `#` suffix.
    pub(crate) fn parse(key: &str) -> Result<Self, Error> {
        let expr = parse::parse(key).map_err(|problem| Error::Path {
            key: key.to_owned(),
            position: problem.position,
            reason: problem.reason,
        })?;
        let mut names = Vec::new();
        let is_chain = chain(&expr, &mut names);
        Ok(Self { expr, names: is_chain.then_some(names) })
    }

    /// The names, when the key is nothing but names with dots between them.
    pub(crate) fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The first value that the key leads to.
    pub(crate) fn first<'a>(
        &self,
        scope: Scope<'a>,
    ) -> Result<Option<Cow<'a, Value>>, LookupError> {
        match &self.names {
            Some(names) => Ok(follow(names, scope).map(Cow::Borrowed)),
            None => Ok(self.all(scope)?.into_iter().next()),
        }
    }

    /// Every value that the key leads to.
    pub(crate) fn all<'a>(&self, scope: Scope<'a>) -> Result<Vec<Cow<'a, Value>>, LookupError> {
        find::find(&self.expr, scope)
    }
}

/// Follows `names` through objects.
pub(crate) fn follow<'a>(names: &[String], scope: Scope<'a>) -> Option<&'a Value> {
    let (first, rest) = names.split_first()?;
    rest.iter().try_fold(scope.get(first)?, |value, name| value.as_object()?.get(name))
}

fn chain(expr: &Expr, names: &mut Vec<String>) -> bool {
    match expr {
        Expr::Fields(fields) => match fields.as_slice() {
            [name] => {
                names.push(name.clone());
                true
            }
            _ => false,
        },
        Expr::Child(left, right) => chain(left, names) && chain(right, names),
        _ => false,
    }
}

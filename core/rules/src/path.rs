//! Criterion keys: JSONPath queries over the payload, of which the first match counts.
//!
//! A key that is a plain chain of names, as nearly all are, takes a short way.

use std::borrow::Cow;

use serde_json::Value;
use st2_expr::jsonpath::{JsonPath, PathError};

#[cfg(test)]
mod tests;

/// What a key can see: the payload as `trigger`, and inside `search` the element as `item`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) trigger: Option<&'a Value>,
    pub(crate) item: Option<&'a Value>,
}

impl<'a> Scope<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        match name {
            "trigger" => self.trigger,
            "item" => self.item,
            _ => None,
        }
    }

    /// What there is, with its names.
    pub(crate) fn members(self) -> Vec<(&'static str, &'a Value)> {
        let members = [("trigger", self.trigger), ("item", self.item)];
        members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// A key, read once for many payloads.
#[derive(Debug, Clone)]
pub(crate) enum Path {
    /// Names with dots between them.
    Names(Vec<String>),
    /// Anything else.
    Query(JsonPath),
}

impl Path {
    /// Reads `key`, without its `#` suffix.
    pub(crate) fn parse(key: &str) -> Result<Self, PathError> {
        let query = JsonPath::parse(key)?;
        Ok(names(key).map_or(Self::Query(query), Self::Names))
    }

    /// Whether following the key may visit much of the payload, and not of an element alone.
    pub(crate) fn may_visit_payload(&self) -> bool {
        match self {
            Self::Names(_) => false,
            Self::Query(query) => {
                ["trigger", "$", "parent"].iter().any(|p| query.text().contains(p))
            }
        }
    }

    /// The first value that the key leads to.
    pub(crate) fn first<'a>(&self, scope: Scope<'a>) -> Result<Option<Cow<'a, Value>>, PathError> {
        match self {
            Self::Names(names) => Ok(follow(names, scope).map(Cow::Borrowed)),
            Self::Query(query) => Ok(query.find_among(&scope.members())?.into_iter().next()),
        }
    }

    /// Every value that the key leads to.
    pub(crate) fn all<'a>(&self, scope: Scope<'a>) -> Result<Vec<Cow<'a, Value>>, PathError> {
        match self {
            Self::Names(names) => Ok(follow(names, scope).map(Cow::Borrowed).into_iter().collect()),
            Self::Query(query) => query.find_among(&scope.members()),
        }
    }
}

/// Follows `names` through objects.
pub(crate) fn follow<'a>(names: &[String], scope: Scope<'a>) -> Option<&'a Value> {
    let (first, rest) = names.split_first()?;
    rest.iter().try_fold(scope.get(first)?, |value, name| value.as_object()?.get(name))
}

/// The names of a key that is nothing but names with dots between them.
fn names(key: &str) -> Option<Vec<String>> {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '@'))
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'@' | b'-'))
    };
    key.trim().split('.').map(|name| is_name(name).then(|| name.to_owned())).collect()
}

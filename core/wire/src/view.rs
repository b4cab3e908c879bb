//! How answers are put together.

use serde_json::{Map, Value};
use st2_model::ResourceRef;

/// Builds one answer member by member, in the order in which clients print them.
pub(crate) struct View(Map<String, Value>);

impl View {
    pub(crate) fn new() -> Self {
        Self(Map::new())
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn named(self, reference: &ResourceRef) -> Self {
        self.with("name", reference.name())
            .with("ref", reference.to_string())
            .with("pack", reference.pack())
    }

    /// As [`View::with`], for members that are left out when there is nothing in them: null, false,
    /// zero, and empty text, lists and objects.
    pub(crate) fn filled(self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let is_empty = match &value {
            Value::Null => true,
            Value::Bool(flag) => !flag,
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.is_empty(),
        };
        if is_empty { self } else { self.with(name, value) }
    }

    pub(crate) fn id(self, id: impl ToString) -> Self {
        self.with("id", id.to_string())
    }

    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    pub(crate) fn done(self, id: impl ToString) -> Value {
        self.id(id).into_value()
    }
}

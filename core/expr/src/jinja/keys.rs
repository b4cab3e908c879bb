//! Datastore lookups in templates: `st2kv.system.<key>`, `st2kv.user.<key>`.
//!
//! Keys may contain dots, so each attribute or element step makes the key longer and only the use of
//! the value reads it. The lookup is a pure function over items the caller has at hand.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value};

use super::error::security_error;

/// Scope name of items everyone shares.
pub const SYSTEM_SCOPE: &str = "st2kv.system";
/// Scope name of items of one user; their stored names start with `<user>:`.
pub const USER_SCOPE: &str = "st2kv.user";

/// A datastore item by scope and stored name (`<user>:<key>` in the user scope).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef {
    pub scope: String,
    pub name: String,
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.scope, self.name)
    }
}

/// Answer of a [`KeyLookup`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The item's value as stored: cipher text if the item is secret.
    Found(String),
    /// There is no such item; templates see empty text.
    Missing,
    /// Nobody has asked the store yet.
    NotLoaded,
}

/// Where templates find datastore items. Called during a rendering, so it answers from memory.
pub trait KeyLookup: Send + Sync {
    /// `scope` is [`SYSTEM_SCOPE`] or [`USER_SCOPE`], `name` the stored name.
    fn get(&self, scope: &str, name: &str) -> Lookup;
}

/// A [`KeyLookup`] over a table filled by the caller, usually in answer to
/// [`JinjaError::KeysNeeded`](super::JinjaError::KeysNeeded).
#[derive(Debug, Clone, Default)]
pub struct KeyTable {
    items: IndexMap<KeyRef, Option<String>>,
    complete: bool,
}

impl KeyTable {
    /// An empty table: every item is "not loaded".
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A table that holds all there is: an absent item is missing, not "not loaded".
    #[must_use]
    pub fn complete() -> Self {
        Self { complete: true, ..Self::default() }
    }

    /// Records what the store said: a value, or that there is none.
    pub fn insert(&mut self, key: KeyRef, value: Option<String>) {
        self.items.insert(key, value);
    }
}

impl KeyLookup for KeyTable {
    fn get(&self, scope: &str, name: &str) -> Lookup {
        let key = KeyRef { scope: scope.to_owned(), name: name.to_owned() };
        match self.items.get(&key) {
            Some(Some(value)) => Lookup::Found(value.clone()),
            Some(None) => Lookup::Missing,
            None if self.complete => Lookup::Missing,
            None => Lookup::NotLoaded,
        }
    }
}

/// Keys a rendering asked for and did not get, shared by all lookups of that rendering.
pub(super) type NeededKeys = Arc<Mutex<BTreeSet<KeyRef>>>;

pub(super) fn take_needed(needed: &NeededKeys) -> Vec<KeyRef> {
    let mut needed = needed.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *needed).into_iter().collect()
}

/// The source of one rendering's lookups.
#[derive(Clone)]
pub(super) struct KeySource {
    pub(super) lookup: Arc<dyn KeyLookup>,
    pub(super) user: Arc<str>,
    pub(super) needed: NeededKeys,
}

/// The value of `st2kv`.
pub(super) struct KeyScopes(pub(super) KeySource);

impl fmt::Debug for KeyScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("st2kv")
    }
}

impl Object for KeyScopes {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let scope = match key.as_str()? {
            "system" => SYSTEM_SCOPE,
            "user" if !self.0.user.is_empty() => USER_SCOPE,
            _ => return None,
        };
        Some(KeyNode::root(self.0.clone(), scope))
    }
}

/// One step of a lookup: a scope and the key text so far.
pub(super) struct KeyNode {
    source: KeySource,
    scope: &'static str,
    path: String,
}

impl KeyNode {
    pub(super) fn root(source: KeySource, scope: &'static str) -> Value {
        Value::from_object(Self { source, scope, path: String::new() })
    }

    /// The name templates know the item by.
    pub(super) fn title(&self) -> String {
        format!("{}.{}", self.scope, self.path)
    }

    /// The item's text; empty if it is missing or not loaded (the rendering then ends with
    /// `KeysNeeded`, whatever it made of the empty text).
    pub(super) fn text(&self) -> String {
        if self.path.is_empty() {
            return String::new();
        }
        let name = if self.scope == USER_SCOPE {
            format!("{}:{}", self.source.user, self.path)
        } else {
            self.path.clone()
        };
        match self.source.lookup.get(self.scope, &name) {
            Lookup::Found(value) => value,
            Lookup::Missing => String::new(),
            Lookup::NotLoaded => {
                let key = KeyRef { scope: self.scope.to_owned(), name };
                let mut needed = self.source.needed.lock().unwrap_or_else(PoisonError::into_inner);
                needed.insert(key);
                String::new()
            }
        }
    }

    pub(super) fn is_root(&self) -> bool {
        self.path.is_empty()
    }
}

impl fmt::Debug for KeyNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the value: debug output ends up in logs.
        f.write_str(&self.title())
    }
}

impl Object for KeyNode {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let step = match key.as_str() {
            Some(step) => step.to_owned(),
            None => super::python::str_of(key),
        };
        if step.starts_with("__") {
            return None;
        }
        let path = if self.path.is_empty() { step } else { format!("{}.{step}", self.path) };
        Some(Value::from_object(Self { source: self.source.clone(), scope: self.scope, path }))
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        _args: &[Value],
    ) -> Result<Value, Error> {
        Err(security_error(&format!(
            "{}.{method} is a datastore item and cannot be called; convert it with `| string` first",
            self.title()
        )))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// The text of `value` if it is a datastore lookup.
pub(super) fn lookup_text(value: &Value) -> Option<String> {
    value.downcast_object_ref::<KeyNode>().map(KeyNode::text)
}

pub(super) fn is_lookup(value: &Value) -> bool {
    value.downcast_object_ref::<KeyNode>().is_some()
}

/// Fails for `st2kv.system` itself, which has no value.
pub(super) fn refuse_root(value: &Value) -> Result<(), Error> {
    match value.downcast_object_ref::<KeyNode>() {
        Some(node) if node.is_root() => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("{}: name a datastore item", node.scope),
        )),
        _ => Ok(()),
    }
}

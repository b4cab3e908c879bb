//! Lists and mappings of templates, which methods may change and which never nest too deeply.
//!
//! A value as deep as a loop has turns would use up the stack when it is compared, printed or
//! dropped. So each collection knows its height, and putting one into another fixes how high the
//! inner one may still grow ([`SLACK`]) and adds that to the outer one. This also rules out
//! collections that contain themselves. Collections of the context are frozen: renderings share them.

use std::cmp::Ordering as Cmp;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use indexmap::IndexMap;
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr, Tuple, ValueKind};
use minijinja::{Error, Value};

use super::budget;
use super::convert::Group;
use super::error::{limit_error, value_error};
use super::methods::DictView;
use super::python;

/// Greatest height of a collection.
const MAX_HEIGHT: usize = 200;
/// How much a collection may still grow in height after it was put into another.
const SLACK: usize = 4;
/// Items of a tuple and of the tuples in it.
const MAX_TUPLE_PARTS: usize = 256;

#[derive(Debug)]
struct Shape {
    height: AtomicUsize,
    /// Height that may not be exceeded.
    most: AtomicUsize,
    frozen: bool,
}

impl Shape {
    fn new(height: usize, frozen: bool) -> Self {
        let most = if frozen { height } else { MAX_HEIGHT };
        Self { height: AtomicUsize::new(height), most: AtomicUsize::new(most), frozen }
    }

    fn height(&self) -> usize {
        self.height.load(Ordering::SeqCst)
    }

    /// Fixes the height for being put into another collection.
    fn reserve(&self) -> usize {
        let allowed = self.height().saturating_add(if self.frozen { 0 } else { SLACK });
        self.most.fetch_min(allowed, Ordering::SeqCst).min(allowed)
    }

    fn hold(&self, item: usize) -> Result<(), Error> {
        let needed = item + 1;
        if needed > self.most.load(Ordering::SeqCst) {
            return Err(limit_error(
                "a list or mapping of the template is nested too deeply or would contain itself",
            ));
        }
        self.height.fetch_max(needed, Ordering::SeqCst);
        Ok(())
    }

    fn check_changeable(&self) -> Result<(), Error> {
        if self.frozen {
            return Err(value_error(
                "values given to a template do not change; make a copy first, as in `value | list` or `dict(value)`",
            ));
        }
        Ok(())
    }
}

/// A list.
#[derive(Debug)]
pub(super) struct List {
    items: RwLock<Vec<Value>>,
    shape: Shape,
}

/// A mapping in order of insertion.
#[derive(Debug)]
pub(super) struct Dict {
    items: RwLock<IndexMap<Value, Value>>,
    shape: Shape,
}

impl List {
    /// A list of its own for the template.
    pub(super) fn of(items: impl IntoIterator<Item = Value>) -> Result<Value, Error> {
        let list = Self { items: RwLock::default(), shape: Shape::new(0, false) };
        let items: Vec<Value> =
            items.into_iter().map(|item| list.shape.admit(&item)).collect::<Result<_, _>>()?;
        *list.write() = items;
        Ok(Value::from_object(list))
    }

    /// A list that does not change; its items are collections of this kind or no collections.
    pub(super) fn frozen(items: Vec<Value>) -> Value {
        let height = items.iter().map(height).max().map_or(0, |height| height + 1);
        Value::from_object(Self { items: RwLock::new(items), shape: Shape::new(height, true) })
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Value>> {
        self.items.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Value>> {
        self.items.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn snapshot(&self) -> Vec<Value> {
        self.read().clone()
    }

    /// Changes the list; new items come through [`List::admit`].
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Vec<Value>) -> T) -> Result<T, Error> {
        self.shape.check_changeable()?;
        Ok(change(&mut self.write()))
    }

    /// The item as this list may hold it.
    pub(super) fn admit(&self, item: &Value) -> Result<Value, Error> {
        self.shape.check_changeable()?;
        self.shape.admit(item)
    }
}

impl Dict {
    /// A mapping of its own for the template; the last of equal keys counts.
    pub(super) fn of(pairs: impl IntoIterator<Item = (Value, Value)>) -> Result<Value, Error> {
        let dict = Self { items: RwLock::default(), shape: Shape::new(0, false) };
        for (key, item) in pairs {
            dict.insert(&key, &item)?;
        }
        Ok(Value::from_object(dict))
    }

    /// A mapping that does not change; see [`List::frozen`].
    pub(super) fn frozen(items: IndexMap<Value, Value>) -> Value {
        let height = items.values().map(height).max().map_or(0, |height| height + 1);
        Value::from_object(Self { items: RwLock::new(items), shape: Shape::new(height, true) })
    }

    fn read(&self) -> RwLockReadGuard<'_, IndexMap<Value, Value>> {
        self.items.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut IndexMap<Value, Value>) -> T,
    ) -> Result<T, Error> {
        self.shape.check_changeable()?;
        let mut items = self.items.write().unwrap_or_else(PoisonError::into_inner);
        Ok(change(&mut items))
    }

    pub(super) fn insert(&self, key: &Value, item: &Value) -> Result<(), Error> {
        self.shape.check_changeable()?;
        check_key(key)?;
        let item = self.shape.admit(item)?;
        self.change(|items| {
            items.insert(key.clone(), item);
        })
    }
}

impl Shape {
    fn admit(&self, item: &Value) -> Result<Value, Error> {
        let item = adopt(item, Place::Inside)?;
        self.hold(reserve(&item))?;
        Ok(item)
    }
}

/// Keys are values that never change.
pub(super) fn check_key(key: &Value) -> Result<(), Error> {
    let plain = |value: &Value| value.as_object().is_none();
    let fits = if key.is_tuple() {
        key.try_iter()?.all(|part| plain(&part))
    } else {
        plain(key) || key.downcast_object_ref::<super::convert::PyObject>().is_some()
    };
    if fits && !key.is_undefined() {
        Ok(())
    } else {
        let kind = python::type_name(key);
        Err(value_error(format!("unhashable type: '{kind}'")))
    }
}

impl Object for List {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.read().get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.read().len())
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Cmp> {
        let other = other.downcast::<Self>()?;
        let (left, right) = (self.snapshot(), other.snapshot());
        for (left, right) in left.iter().zip(&right) {
            if !budget::step() {
                return Some(Cmp::Less);
            }
            if left != right {
                return Some(left.cmp(right));
            }
        }
        Some(left.len().cmp(&right.len()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        render(&Value::from_dyn_object(Arc::clone(self)), f)
    }
}

/// Prints for the engine's own filters; too large a value ends the rendering later.
fn render(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match python::text_of(value) {
        Ok(text) => f.write_str(&text),
        Err(_) => {
            budget::exceed();
            Ok(())
        }
    }
}

impl Object for Dict {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Map
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        check_key(key).ok()?;
        self.read().get(key).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.read().keys().cloned().collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.read().len())
    }

    /// Equal mappings are equal in any order; unequal ones have no order, so any will do.
    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Cmp> {
        let other = other.downcast::<Self>()?;
        let (left, right) = (self.read().clone(), other.read().clone());
        if left.len() != right.len() {
            return Some(left.len().cmp(&right.len()));
        }
        for (key, item) in &left {
            if !budget::step() || right.get(key) != Some(item) {
                return Some(Cmp::Less);
            }
        }
        Some(Cmp::Equal)
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        render(&Value::from_dyn_object(Arc::clone(self)), f)
    }
}

/// A copy that the template may change, unless the value is too high for that.
pub(super) fn thawed(value: &Value) -> Result<Value, Error> {
    if height(value) > MAX_HEIGHT / (SLACK + 1) {
        return Ok(value.clone());
    }
    if let Some(list) = value.downcast_object_ref::<List>() {
        let items: Result<Vec<Value>, Error> = list.snapshot().iter().map(thawed).collect();
        return List::of(items?);
    }
    if let Some(dict) = value.downcast_object_ref::<Dict>() {
        let pairs: Vec<(Value, Value)> = dict
            .read()
            .iter()
            .map(|(key, item)| Ok((key.clone(), thawed(item)?)))
            .collect::<Result<_, Error>>()?;
        return Dict::of(pairs);
    }
    Ok(value.clone())
}

/// Where a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To a name.
    Name,
    /// Into a collection or a namespace.
    Inside,
}

/// The value with every collection in it of our kind, so that its height is known.
pub(super) fn adopt(value: &Value, place: Place) -> Result<Value, Error> {
    adopt_at(value, place, &mut 0)
}

/// `parts` counts the items of nested tuples, which have no height of their own.
fn adopt_at(value: &Value, place: Place, parts: &mut usize) -> Result<Value, Error> {
    let Some(object) = value.as_object() else {
        return Ok(value.clone());
    };
    if is_ours(object) {
        return Ok(value.clone());
    }
    let inside = |item: &Value| adopt(item, Place::Inside);
    if let Some(view) = value.downcast_object_ref::<DictView>() {
        return view.map(inside);
    }
    if let Some(group) = value.downcast_object_ref::<Group>() {
        return group.map(inside);
    }
    match value.kind() {
        ValueKind::Seq if value.is_tuple() => {
            let mut items = Vec::new();
            for item in value.try_iter()? {
                *parts += 1;
                if *parts > MAX_TUPLE_PARTS {
                    return Err(limit_error("a tuple of the template is too large or too deep"));
                }
                items.push(adopt_at(&item, Place::Inside, parts)?);
            }
            let tuple = Value::from(Tuple::new(items));
            if height(&tuple) > MAX_HEIGHT {
                return Err(limit_error("a tuple of the template is too large or too deep"));
            }
            Ok(tuple)
        }
        ValueKind::Seq | ValueKind::Iterable => List::of(value.try_iter()?),
        // A namespace keeps its identity behind a name; inside a value it is a snapshot.
        ValueKind::Map if place == Place::Name => Ok(value.clone()),
        ValueKind::Map => Dict::of(object.try_iter_pairs().into_iter().flatten()),
        _ if place == Place::Name => Ok(value.clone()),
        _ => Err(value_error(
            "functions, macros and the like cannot be part of a list, mapping or namespace",
        )),
    }
}

fn is_ours(object: &DynObject) -> bool {
    object.is::<List>()
        || object.is::<Dict>()
        || object.is::<super::filters::Range>()
        || object.is::<super::convert::PyObject>()
        || object.is::<super::keys::KeyNode>()
}

/// The height of an adopted value.
fn height(value: &Value) -> usize {
    measure(value, Shape::height)
}

fn reserve(value: &Value) -> usize {
    measure(value, Shape::reserve)
}

fn measure(value: &Value, of: fn(&Shape) -> usize) -> usize {
    if value.as_object().is_none() {
        0
    } else if let Some(list) = value.downcast_object_ref::<List>() {
        of(&list.shape)
    } else if let Some(dict) = value.downcast_object_ref::<Dict>() {
        of(&dict.shape)
    } else if value.downcast_object_ref::<super::filters::Range>().is_some() {
        1
    } else if value.kind() == ValueKind::Seq {
        let items = value.try_iter().into_iter().flatten();
        items.map(|item| measure(&item, of)).max().unwrap_or(0) + 1
    } else {
        0
    }
}

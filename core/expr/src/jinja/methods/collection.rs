//! Methods of lists and mappings, also those that change them.

use std::sync::Arc;

use indexmap::IndexMap;
use minijinja::value::{Enumerator, Object, ObjectRepr, Tuple, ValueKind};
use minijinja::{Error, State, Value};

use super::Call;
use crate::jinja::collections::{Dict, List, check_key};
use crate::jinja::error::value_error;
use crate::jinja::filters::sorted;
use crate::jinja::python;

/// `dict.keys()`, `dict.values()`, `dict.items()`: a list that prints as Python's view.
#[derive(Debug)]
pub(in crate::jinja) struct DictView {
    name: &'static str,
    items: Vec<Value>,
}

impl DictView {
    fn of(name: &'static str, items: Vec<Value>) -> Value {
        Value::from_object(Self { name, items })
    }

    /// The same view of changed items.
    pub(in crate::jinja) fn map(
        &self,
        change: impl Fn(&Value) -> Result<Value, Error>,
    ) -> Result<Value, Error> {
        let items: Result<Vec<Value>, Error> = self.items.iter().map(change).collect();
        Ok(Self::of(self.name, items?))
    }

    pub(in crate::jinja) fn name(&self) -> &'static str {
        self.name
    }
}

impl Object for DictView {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.items.get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.items.len())
    }
}

pub(super) fn mapping(value: &Value, call: &Call<'_>) -> Result<Option<Value>, Error> {
    let Some(object) = value.as_object() else {
        return Ok(None);
    };
    let pairs = || object.try_iter_pairs().into_iter().flatten();
    Ok(Some(match call.method {
        "keys" => {
            call.no_arguments()?;
            DictView::of("dict_keys", pairs().map(|(key, _)| key).collect())
        }
        "values" => {
            call.no_arguments()?;
            DictView::of("dict_values", pairs().map(|(_, item)| item).collect())
        }
        "items" => {
            call.no_arguments()?;
            let items = pairs().map(|(key, item)| Value::from(Tuple::from([key, item])));
            DictView::of("dict_items", items.collect())
        }
        "get" => {
            let args = call.bind("get", &["key", "default"])?;
            match object.get_value(args.required(0)?) {
                Some(found) => found,
                None => args.get(1).cloned().unwrap_or_else(|| Value::from(())),
            }
        }
        "copy" => {
            call.no_arguments()?;
            Dict::of(pairs())?
        }
        _ => match value.downcast_object_ref::<Dict>() {
            Some(dict) => return change_mapping(dict, call),
            None => return Ok(None),
        },
    }))
}

fn change_mapping(dict: &Dict, call: &Call<'_>) -> Result<Option<Value>, Error> {
    Ok(Some(match call.method {
        "pop" => {
            let args = call.bind("pop", &["key", "default"])?;
            let key = args.required(0)?;
            check_key(key)?;
            let removed = dict.change(|items| items.shift_remove(key))?;
            removed
                .or_else(|| args.get(1).cloned())
                .ok_or_else(|| value_error(format!("pop: no key {}", python::str_of(key))))?
        }
        "popitem" => {
            call.no_arguments()?;
            let (key, item) = dict
                .change(IndexMap::pop)?
                .ok_or_else(|| value_error("popitem(): dictionary is empty"))?;
            Value::from(Tuple::from([key, item]))
        }
        "setdefault" => {
            let args = call.bind("setdefault", &["key", "default"])?;
            let key = args.required(0)?;
            check_key(key)?;
            if let Some(found) = dict.change(|items| items.get(key).cloned())? {
                return Ok(Some(found));
            }
            let default = args.get(1).cloned().unwrap_or_else(|| Value::from(()));
            dict.insert(key, &default)?;
            dict.change(|items| items.get(key).cloned())?.unwrap_or_default()
        }
        "update" => {
            for source in &call.rest {
                for (key, item) in pairs_of(source)? {
                    dict.insert(&key, &item)?;
                }
            }
            for name in call.kwargs.args() {
                dict.insert(&Value::from(name), &call.kwargs.peek::<Value>(name)?)?;
            }
            Value::from(())
        }
        "clear" => {
            call.no_arguments()?;
            dict.change(IndexMap::clear)?;
            Value::from(())
        }
        _ => return Ok(None),
    }))
}

/// Pairs of a mapping, or of a list of pairs.
fn pairs_of(source: &Value) -> Result<Vec<(Value, Value)>, Error> {
    if source.kind() == ValueKind::Map {
        let pairs = source.as_object().and_then(|object| object.try_iter_pairs());
        return Ok(pairs.into_iter().flatten().collect());
    }
    source
        .try_iter()?
        .map(|item| {
            let parts: Vec<Value> = item.try_iter()?.collect();
            match parts.as_slice() {
                [key, value] => Ok((key.clone(), value.clone())),
                _ => Err(value_error("update(): expected pairs of key and value")),
            }
        })
        .collect()
}

pub(super) fn list(
    state: &State<'_, '_>,
    value: &Value,
    call: &Call<'_>,
) -> Result<Option<Value>, Error> {
    Ok(Some(match call.method {
        "count" => {
            let args = call.bind("count", &["value"])?;
            let wanted = args.required(0)?;
            Value::from(value.try_iter()?.filter(|item| item == wanted).count())
        }
        "index" => {
            let args = call.bind("index", &["value"])?;
            let wanted = args.required(0)?;
            match value.try_iter()?.position(|item| item == *wanted) {
                Some(at) => Value::from(at),
                None => return Err(value_error("the value is not in the list")),
            }
        }
        "copy" if !value.is_tuple() => {
            call.no_arguments()?;
            List::of(value.try_iter()?)?
        }
        _ => match value.downcast_object_ref::<List>() {
            Some(list) => return change_list(state, list, call),
            None => return Ok(None),
        },
    }))
}

fn change_list(
    state: &State<'_, '_>,
    list: &List,
    call: &Call<'_>,
) -> Result<Option<Value>, Error> {
    match call.method {
        "append" => {
            let args = call.bind("append", &["object"])?;
            let item = list.admit(args.required(0)?)?;
            list.change(|items| items.push(item))?;
        }
        "extend" => {
            let args = call.bind("extend", &["iterable"])?;
            let mut more = Vec::new();
            for item in args.required(0)?.try_iter()? {
                state.consume_fuel(1)?;
                more.push(list.admit(&item)?);
            }
            list.change(|items| items.extend(more))?;
        }
        "insert" => {
            let args = call.bind("insert", &["index", "object"])?;
            let at = args.integer(0, 0)?;
            let item = list.admit(args.required(1)?)?;
            list.change(|items| {
                let at = position(at, items.len()).unwrap_or(0);
                items.insert(at.min(items.len()), item);
            })?;
        }
        "pop" => {
            let args = call.bind("pop", &["index"])?;
            let at = args.integer(0, -1)?;
            let removed = list.change(|items| {
                let at = position(at, items.len()).filter(|at| *at < items.len())?;
                Some(items.remove(at))
            })?;
            return removed.map(Some).ok_or_else(|| value_error("pop index out of range"));
        }
        "remove" => {
            let args = call.bind("remove", &["value"])?;
            let wanted = args.required(0)?;
            let found = list.snapshot().iter().position(|item| item == wanted);
            let at = found.ok_or_else(|| value_error("remove: the value is not in the list"))?;
            list.change(|items| items.remove(at))?;
        }
        "clear" => {
            call.no_arguments()?;
            list.change(Vec::clear)?;
        }
        "reverse" => {
            call.no_arguments()?;
            list.change(|items| items.reverse())?;
        }
        "sort" => {
            let args = call.bind("sort", &["reverse"])?;
            let sorted = sorted(state, list.snapshot(), args.flag(0, false))?;
            list.change(|items| *items = sorted)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(Value::from(())))
}

/// The position an index means; negative ones count from the end.
fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    usize::try_from(if index < 0 { index + length } else { index }).ok()
}

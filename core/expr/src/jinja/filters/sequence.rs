//! Filters over lists and mappings, with Python's order of values.

use std::cmp::Ordering;

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Environment, Error, State, Value};

use super::order::{compare, folded};
use super::{Arguments, add};
use crate::jinja::collections::List;
use crate::jinja::convert;
use crate::jinja::error::{undefined_error, value_error};
use crate::jinja::python;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "list", &[], |state, value, _| items_of(state, value).and_then(List::of));
    add(environment, "join", &["d", "attribute"], join);
    add(environment, "sort", &["reverse", "case_sensitive", "attribute"], sort);
    add(environment, "min", &["case_sensitive", "attribute"], |state, value, args| {
        extreme(state, value, args, Ordering::Less)
    });
    add(environment, "max", &["case_sensitive", "attribute"], |state, value, args| {
        extreme(state, value, args, Ordering::Greater)
    });
    add(environment, "dictsort", &["case_sensitive", "by", "reverse"], dict_sort);
    add(environment, "groupby", &["attribute", "default", "case_sensitive"], group_by);
    add(environment, "items", &[], items);
    let default = &["default_value", "boolean"];
    add(environment, "default", default, default_value);
    add(environment, "d", default, default_value);
    add(environment, "attr", &["name"], attribute);
    add(environment, "sum", &["attribute", "start"], sum);
    add(environment, "random", &[], random);
}

/// The items Python would iterate over.
pub(in crate::jinja) fn items_of(
    state: &State<'_, '_>,
    value: &Value,
) -> Result<Vec<Value>, Error> {
    python::refuse_undefined(state, value)?;
    match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Number | ValueKind::Plain => {
            let kind = python::type_name(value);
            Err(value_error(format!("'{kind}' object is not iterable")))
        }
        _ => {
            let mut items = Vec::new();
            for item in value.try_iter()? {
                state.consume_fuel(1)?;
                items.push(item);
            }
            Ok(items)
        }
    }
}

/// Attribute paths of filters: names and indexes with dots between.
fn lookup(value: &Value, path: &Value) -> Result<Value, Error> {
    let Some(text) = path.as_str() else {
        return value.get_item(path);
    };
    let mut found = value.clone();
    for step in text.split('.') {
        if found.is_undefined() {
            return Err(undefined_error(format!("no attribute '{step}' of {text}")));
        }
        found = match step.parse::<usize>() {
            Ok(index) => found.get_item_by_index(index)?,
            Err(_) => found.get_attr(step)?,
        };
    }
    Ok(found)
}

fn join(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let separator = args.get(0).map_or(Ok(String::new()), python::text_of)?;
    let mut text = String::new();
    for (index, item) in items_of(state, value)?.iter().enumerate() {
        if index > 0 {
            text.push_str(&separator);
        }
        let item = match args.given(1) {
            Some(path) => lookup(item, path)?,
            None => item.clone(),
        };
        python::refuse_undefined(state, &item)?;
        let part = python::text_of(&item)?;
        state.consume_fuel(1 + u64::try_from(part.len() / 64).unwrap_or(u64::MAX))?;
        text.push_str(&part);
    }
    Ok(Value::from(text))
}

/// What an item is sorted by: its attributes, or itself.
fn sort_keys(
    item: &Value,
    path: Option<&Value>,
    case_sensitive: bool,
) -> Result<Vec<Value>, Error> {
    let keys = match path.map(|path| (path, path.as_str())) {
        None => vec![item.clone()],
        Some((_, Some(paths))) => paths
            .split(',')
            .map(|path| lookup(item, &Value::from(path.trim())))
            .collect::<Result<_, _>>()?,
        Some((path, None)) => vec![lookup(item, path)?],
    };
    Ok(keys.into_iter().map(|key| if case_sensitive { key } else { folded(key) }).collect())
}

/// Sorts and keeps equal items in order; the first failing comparison is the answer.
fn sorted_by<T>(
    state: &State<'_, '_>,
    mut items: Vec<(Vec<Value>, T)>,
    reverse: bool,
) -> Result<Vec<T>, Error> {
    let mut failure = None;
    items.sort_by(|left, right| {
        if failure.is_some() {
            return Ordering::Equal;
        }
        let order = state.consume_fuel(1).and_then(|()| compare_all(&left.0, &right.0));
        let order = order.unwrap_or_else(|error| {
            failure = Some(error);
            Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(items.into_iter().map(|(_, item)| item).collect()),
    }
}

fn compare_all(left: &[Value], right: &[Value]) -> Result<Ordering, Error> {
    for (left, right) in left.iter().zip(right) {
        let order = compare(left, right)?;
        if order.is_ne() {
            return Ok(order);
        }
    }
    Ok(Ordering::Equal)
}

/// `list.sort()`: by the values themselves.
pub(in crate::jinja) fn sorted(
    state: &State<'_, '_>,
    items: Vec<Value>,
    reverse: bool,
) -> Result<Vec<Value>, Error> {
    let keyed = items.into_iter().map(|item| (vec![item.clone()], item));
    sorted_by(state, keyed.collect(), reverse)
}

fn sort(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let case_sensitive = args.flag(1, false);
    let mut keyed = Vec::new();
    for item in items_of(state, value)? {
        keyed.push((sort_keys(&item, args.given(2), case_sensitive)?, item));
    }
    sorted_by(state, keyed, args.flag(0, false)).and_then(List::of)
}

fn extreme(
    state: &mut State<'_, '_>,
    value: &Value,
    args: &Arguments,
    wanted: Ordering,
) -> Result<Value, Error> {
    let case_sensitive = args.flag(0, false);
    let mut best: Option<(Vec<Value>, Value)> = None;
    for item in items_of(state, value)? {
        let key = sort_keys(&item, args.given(1), case_sensitive)?;
        let better = match &best {
            None => true,
            Some((best, _)) => compare_all(&key, best)? == wanted,
        };
        if better {
            best = Some((key, item));
        }
    }
    // An undefined value, as in the original: printing it fails, `default` replaces it.
    Ok(best.map_or(Value::UNDEFINED, |(_, item)| item))
}

fn pairs_of(value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    let pairs = match value.kind() {
        ValueKind::Map => value.as_object().and_then(|object| object.try_iter_pairs()),
        _ => return Err(value_error("Can only get item pairs from a mapping.")),
    };
    Ok(pairs.into_iter().flatten().collect())
}

fn pair(key: Value, item: Value) -> Value {
    Value::from(Tuple::from([key, item]))
}

fn items(_: &mut State<'_, '_>, value: &Value, _: &Arguments) -> Result<Value, Error> {
    if value.is_undefined() {
        return List::of([]);
    }
    let pairs = pairs_of(value)?;
    let items: Vec<Value> = pairs.into_iter().map(|(key, item)| pair(key, item)).collect();
    List::of(items)
}

fn dict_sort(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    let case_sensitive = args.flag(0, false);
    let by_value = match args.get(1).and_then(Value::as_str) {
        None | Some("key") => false,
        Some("value") => true,
        Some(_) => {
            return Err(value_error("You can only sort by either \"key\" or \"value\""));
        }
    };
    let mut keyed = Vec::new();
    for (key, item) in pairs_of(value)? {
        let by = if by_value { &item } else { &key };
        let by = if case_sensitive { by.clone() } else { folded(by.clone()) };
        keyed.push((vec![by], pair(key, item)));
    }
    sorted_by(state, keyed, args.flag(2, false)).and_then(List::of)
}

fn group_by(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let path = args.required(0)?;
    let case_sensitive = args.flag(2, false);
    let mut keyed = Vec::new();
    for item in items_of(state, value)? {
        let mut key = lookup(&item, path)?;
        if key.is_undefined() {
            key = args.get(1).cloned().unwrap_or(key);
        }
        let by = if case_sensitive { key.clone() } else { folded(key.clone()) };
        keyed.push((vec![by.clone()], (by, key, item)));
    }
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for (by, key, item) in sorted_by(state, keyed, false)? {
        match groups.last_mut() {
            Some((current, _, members)) if *current == by => members.push(item),
            _ => groups.push((by, key, vec![item])),
        }
    }
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|(_, key, members)| Ok(convert::Group::of(key, List::of(members)?)))
        .collect::<Result<_, Error>>()?;
    List::of(groups)
}

fn default_value(_: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let replaces = value.is_undefined() || (args.flag(1, false) && !value.is_true());
    Ok(if replaces {
        args.get(0).cloned().unwrap_or_else(|| Value::from(""))
    } else {
        value.clone()
    })
}

fn attribute(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    // Items of mappings are not attributes.
    if value.kind() == ValueKind::Map {
        return Ok(Value::UNDEFINED);
    }
    value.get_attr(&args.text(0)?)
}

fn random(state: &mut State<'_, '_>, value: &Value, _: &Arguments) -> Result<Value, Error> {
    let items = match value.kind() {
        ValueKind::String => value.try_iter()?.collect(),
        _ => items_of(state, value)?,
    };
    let Some(last) = items.len().checked_sub(1) else {
        return Ok(Value::UNDEFINED);
    };
    let at = crate::jinja::context::settings(state).map_or(0, |settings| settings.random(last));
    Ok(items.get(at).cloned().unwrap_or(Value::UNDEFINED))
}

/// `start` plus all items, from left to right.
fn sum(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let mut total = args.get(1).cloned().unwrap_or_else(|| Value::from(0));
    for item in items_of(state, value)? {
        let item = match args.given(0) {
            Some(path) => lookup(&item, path)?,
            None => item,
        };
        python::refuse_undefined(state, &item)?;
        total = added(&total, &item)?;
    }
    Ok(total)
}

fn added(left: &Value, right: &Value) -> Result<Value, Error> {
    use crate::jinja::operators::integer;
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        let sum = left.checked_add(right);
        let sum = sum.ok_or_else(|| value_error("sum: the number is too large"))?;
        return Ok(convert::integer(sum));
    }
    let number = |value: &Value| match value.kind() {
        ValueKind::Number | ValueKind::Bool => python::as_float(value),
        _ => None,
    };
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return Ok(Value::from(left + right));
    }
    match (left.kind(), right.kind()) {
        (ValueKind::Seq, ValueKind::Seq) if left.is_tuple() == right.is_tuple() => {
            let items = left.try_iter()?.chain(right.try_iter()?);
            if left.is_tuple() {
                return Ok(Value::from(Tuple::new(items.collect())));
            }
            List::of(items)
        }
        (ValueKind::String, ValueKind::String) => {
            Ok(Value::from(python::text_of(left)? + &python::text_of(right)?))
        }
        _ => Err(value_error(format!(
            "unsupported operand type(s) for +: '{}' and '{}'",
            python::type_name(left),
            python::type_name(right)
        ))),
    }
}

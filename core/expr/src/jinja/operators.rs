//! The functions that `rewrite` puts into templates.

use std::cmp::Ordering;

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, State, Value};

use super::collections::{Dict, List, Place, adopt};
use super::error::value_error;
use super::filters::compare;
use super::format::{self, Fields, Named};
use super::python;

pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_function("%list", |items: Rest<Value>| List::of(items.0));
    environment.add_function("%dict", |parts: Rest<Value>| {
        Dict::of(parts.chunks_exact(2).filter_map(|pair| match pair {
            [key, item] => Some((key.clone(), item.clone())),
            _ => None,
        }))
    });
    environment.add_function("%keep", |value: &Value| adopt(value, Place::Name));
    environment.add_function("%hold", |value: &Value| adopt(value, Place::Inside));
    environment.add_function("%whole", whole);
    environment.add_function("%concat", concat);
    environment.add_function("%each", each);
    environment.add_function("%mod", modulo);
    environment.add_function("%neg", negated);
    environment.add_function("%lt", |state: &mut State<'_, '_>, a: &Value, b: &Value| {
        order(state, a, b, "<").map(Ordering::is_lt)
    });
    environment.add_function("%le", |state: &mut State<'_, '_>, a: &Value, b: &Value| {
        order(state, a, b, "<=").map(Ordering::is_le)
    });
    environment.add_function("%gt", |state: &mut State<'_, '_>, a: &Value, b: &Value| {
        order(state, a, b, ">").map(Ordering::is_gt)
    });
    environment.add_function("%ge", |state: &mut State<'_, '_>, a: &Value, b: &Value| {
        order(state, a, b, ">=").map(Ordering::is_ge)
    });
    environment.add_function("dict", dict);
    guard_namespace(environment);
}

/// A list where the engine gives a view of one.
fn whole(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Iterable => {
            let items = u64::try_from(value.len().unwrap_or(0)).unwrap_or(u64::MAX);
            state.consume_fuel(items)?;
            List::of(value.try_iter()?)
        }
        ValueKind::Seq => adopt(value, Place::Inside),
        _ => Ok(value.clone()),
    }
}

/// `a ~ b`: both as text.
fn concat(state: &mut State<'_, '_>, left: &Value, right: &Value) -> Result<Value, Error> {
    let left = python::defined_text(state, left)?;
    let right = python::defined_text(state, right)?;
    let bytes = left.len().saturating_add(right.len());
    state.consume_fuel(1 + u64::try_from(bytes / 64).unwrap_or(u64::MAX))?;
    Ok(Value::from(left + &right))
}

fn each(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    match value.kind() {
        ValueKind::None | ValueKind::Bool | ValueKind::Number | ValueKind::Plain => {
            let kind = python::type_name(value);
            Err(value_error(format!("'{kind}' object is not iterable")))
        }
        _ => Ok(value.clone()),
    }
}

/// Comparisons of numbers that have no order with anything (`nan`) are false, except that the
/// engine orders them; templates do not meet such numbers in practice.
pub(super) fn order(
    state: &State<'_, '_>,
    left: &Value,
    right: &Value,
    operator: &str,
) -> Result<Ordering, Error> {
    python::refuse_undefined(state, left)?;
    python::refuse_undefined(state, right)?;
    state.consume_fuel(1)?;
    compare(left, right).map_err(|error| match error.detail() {
        Some(detail) => value_error(detail.replacen("'<'", &format!("'{operator}'"), 1)),
        None => error,
    })
}

fn is_number(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Number | ValueKind::Bool)
}

fn modulo(state: &mut State<'_, '_>, left: &Value, right: &Value) -> Result<Value, Error> {
    python::refuse_undefined(state, left)?;
    python::refuse_undefined(state, right)?;
    if left.kind() == ValueKind::String {
        return formatted(state, left, right);
    }
    if !is_number(left) || !is_number(right) {
        return Err(value_error(format!(
            "unsupported operand type(s) for %: '{}' and '{}'",
            python::type_name(left),
            python::type_name(right)
        )));
    }
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        let rest = left.checked_rem(right).ok_or_else(|| value_error("integer modulo by zero"))?;
        let rest = if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest };
        return Ok(super::convert::integer(rest));
    }
    let not_a_number = || value_error("not a number");
    let left = python::as_float(left).ok_or_else(not_a_number)?;
    let right = python::as_float(right).ok_or_else(not_a_number)?;
    if right == 0.0 {
        return Err(value_error("float modulo by zero"));
    }
    let rest = left % right;
    let rest = if rest != 0.0 && (rest < 0.0) != (right < 0.0) { rest + right } else { rest };
    Ok(Value::from(rest))
}

pub(super) fn integer(value: &Value) -> Option<i128> {
    match value.kind() {
        ValueKind::Bool => Some(i128::from(value.is_true())),
        ValueKind::Number if value.is_integer() => i128::try_from(value.clone()).ok(),
        _ => None,
    }
}

fn formatted(state: &State<'_, '_>, template: &Value, values: &Value) -> Result<Value, Error> {
    let positional: Vec<Value> =
        if values.is_tuple() { values.try_iter()?.collect() } else { vec![values.clone()] };
    let is_mapping = values.kind() == ValueKind::Map;
    let text = template.as_str().unwrap_or_default();
    let named_fields = is_mapping && text.contains("%(");
    let fields = Fields {
        positional: if named_fields { &[] } else { &positional },
        named: Named::Mapping(values),
        // A list or mapping may hold more than the template asks for.
        all_must_be_used: values.is_tuple() || values.as_object().is_none(),
    };
    format::printf(state, text, &fields).map(Value::from)
}

fn negated(state: &mut State<'_, '_>, value: &Value) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    if let Some(whole) = integer(value) {
        let negated = whole.checked_neg().ok_or_else(|| value_error("the number is too large"))?;
        return Ok(super::convert::integer(negated));
    }
    match value.kind() {
        ValueKind::Number => Ok(Value::from(-f64::try_from(value.clone())?)),
        _ => Err(value_error(format!(
            "bad operand type for unary -: '{}'",
            python::type_name(value)
        ))),
    }
}

/// `dict(mapping or pairs, name=value, …)`.
fn dict(source: Option<Value>, kwargs: Kwargs) -> Result<Value, Error> {
    let mut pairs: Vec<(Value, Value)> = Vec::new();
    match &source {
        None => {}
        Some(source) if source.kind() == ValueKind::Map => {
            let object = source.as_object().and_then(|object| object.try_iter_pairs());
            pairs.extend(object.into_iter().flatten());
        }
        Some(source) => {
            for item in source.try_iter()? {
                let parts: Vec<Value> = item.try_iter()?.collect();
                match parts.as_slice() {
                    [key, value] => pairs.push((key.clone(), value.clone())),
                    _ => return Err(value_error("dict(): expected pairs of key and value")),
                }
            }
        }
    }
    for name in kwargs.args() {
        pairs.push((Value::from(name), kwargs.peek::<Value>(name)?));
    }
    Dict::of(pairs)
}

/// The engine's `namespace`, given only values whose height is known.
fn guard_namespace(environment: &mut Environment<'static>) {
    let original =
        environment.globals().find(|(name, _)| *name == "namespace").map(|(_, value)| value);
    let Some(original) = original else { return };
    environment.add_function(
        "namespace",
        move |state: &mut State<'_, '_>, rest: Rest<Value>, kwargs: Kwargs| {
            let mut members = Vec::new();
            for source in rest.iter().chain(std::iter::once(&Value::from(kwargs))) {
                let pairs = source.as_object().and_then(|object| object.try_iter_pairs());
                for (name, value) in pairs.into_iter().flatten() {
                    members.push((name, adopt(&value, Place::Inside)?));
                }
            }
            original.call(state, &[Value::from_pairs(members)])
        },
    );
}

//! Global functions and tests of the environment.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use minijinja::value::{Enumerator, Object, ObjectRepr, Rest, ValueKind};
use minijinja::{Environment, Error, State, Value};

use super::arguments;
use crate::jinja::collections::{Place, adopt};
use crate::jinja::error::{limit_error, value_error};
use crate::jinja::operators::order;
use crate::jinja::{keys, python};

/// Longest `range`.
const MAX_RANGE: i64 = 100_000;

pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_function("range", |args: Rest<Value>| Range::of(&args));
    environment.add_function("cycler", |items: Rest<Value>| {
        if items.is_empty() {
            return Err(value_error("at least one item has to be provided"));
        }
        let items: Result<Vec<Value>, Error> =
            items.iter().map(|item| adopt(item, Place::Inside)).collect();
        Ok(Value::from_object(Cycler { items: items?, at: AtomicUsize::new(0) }))
    });
    environment.add_function("joiner", |separator: Option<Value>| {
        let separator = separator.unwrap_or_else(|| Value::from(", "));
        Ok::<_, Error>(Value::from_object(Joiner {
            separator: adopt(&separator, Place::Inside)?,
            used: AtomicUsize::new(0),
        }))
    });
    register_comparisons(environment);
    environment.add_test("callable", is_callable);
    environment.add_test("iterable", |value: &Value| {
        !keys::is_lookup(value)
            && !matches!(
                value.kind(),
                ValueKind::None | ValueKind::Number | ValueKind::Bool | ValueKind::Plain
            )
    });
    environment.add_test("sequence", |value: &Value| {
        matches!(
            value.kind(),
            ValueKind::String | ValueKind::Bytes | ValueKind::Seq | ValueKind::Map
        )
    });
    environment.add_test("odd", |state: &mut State<'_, '_>, value: &Value| {
        remainder_of_two(state, value).map(|rest| rest != 0)
    });
    environment.add_test("even", |state: &mut State<'_, '_>, value: &Value| {
        remainder_of_two(state, value).map(|rest| rest == 0)
    });
}

type Order = fn(std::cmp::Ordering) -> bool;

/// Tests that compare, under all their names.
fn register_comparisons(environment: &mut Environment<'static>) {
    let comparisons: [(&[&'static str], &'static str, Order); 4] = [
        (&["lt", "lessthan", "<"], "<", std::cmp::Ordering::is_lt),
        (&["le", "<="], "<=", std::cmp::Ordering::is_le),
        (&["gt", "greaterthan", ">"], ">", std::cmp::Ordering::is_gt),
        (&["ge", ">="], ">=", std::cmp::Ordering::is_ge),
    ];
    for (names, operator, accepts) in comparisons {
        for name in names {
            environment.add_test(
                *name,
                move |state: &mut State<'_, '_>, left: &Value, right: &Value| {
                    order(state, left, right, operator).map(accepts)
                },
            );
        }
    }
    for name in ["eq", "equalto", "=="] {
        environment.add_test(name, equal);
    }
    for name in ["ne", "!="] {
        environment.add_test(name, |state: &mut State<'_, '_>, left: &Value, right: &Value| {
            equal(state, left, right).map(|equal| !equal)
        });
    }
}

fn equal(state: &mut State<'_, '_>, left: &Value, right: &Value) -> Result<bool, Error> {
    python::refuse_undefined(state, left)?;
    python::refuse_undefined(state, right)?;
    Ok(left == right)
}

fn is_callable(value: &Value) -> bool {
    // Functions are objects without items or attributes; nothing else here is of that kind but
    // lookups, dates and the environment's own objects.
    value.kind() == ValueKind::Plain
        && !keys::is_lookup(value)
        && value.downcast_object_ref::<crate::jinja::convert::PyObject>().is_none()
}

fn remainder_of_two(state: &State<'_, '_>, value: &Value) -> Result<i64, Error> {
    python::refuse_undefined(state, value)?;
    if let Some(number) = arguments::integer(value) {
        return Ok(number.rem_euclid(2));
    }
    match value.kind() {
        ValueKind::Number => match i128::try_from(value.clone()) {
            Ok(number) => Ok(i64::from(number.rem_euclid(2) != 0)),
            Err(_) => {
                let rest = f64::try_from(value.clone())?.rem_euclid(2.0);
                Ok(if rest == 0.0 { 0 } else { 1 })
            }
        },
        _ => Err(value_error(format!(
            "odd and even need a number, not {}",
            python::type_name(value)
        ))),
    }
}

/// `range(start, stop, step)`.
#[derive(Debug)]
pub(in crate::jinja) struct Range {
    start: i64,
    stop: i64,
    step: i64,
}

impl Range {
    fn of(args: &[Value]) -> Result<Value, Error> {
        let mut numbers = Vec::with_capacity(args.len());
        for arg in args {
            numbers.push(arguments::integer(arg).ok_or_else(|| {
                let kind = python::type_name(arg);
                value_error(format!("range(): '{kind}' object cannot be interpreted as an integer"))
            })?);
        }
        let range = match *numbers.as_slice() {
            [stop] => Self { start: 0, stop, step: 1 },
            [start, stop] => Self { start, stop, step: 1 },
            [start, stop, step] => Self { start, stop, step },
            _ => return Err(value_error("range() takes 1 to 3 arguments")),
        };
        if range.step == 0 {
            return Err(value_error("range() arg 3 must not be zero"));
        }
        if range.len() > MAX_RANGE {
            return Err(limit_error(&format!(
                "Range too big. Templates may not make ranges larger than {MAX_RANGE}."
            )));
        }
        Ok(Value::from_object(range))
    }

    fn len(&self) -> i64 {
        let (distance, step) = if self.step > 0 {
            (self.stop.saturating_sub(self.start), self.step)
        } else {
            (self.start.saturating_sub(self.stop), self.step.saturating_neg())
        };
        if distance <= 0 { 0 } else { (distance - 1) / step + 1 }
    }

    pub(in crate::jinja) fn text(&self) -> String {
        if self.step == 1 {
            format!("range({}, {})", self.start, self.stop)
        } else {
            format!("range({}, {}, {})", self.start, self.stop, self.step)
        }
    }
}

impl Object for Range {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let index = key.as_i64()?;
        (0..self.len()).contains(&index).then(|| Value::from(self.start + self.step * index))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(usize::try_from(self.len()).unwrap_or(0))
    }
}

/// `cycler('odd', 'even')`.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: AtomicUsize,
}

impl Cycler {
    fn current(&self, at: usize) -> Value {
        let index = at.checked_rem(self.items.len()).unwrap_or(0);
        self.items.get(index).cloned().unwrap_or_default()
    }
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("current")).then(|| self.current(self.at.load(Ordering::Relaxed)))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        _: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "next" => Ok(self.current(self.at.fetch_add(1, Ordering::Relaxed))),
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Ok(Value::from(()))
            }
            _ => Err(Error::from(minijinja::ErrorKind::UnknownMethod)),
        }
    }
}

/// `joiner(', ')`: nothing at the first call, the separator at the others.
#[derive(Debug)]
struct Joiner {
    separator: Value,
    used: AtomicUsize,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        Ok(if self.used.fetch_add(1, Ordering::Relaxed) == 0 {
            Value::from("")
        } else {
            self.separator.clone()
        })
    }
}

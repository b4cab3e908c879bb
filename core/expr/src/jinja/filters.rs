//! Filters, tests and global functions of StackStorm's environment.

pub(super) mod arguments;
mod data;
mod globals;
mod number;
mod order;
mod pretty;
mod regex;
mod sequence;
mod system;
mod text;
mod version;

use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, State, Value};

use super::error::value_error;
use super::format::{self, Fields, Named};
use super::python;

pub(super) use arguments::Arguments;
pub(super) use globals::Range;
pub(super) use number::decimal_digit;
pub(super) use order::compare;
pub(super) use sequence::sorted;
pub(super) use text::escaped;

type Filter = fn(&mut State<'_, '_>, &Value, &Arguments) -> Result<Value, Error>;

pub(super) fn register(environment: &mut Environment<'static>) {
    for name in ["split", "lines", "bool", "chain", "zip"] {
        environment.remove_filter(name);
    }
    environment.remove_global("debug");
    data::register(environment);
    globals::register(environment);
    super::operators::register(environment);
    number::register(environment);
    sequence::register(environment);
    text::register(environment);
    regex::register(environment);
    system::register(environment);
    version::register(environment);
    environment.add_filter("format", printf);
}

fn printf(
    state: &mut State<'_, '_>,
    value: &Value,
    rest: Rest<Value>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    let fields =
        Fields { positional: &rest, named: Named::Arguments(&kwargs), all_must_be_used: true };
    if !rest.is_empty() && kwargs.args().next().is_some() {
        return Err(value_error("can't handle positional and keyword arguments at the same time"));
    }
    format::printf(state, &python::text_of(value)?, &fields).map(Value::from)
}

/// Registers one filter; `parameters` are its names after the value, in order.
fn add(
    environment: &mut Environment<'static>,
    name: &'static str,
    parameters: &'static [&'static str],
    filter: Filter,
) {
    environment.add_filter(
        name,
        move |state: &mut State<'_, '_>,
              value: &Value,
              rest: Rest<Value>,
              kwargs: Kwargs|
              -> Result<Value, Error> {
            let arguments = Arguments::bind(name, parameters, &rest, &kwargs)?;
            filter(state, value, &arguments)
        },
    );
}

//! Filters, tests and global functions of StackStorm's environment.

mod arguments;
mod data;
mod regex;

use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, State, Value};

pub(super) use arguments::Arguments;

type Filter = fn(&mut State<'_, '_>, &Value, &Arguments) -> Result<Value, Error>;

pub(super) fn register(environment: &mut Environment<'static>) {
    for name in ["split", "lines", "bool", "chain", "zip"] {
        environment.remove_filter(name);
    }
    environment.remove_global("debug");
    data::register(environment);
    regex::register(environment);
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

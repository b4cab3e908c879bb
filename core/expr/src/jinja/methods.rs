//! Methods of Python's text, list, mapping and number types that templates call.

mod collection;
mod text;

use minijinja::value::{Kwargs, Rest, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};

pub(super) use collection::DictView;

use super::error::{security_error, undefined_error, value_error};
use super::filters::Arguments;
use super::python;

/// The engine's hook for methods its values do not have.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    if method.starts_with("__") {
        return Err(security_error(&format!(
            "access to attribute '{method}' of '{}' object is unsafe",
            python::type_name(value)
        )));
    }
    let call = Call::new(method, args)?;
    let answer = match value.kind() {
        ValueKind::String => text::call(state, value.as_str().unwrap_or_default(), &call)?,
        ValueKind::Map => collection::mapping(value, &call)?,
        ValueKind::Seq | ValueKind::Iterable => collection::list(state, value, &call)?,
        ValueKind::Number => number(value, method),
        _ => None,
    };
    answer.ok_or_else(|| {
        if value.as_object().is_some() {
            // Items that hold functions and the engine's own objects come after this hook.
            return Error::new(
                ErrorKind::UnknownMethod,
                format!("'{} object' has no attribute '{method}'", python::type_name(value)),
            );
        }
        undefined_error(format!(
            "'{} object' has no attribute '{method}'",
            python::type_name(value)
        ))
    })
}

/// One call: the method's name and its arguments.
struct Call<'a> {
    method: &'a str,
    rest: Vec<Value>,
    kwargs: Kwargs,
}

impl<'a> Call<'a> {
    fn new(method: &'a str, args: &[Value]) -> Result<Self, Error> {
        let (rest, kwargs): (Rest<Value>, Kwargs) = from_args(args)?;
        Ok(Self { method, rest: rest.0, kwargs })
    }

    /// Binds the arguments to parameters.
    fn bind(
        &self,
        name: &'static str,
        parameters: &'static [&'static str],
    ) -> Result<Arguments, Error> {
        Arguments::bind(name, parameters, &self.rest, &self.kwargs)
    }

    fn no_arguments(&self) -> Result<(), Error> {
        if self.rest.is_empty() && self.kwargs.args().next().is_none() {
            Ok(())
        } else {
            Err(value_error(format!("{}() takes no arguments", self.method)))
        }
    }
}

fn number(value: &Value, method: &str) -> Option<Value> {
    match method {
        "bit_length" if value.is_integer() => {
            let number = i128::try_from(value.clone()).ok()?.unsigned_abs();
            Some(Value::from(u128::BITS - number.leading_zeros()))
        }
        "is_integer" if !value.is_integer() => {
            let number = f64::try_from(value.clone()).ok()?;
            Some(Value::from(number.fract() == 0.0))
        }
        _ => None,
    }
}

//! Arguments of filters and methods, bound to parameter names as Python does.

use minijinja::value::Kwargs;
use minijinja::{Error, Value};

use crate::jinja::error::value_error;
use crate::jinja::python;

/// Positional and named arguments of one call, by parameter.
pub(in crate::jinja) struct Arguments {
    name: &'static str,
    parameters: &'static [&'static str],
    slots: Vec<Option<Value>>,
}

impl Arguments {
    pub(in crate::jinja) fn bind(
        name: &'static str,
        parameters: &'static [&'static str],
        rest: &[Value],
        kwargs: &Kwargs,
    ) -> Result<Self, Error> {
        if rest.len() > parameters.len() {
            return Err(value_error(format!(
                "{name}() takes {} arguments but {} were given",
                parameters.len(),
                rest.len()
            )));
        }
        let mut slots: Vec<Option<Value>> = rest.iter().cloned().map(Some).collect();
        slots.resize(parameters.len(), None);
        for given in kwargs.args() {
            let slot = parameters
                .iter()
                .position(|parameter| *parameter == given)
                .and_then(|index| slots.get_mut(index))
                .ok_or_else(|| {
                    value_error(format!("{name}() got an unexpected keyword argument '{given}'"))
                })?;
            if slot.is_some() {
                return Err(value_error(format!(
                    "{name}() got multiple values for argument '{given}'"
                )));
            }
            *slot = Some(kwargs.peek::<Value>(given)?);
        }
        Ok(Self { name, parameters, slots })
    }

    pub(in crate::jinja) fn get(&self, index: usize) -> Option<&Value> {
        self.slots.get(index).and_then(Option::as_ref)
    }

    pub(in crate::jinja) fn required(&self, index: usize) -> Result<&Value, Error> {
        self.get(index).ok_or_else(|| {
            let parameter = self.parameters.get(index).copied().unwrap_or_default();
            value_error(format!(
                "{}() missing 1 required positional argument: '{parameter}'",
                self.name
            ))
        })
    }

    pub(in crate::jinja) fn text(&self, index: usize) -> Result<String, Error> {
        let value = self.required(index)?;
        match value.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => crate::jinja::keys::lookup_text(value).ok_or_else(|| {
                value_error(format!(
                    "{}(): expected text, got {}",
                    self.name,
                    python::type_name(value)
                ))
            }),
        }
    }

    pub(in crate::jinja) fn flag(&self, index: usize, default: bool) -> bool {
        self.get(index).map_or(default, Value::is_true)
    }

    /// An integer; booleans count as 0 and 1.
    pub(in crate::jinja) fn integer(&self, index: usize, default: i64) -> Result<i64, Error> {
        match self.get(index) {
            None => Ok(default),
            Some(value) => integer(value).ok_or_else(|| {
                value_error(format!(
                    "{}(): '{}' object cannot be interpreted as an integer",
                    self.name,
                    python::type_name(value)
                ))
            }),
        }
    }

    /// An argument that is neither absent nor null.
    pub(in crate::jinja) fn given(&self, index: usize) -> Option<&Value> {
        self.get(index).filter(|value| !value.is_none())
    }
}

pub(in crate::jinja) fn integer(value: &Value) -> Option<i64> {
    if value.is_integer() {
        return value.as_i64();
    }
    bool::try_from(value.clone()).ok().map(i64::from)
}

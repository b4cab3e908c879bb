//! Filters over regular expressions with Python's rules.

use minijinja::value::Tuple;
use minijinja::{Environment, Error, State, Value};

use super::{Arguments, add};
use crate::jinja::error::value_error;
use crate::jinja::pattern::{Replacement, compile};
use crate::jinja::python;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "regex_match", &["pattern", "ignorecase"], is_match);
    add(environment, "regex_search", &["pattern", "ignorecase"], is_found);
    add(environment, "regex_replace", &["pattern", "replacement", "ignorecase"], replace);
    add(environment, "regex_substring", &["pattern", "result_index", "ignorecase"], substring);
}

fn subject(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    python::refuse_undefined(state, value)?;
    python::text_of(value)
}

fn is_match(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = subject(state, value)?;
    let pattern = compile(&args.text(0)?, args.flag(1, false))?;
    Ok(Value::from(pattern.matches_start(&text)?))
}

fn is_found(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = subject(state, value)?;
    let pattern = compile(&args.text(0)?, args.flag(1, false))?;
    Ok(Value::from(pattern.is_found(&text)?))
}

fn replace(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = subject(state, value)?;
    let replacement = args.text(1)?;
    let pattern = compile(&args.text(0)?, args.flag(2, false))?;
    let replacement = Replacement::parse(&replacement, &pattern)?;
    let replaced = pattern.replace_all(&text, &replacement)?;
    Ok(Value::from(replaced))
}

fn substring(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = subject(state, value)?;
    let pattern = compile(&args.text(0)?, args.flag(2, false))?;
    let index = args.integer(1, 0)?;
    let found = pattern.find_all(&text)?;
    let length = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let at = if index < 0 { length + index } else { index };
    let groups = usize::try_from(at)
        .ok()
        .and_then(|at| found.get(at))
        .ok_or_else(|| {
            value_error(format!(
                "regex_substring: result_index {index} is out of range, the pattern was found {length} times"
            ))
        })?;
    Ok(match groups.as_slice() {
        [single] => Value::from(single.as_str()),
        many => {
            let parts: Vec<Value> = many.iter().map(|part| Value::from(part.as_str())).collect();
            Value::from(Tuple::new(parts))
        }
    })
}

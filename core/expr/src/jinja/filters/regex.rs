//! Filters over regular expressions with Python's rules.

use minijinja::value::Tuple;
use minijinja::{Environment, Error, State, Value};

use super::{Arguments, add};
use crate::jinja::error::{limit_error, value_error};
use crate::jinja::python;
use crate::python_regex::{Options, PythonRegex, RegexError};

/// Bytes that the matches or the replaced text of one use may have.
const SIZE_MAX: usize = 32 * 1024 * 1024;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "regex_match", &["pattern", "ignorecase"], is_match);
    add(environment, "regex_search", &["pattern", "ignorecase"], is_found);
    add(environment, "regex_replace", &["pattern", "replacement", "ignorecase"], replace);
    add(environment, "regex_substring", &["pattern", "result_index", "ignorecase"], substring);
}

/// The pattern among the arguments.
fn compile(args: &Arguments, ignore_case: usize, at_start: bool) -> Result<PythonRegex, Error> {
    let ignore_case = args.flag(ignore_case, false);
    let options = Options { at_start, ignore_case, ..Options::default() };
    PythonRegex::new(&args.text(0)?, options).map_err(failed)
}

fn failed(error: RegexError) -> Error {
    let message = error.to_string();
    match error {
        RegexError::Steps { .. } | RegexError::Size { .. } => limit_error(&message),
        RegexError::Pattern { .. } | RegexError::Replacement { .. } => value_error(message),
    }
}

fn is_match(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let found = compile(args, 1, true)?.is_match(&text).map_err(failed)?;
    Ok(Value::from(found))
}

fn is_found(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let found = compile(args, 1, false)?.is_match(&text).map_err(failed)?;
    Ok(Value::from(found))
}

fn replace(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let replacement = args.text(1)?;
    let regex = compile(args, 2, false)?;
    let replaced = regex.replace_all(&text, &replacement, SIZE_MAX).map_err(failed)?;
    Ok(Value::from(replaced))
}

fn substring(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let regex = compile(args, 2, false)?;
    let index = args.integer(1, 0)?;
    let found = regex.find_all(&text, SIZE_MAX).map_err(failed)?;
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

//! Filters over paths, durations, payload queries and encrypted datastore items.

use minijinja::{Environment, Error, State, Value};

use super::{Arguments, add};
use crate::jinja::context::settings;
use crate::jinja::error::value_error;
use crate::jinja::keys::KeyNode;
use crate::jinja::{convert, keys, python};
use crate::jsonpath::JsonPath;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "basename", &[], |_, value, _| {
        let path = path_of(value)?;
        Ok(Value::from(path.rsplit('/').next().unwrap_or_default()))
    });
    add(environment, "dirname", &[], |_, value, _| Ok(Value::from(directory(&path_of(value)?))));
    add(environment, "decrypt_kv", &[], decrypt);
    add(environment, "jsonpath_query", &["query"], query);
    add(environment, "to_human_time_from_seconds", &[], |_, value, _| {
        human_time(value).map(Value::from)
    });
}

fn path_of(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => keys::lookup_text(value).ok_or_else(|| {
            let kind = python::type_name(value);
            value_error(format!("a path must be text, not {kind}"))
        }),
    }
}

/// The path without its last part and the slashes before it; slashes alone stay.
fn directory(path: &str) -> &str {
    let head = match path.rfind('/') {
        Some(at) => path.get(..=at).unwrap_or_default(),
        None => return "",
    };
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head } else { trimmed }
}

fn decrypt(state: &mut State<'_, '_>, value: &Value, _: &Arguments) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    let text = match value.downcast_object_ref::<KeyNode>() {
        Some(node) => {
            let text = node.text();
            if text.is_empty() {
                return Err(value_error(format!(
                    "Referenced datastore item \"{}\" doesn't exist or it contains an empty string",
                    node.title()
                )));
            }
            text
        }
        None => value
            .as_str()
            .ok_or_else(|| {
                let kind = python::type_name(value);
                value_error(format!("decrypt_kv: a cipher text must be text, not {kind}"))
            })?
            .to_owned(),
    };
    let settings = settings(state);
    let key =
        settings.as_ref().and_then(|settings| settings.crypto_key.as_ref()).ok_or_else(|| {
            value_error(
                "decrypt_kv: keyvalue.encryption_key_path is not set, so nothing can be decrypted",
            )
        })?;
    key.decrypt(&text).map(Value::from).map_err(|error| value_error(format!("decrypt_kv: {error}")))
}

fn query(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    let path = JsonPath::parse(&args.text(0)?).map_err(|error| value_error(error.to_string()))?;
    let json = convert::to_yaml(value, 0)?.into_json();
    let found = path.find(&json).map_err(|error| value_error(error.to_string()))?;
    if found.is_empty() {
        return Ok(Value::from(()));
    }
    Ok(convert::from_json(&serde_json::Value::Array(found)))
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// A duration in words of one letter. Years have 365 days and the rest is counted in days; below a
/// second the unit is milli- or microseconds.
fn human_time(value: &Value) -> Result<String, Error> {
    let wrong = || {
        value_error(format!(
            "to_human_time_from_seconds: expected a number of seconds, got {}",
            python::type_name(value)
        ))
    };
    if value.as_str().is_some() {
        return Err(wrong());
    }
    let seconds = match super::arguments::integer(value) {
        Some(whole) => Ok(Value::from(whole)),
        None => Ok(value.clone()),
    }
    .and_then(f64::try_from)
    .map_err(|_| wrong())?;
    if !seconds.is_finite() || seconds.abs() > 1e15 {
        return Err(value_error("to_human_time_from_seconds: the duration is too long"));
    }
    if seconds < 0.0 {
        let positive = human_time(&Value::from(-seconds))?;
        return Ok(format!("-{positive}"));
    }
    if seconds > 0.0 && seconds < 1.0 {
        let millis = seconds * 1e3;
        return Ok(if millis >= 1.0 {
            format!("{}ms", rounded(millis))
        } else {
            format!("{}μs", rounded(seconds * 1e6))
        });
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above to fit")]
    let whole = seconds.round_ties_even() as i64;
    let parts = [
        (whole / YEAR, "y"),
        (whole % YEAR / DAY, "d"),
        (whole % DAY / HOUR, "h"),
        (whole % HOUR / MINUTE, "m"),
    ];
    let mut text = String::new();
    for (amount, unit) in parts {
        if amount > 0 || !text.is_empty() {
            text.push_str(&format!("{amount}{unit}"));
        }
    }
    text.push_str(&format!("{}s", whole % MINUTE));
    Ok(text)
}

/// At most three significant decimals, none if there are none.
fn rounded(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

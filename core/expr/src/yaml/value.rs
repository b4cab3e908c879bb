//! A YAML value with types that JSON does not have.

use base64::Engine as _;
use jiff::civil::{Date, DateTime};
use num_bigint::BigInt;
use serde_json::{Map, Number, Value};

use crate::jinja::python::float_repr;

/// What a document says, in YAML 1.1's types.
#[derive(Debug, Clone, PartialEq)]
pub enum YamlValue {
    Null,
    Bool(bool),
    Int(BigInt),
    Float(f64),
    String(String),
    Date(Date),
    /// A date with a time; `offset` is the distance from UTC in seconds, if the text gives one.
    DateTime {
        local: DateTime,
        offset: Option<i32>,
    },
    Binary(Vec<u8>),
    Sequence(Vec<YamlValue>),
    /// An entry of `!!omap` and `!!pairs`: key and value.
    Tuple(Vec<YamlValue>),
    Set(Vec<YamlValue>),
    /// Pairs in the order of the keys' first appearance; no two keys are equal.
    Mapping(Vec<(YamlValue, YamlValue)>),
}

impl YamlValue {
    /// The JSON view: dates as ISO text, keys as text, numbers beyond JSON's as the nearest float or
    /// null, binary data as base64.
    #[must_use]
    pub fn into_json(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => int_json(&number),
            Self::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
            Self::String(text) => Value::String(text),
            Self::Sequence(items) | Self::Tuple(items) | Self::Set(items) => {
                Value::Array(items.into_iter().map(Self::into_json).collect())
            }
            Self::Mapping(pairs) => {
                let mut members = Map::with_capacity(pairs.len());
                for (key, value) in pairs {
                    members.insert(key.into_json_key(), value.into_json());
                }
                Value::Object(members)
            }
            other @ (Self::Date(_) | Self::DateTime { .. } | Self::Binary(_)) => {
                Value::String(other.into_json_key())
            }
        }
    }

    /// The JSON view of a borrowed value.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.clone().into_json()
    }

    fn into_json_key(self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(flag) => flag.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) => float_repr(number),
            Self::String(text) => text,
            Self::Date(date) => date.to_string(),
            Self::DateTime { local, offset } => iso_text(local, offset, 'T'),
            Self::Binary(bytes) => base64::engine::general_purpose::STANDARD.encode(bytes),
            other => other.into_json().to_string(),
        }
    }

    /// Python's `str()` of a date or set, the only values here that templates print themselves.
    pub(crate) fn python_str(&self) -> String {
        match self {
            Self::Date(date) => date.to_string(),
            Self::DateTime { local, offset } => iso_text(*local, *offset, ' '),
            _ => self.python_repr(),
        }
    }

    /// Python's `repr()` of a value.
    pub(crate) fn python_repr(&self) -> String {
        match self {
            Self::Date(date) => {
                format!("datetime.date({}, {}, {})", date.year(), date.month(), date.day())
            }
            Self::DateTime { local, offset } => datetime_repr(*local, *offset),
            Self::Set(items) if items.is_empty() => "set()".to_owned(),
            Self::Set(items) => {
                let items: Vec<String> = items.iter().map(Self::python_repr).collect();
                format!("{{{}}}", items.join(", "))
            }
            Self::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
            Self::Null => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            other => other.clone().into_json_key(),
        }
    }
}

fn int_json(number: &BigInt) -> Value {
    if let Ok(number) = i64::try_from(number) {
        return Value::from(number);
    }
    if let Ok(number) = u64::try_from(number) {
        return Value::from(number);
    }
    number
        .to_string()
        .parse::<f64>()
        .ok()
        .and_then(Number::from_f64)
        .map_or(Value::Null, Value::Number)
}

/// ISO text with six fraction digits if there is a fraction.
fn iso_text(local: DateTime, offset: Option<i32>, separator: char) -> String {
    let mut text = format!(
        "{}{separator}{:02}:{:02}:{:02}",
        local.date(),
        local.hour(),
        local.minute(),
        local.second()
    );
    let micros = local.subsec_nanosecond() / 1000;
    if micros > 0 {
        text.push_str(&format!(".{micros:06}"));
    }
    if let Some(offset) = offset {
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.unsigned_abs() / 60;
        text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
    }
    text
}

fn datetime_repr(local: DateTime, offset: Option<i32>) -> String {
    let mut parts = vec![
        local.year().to_string(),
        local.month().to_string(),
        local.day().to_string(),
        local.hour().to_string(),
        local.minute().to_string(),
    ];
    let micros = local.subsec_nanosecond() / 1000;
    if local.second() > 0 || micros > 0 {
        parts.push(local.second().to_string());
    }
    if micros > 0 {
        parts.push(micros.to_string());
    }
    match offset {
        None => {}
        Some(0) => parts.push("tzinfo=datetime.timezone.utc".to_owned()),
        Some(offset) => {
            parts.push(format!("tzinfo=datetime.timezone(datetime.timedelta(seconds={offset}))"))
        }
    }
    format!("datetime.datetime({})", parts.join(", "))
}

//! Filters over semantic versions.

use std::cmp::Ordering;

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, State, Value};
use num_bigint::BigUint;

use super::{Arguments, add};
use crate::jinja::error::value_error;
use crate::jinja::{keys, python};

pub(super) fn register(environment: &mut Environment<'static>) {
    const OTHER: &[&str] = &["pattern"];
    add(environment, "version_compare", OTHER, |_, value, args| {
        Ok(Value::from(compared(value, args)? as i64))
    });
    add(environment, "version_more_than", OTHER, |_, value, args| {
        Ok(Value::from(compared(value, args)?.is_gt()))
    });
    add(environment, "version_less_than", OTHER, |_, value, args| {
        Ok(Value::from(compared(value, args)?.is_lt()))
    });
    add(environment, "version_equal", OTHER, |_, value, args| {
        Ok(Value::from(compared(value, args)?.is_eq()))
    });
    add(environment, "version_match", OTHER, matches);
    add(environment, "version_bump_major", &[], |_, value, _| {
        let version = Version::of(value)?;
        Ok(Value::from(format!("{}.0.0", version.major + 1u8)))
    });
    add(environment, "version_bump_minor", &[], |_, value, _| {
        let Version { major, minor, .. } = Version::of(value)?;
        Ok(Value::from(format!("{major}.{}.0", minor + 1u8)))
    });
    add(environment, "version_bump_patch", &[], |_, value, _| {
        let version = Version::of(value)?;
        let Version { major, minor, patch, .. } = version;
        Ok(Value::from(format!("{major}.{minor}.{}", patch + 1u8)))
    });
    add(environment, "version_strip_patch", &[], |_, value, _| {
        let Version { major, minor, .. } = Version::of(value)?;
        Ok(Value::from(format!("{major}.{minor}")))
    });
}

fn compared(value: &Value, args: &Arguments) -> Result<Ordering, Error> {
    let version = Version::of(value)?;
    Ok(version.cmp(&Version::of_argument(args.required(0)?)?))
}

fn matches(_: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let expression = args.text(0)?;
    let (accepts, version): (fn(Ordering) -> bool, &str) = if let Some(version) =
        expression.strip_prefix(">=")
    {
        (Ordering::is_ge, version)
    } else if let Some(version) = expression.strip_prefix("<=") {
        (Ordering::is_le, version)
    } else if let Some(version) = expression.strip_prefix("==") {
        (Ordering::is_eq, version)
    } else if let Some(version) = expression.strip_prefix("!=") {
        (Ordering::is_ne, version)
    } else if let Some(version) = expression.strip_prefix('>') {
        (Ordering::is_gt, version)
    } else if let Some(version) = expression.strip_prefix('<') {
        (Ordering::is_lt, version)
    } else if expression.starts_with(|first: char| first.is_ascii_digit()) {
        (Ordering::is_eq, expression.as_str())
    } else {
        return Err(value_error(format!(
            "version_match: {expression:?} is no version with one of the operators < > == <= >= !="
        )));
    };
    let version = Version::parse(version)?;
    Ok(Value::from(accepts(Version::of(value)?.cmp(&version))))
}

/// A version without limits on the size of its numbers; build metadata does not take part in order.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    major: BigUint,
    minor: BigUint,
    patch: BigUint,
    prerelease: Vec<Identifier>,
}

/// Numbers order before texts, which is the order of the variants.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(BigUint),
    Text(String),
}

impl Version {
    fn of(value: &Value) -> Result<Self, Error> {
        match value.as_str() {
            Some(text) => Self::parse(text),
            None => match keys::lookup_text(value) {
                Some(text) => Self::parse(&text),
                None => Err(value_error(format!(
                    "a version must be text, not {}",
                    python::type_name(value)
                ))),
            },
        }
    }

    /// The version to compare with may also be given by its parts.
    fn of_argument(value: &Value) -> Result<Self, Error> {
        let parts: Vec<Value> = match value.kind() {
            ValueKind::Map => ["major", "minor", "patch"]
                .iter()
                .map(|part| value.get_attr(part))
                .collect::<Result<_, _>>()?,
            ValueKind::Seq => value.try_iter()?.collect(),
            _ => return Self::of(value),
        };
        let text = |index: usize| parts.get(index).map_or_else(|| "0".to_owned(), python::str_of);
        Self::parse(&format!("{}.{}.{}", text(0), text(1), text(2)))
    }

    fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text).ok_or_else(|| value_error(format!("{text} is not valid SemVer string")))
    }

    fn read(text: &str) -> Option<Self> {
        let (text, build) = match text.split_once('+') {
            Some((text, build)) => (text, Some(build)),
            None => (text, None),
        };
        if build.is_some_and(|build| !build.split('.').all(is_identifier)) {
            return None;
        }
        let (numbers, prerelease) = match text.split_once('-') {
            Some((numbers, prerelease)) => (numbers, Some(prerelease)),
            None => (text, None),
        };
        let mut parts = numbers.split('.').map(number);
        let version = Self {
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next()??,
            prerelease: match prerelease {
                None => Vec::new(),
                Some(text) => text.split('.').map(Identifier::read).collect::<Option<_>>()?,
            },
        };
        parts.next().is_none().then_some(version)
    }
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn number(text: &str) -> Option<BigUint> {
    let digits = !text.is_empty() && text.len() <= 100 && text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (digits && !leading_zero).then(|| text.parse().ok()).flatten()
}

impl Identifier {
    fn read(text: &str) -> Option<Self> {
        if !is_identifier(text) {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return number(text).map(Self::Number);
        }
        Some(Self::Text(text.to_owned()))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = (&self.major, &self.minor, &self.patch).cmp(&(
            &other.major,
            &other.minor,
            &other.patch,
        ));
        numbers.then_with(|| match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.prerelease.cmp(&other.prerelease),
        })
    }
}

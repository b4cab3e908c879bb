//! The operators of criteria.
//!
//! `value` is what the key found in the payload, `pattern` is the rendered pattern. An operator
//! that the original would crash on returns an error; the caller counts it as "no match".

use std::cmp::Ordering;

use serde_json::Value;
use st2_expr::python_regex::{Options, PythonRegex, RegexError};
use st2_model::Timestamp;

use crate::dates;
use crate::error::{Error, Side};
use crate::python;

mod wildcard;

#[cfg(test)]
mod tests;

use wildcard::Wildcard;

/// What a criterion asks of a value. Names are matched without regard to case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `eq`, `equals`
    Equals,
    /// `neq`, `nequals`
    Nequals,
    /// `ieq`, `iequals`
    Iequals,
    /// `contains`
    Contains,
    /// `icontains`
    Icontains,
    /// `ncontains`
    Ncontains,
    /// `incontains`
    Incontains,
    /// `startswith`
    Startswith,
    /// `istartswith`
    Istartswith,
    /// `endswith`
    Endswith,
    /// `iendswith`
    Iendswith,
    /// `lt`, `lessthan`
    Lessthan,
    /// `gt`, `greaterthan`
    Greaterthan,
    /// `matchwildcard`
    Matchwildcard,
    /// `matchregex`
    Matchregex,
    /// `regex`
    Regex,
    /// `iregex`
    Iregex,
    /// `td_lt`, `timediff_lt`
    TimediffLt,
    /// `td_gt`, `timediff_gt`
    TimediffGt,
    /// `exists`
    Exists,
    /// `nexists`
    Nexists,
    /// `in`, `inside`
    Inside,
    /// `nin`, `ninside`
    Ninside,
    /// `search`
    Search,
}

/// Every name with its operator.
const NAMES: [(&str, Operator); 33] = [
    ("matchwildcard", Operator::Matchwildcard),
    ("matchregex", Operator::Matchregex),
    ("regex", Operator::Regex),
    ("iregex", Operator::Iregex),
    ("eq", Operator::Equals),
    ("equals", Operator::Equals),
    ("nequals", Operator::Nequals),
    ("neq", Operator::Nequals),
    ("iequals", Operator::Iequals),
    ("ieq", Operator::Iequals),
    ("contains", Operator::Contains),
    ("icontains", Operator::Icontains),
    ("ncontains", Operator::Ncontains),
    ("incontains", Operator::Incontains),
    ("startswith", Operator::Startswith),
    ("istartswith", Operator::Istartswith),
    ("endswith", Operator::Endswith),
    ("iendswith", Operator::Iendswith),
    ("lt", Operator::Lessthan),
    ("lessthan", Operator::Lessthan),
    ("gt", Operator::Greaterthan),
    ("greaterthan", Operator::Greaterthan),
    ("td_lt", Operator::TimediffLt),
    ("timediff_lt", Operator::TimediffLt),
    ("td_gt", Operator::TimediffGt),
    ("timediff_gt", Operator::TimediffGt),
    ("exists", Operator::Exists),
    ("nexists", Operator::Nexists),
    ("search", Operator::Search),
    ("in", Operator::Inside),
    ("inside", Operator::Inside),
    ("nin", Operator::Ninside),
    ("ninside", Operator::Ninside),
];

impl Operator {
    /// The operator called `name`, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NAMES
            .iter()
            .find(|(known, _)| *known == name || *known == name.to_lowercase())
            .map(|(_, operator)| *operator)
    }

    /// Every accepted name, in lower case.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

/// An operator with its pattern, prepared once for many values.
#[derive(Debug, Clone)]
pub struct Test {
    operator: Operator,
    pattern: Value,
    prepared: Prepared,
}

#[derive(Debug, Clone)]
enum Prepared {
    Plain,
    Lower(String),
    Wildcard(Wildcard),
    Regex(Box<Result<PythonRegex, RegexError>>),
}

impl Prepared {
    fn of(operator: Operator, pattern: &Value) -> Self {
        use Operator as O;
        let Value::String(text) = pattern else {
            return Self::Plain;
        };
        let regex = |options| Self::Regex(Box::new(PythonRegex::new(text, options)));
        match operator {
            O::Iequals | O::Icontains | O::Incontains | O::Istartswith | O::Iendswith => {
                Self::Lower(text.to_lowercase())
            }
            O::Matchwildcard => Self::Wildcard(Wildcard::new(text)),
            O::Regex => regex(Options::default()),
            O::Iregex => regex(Options { ignore_case: true, ..Options::default() }),
            O::Matchregex => regex(Options { at_start: true, dot_all: true, ..Options::default() }),
            _ => Self::Plain,
        }
    }
}

impl Test {
    /// `operator` against `pattern`. A pattern that is no good fails in [`Test::check`], so that
    /// it fails only where the original looks at it.
    #[must_use]
    pub fn new(operator: Operator, pattern: Value) -> Self {
        let prepared = Prepared::of(operator, &pattern);
        Self { operator, pattern, prepared }
    }

    /// The operator.
    #[must_use]
    pub const fn operator(&self) -> Operator {
        self.operator
    }

    /// The pattern.
    #[must_use]
    pub const fn pattern(&self) -> &Value {
        &self.pattern
    }

    /// Whether `value` passes. `search` needs child criteria and never passes here.
    ///
    /// # Errors
    /// When the operator is not defined for these operands.
    pub fn check(&self, value: &Value, now: Timestamp) -> Result<bool, Error> {
        use Operator as O;
        let pattern = &self.pattern;
        match self.operator {
            O::Exists => return Ok(!value.is_null()),
            O::Nexists => return Ok(value.is_null()),
            O::Nequals => return Ok(!python::equal(value, pattern)),
            _ if pattern.is_null() => return Ok(false),
            _ => {}
        }
        match self.operator {
            O::Equals => Ok(python::equal(value, pattern)),
            O::Contains => python::is_member(pattern, value, Side::Value),
            O::Ncontains => Ok(!python::is_member(pattern, value, Side::Value)?),
            O::Inside => python::is_member(value, pattern, Side::Pattern),
            O::Ninside => Ok(!python::is_member(value, pattern, Side::Pattern)?),
            O::Lessthan => Ok(python::compare(value, pattern)? == Some(Ordering::Less)),
            O::Greaterthan => Ok(python::compare(value, pattern)? == Some(Ordering::Greater)),
            O::TimediffLt => Ok(age(value, now)? < python::to_float(pattern, Side::Pattern)?),
            O::TimediffGt => Ok(age(value, now)? > python::to_float(pattern, Side::Pattern)?),
            _ => self.check_text(value),
        }
    }

    /// The operators that take strings on both sides.
    fn check_text(&self, value: &Value) -> Result<bool, Error> {
        use Operator as O;
        let Value::String(text) = value else {
            return Err(Error::operand(Side::Value, "a string", value));
        };
        let Value::String(pattern) = &self.pattern else {
            return Err(Error::operand(Side::Pattern, "a string", &self.pattern));
        };
        match (self.operator, &self.prepared) {
            (O::Startswith, _) => Ok(text.starts_with(pattern.as_str())),
            (O::Endswith, _) => Ok(text.ends_with(pattern.as_str())),
            (_, Prepared::Lower(lower)) => Ok(self.check_lower(&text.to_lowercase(), lower)),
            (_, Prepared::Wildcard(wildcard)) => wildcard.matches(text),
            (_, Prepared::Regex(regex)) => match regex.as_ref() {
                Ok(regex) => Ok(regex.is_match(text)?),
                Err(error) => Err(error.clone().into()),
            },
            _ => Ok(false),
        }
    }

    fn check_lower(&self, text: &str, pattern: &str) -> bool {
        match self.operator {
            Operator::Iequals => text == pattern,
            Operator::Icontains => text.contains(pattern),
            Operator::Incontains => !text.contains(pattern),
            Operator::Istartswith => text.starts_with(pattern),
            Operator::Iendswith => text.ends_with(pattern),
            _ => false,
        }
    }
}

/// Seconds from the time that `value` tells until now.
fn age(value: &Value, now: Timestamp) -> Result<f64, Error> {
    let text = python::to_text(value);
    let then = dates::parse(&text, now)
        .map_err(|reason| Error::Date { text: text.into_owned(), reason })?;
    Ok(now.micros().saturating_sub(then.micros()) as f64 / 1e6)
}

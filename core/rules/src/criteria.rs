//! Criteria, read once for many payloads.
//!
//! What no payload can make right (an unknown operator, a criterion that is no object) is refused
//! here. What the original finds out only while it evaluates (a broken key, a broken regular
//! expression) is kept and fails there.

use serde_json::Value;
use st2_model::Object;

use crate::error::Error;
use crate::operators::{Operator, Test};
use crate::path::Path;
use crate::pattern::{Pattern, Template};
use crate::python::type_name;

/// `search` may stand in `search` this deep.
const SEARCH_DEPTH_MAX: usize = 16;

/// One criterion.
#[derive(Debug, Clone)]
pub(crate) struct Criterion {
    /// As written.
    pub(crate) key: String,
    pub(crate) subject: Subject,
    pub(crate) check: Check,
    pub(crate) matches: Matches,
}

/// What a key leads to.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// Values of the payload.
    Path(Path),
    /// The path that many rules share, by its number.
    Shared(usize),
    /// The datastore item of this name.
    Datastore(String),
    /// The key is no path.
    Broken(Error),
}

/// How many of the values that a key leads to are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matches {
    /// The first one.
    First,
    /// At least one must pass.
    Any,
    /// There is one, and all pass.
    All,
}

/// What is asked of the value.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// There is no operator; no value passes.
    Nothing,
    Fixed(Box<Test>),
    Template(Operator, Box<Template>),
    Search(Search),
    /// Every value fails.
    Broken(Error),
}

/// The parts of a `search`.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    pub(crate) condition: Condition,
    pub(crate) children: Vec<Criterion>,
}

/// How elements and child criteria are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) every_element: bool,
    pub(crate) every_child: bool,
}

impl Condition {
    fn parse(condition: Option<&Value>) -> Result<Self, Error> {
        let (every_element, every_child) = match condition.and_then(Value::as_str) {
            Some("all") => (true, true),
            Some("any") => (false, true),
            Some("all2any") => (true, false),
            Some("any2any") => (false, false),
            _ => {
                let found = condition.map_or_else(|| "null".to_owned(), Value::to_string);
                return Err(Error::Condition { found });
            }
        };
        Ok(Self { every_element, every_child })
    }
}

/// Reads the criteria of the rule `rule`, in their order.
pub(crate) fn compile(rule: &str, criteria: &Object) -> Result<Vec<Criterion>, Error> {
    Compiler { rule, depth: 0 }.criteria(criteria)
}

struct Compiler<'a> {
    rule: &'a str,
    depth: usize,
}

impl Compiler<'_> {
    fn criteria(&self, criteria: &Object) -> Result<Vec<Criterion>, Error> {
        criteria.iter().map(|(key, criterion)| self.criterion(key, criterion)).collect()
    }

    fn criterion(&self, key: &str, criterion: &Value) -> Result<Criterion, Error> {
        let members =
            criterion.as_object().ok_or_else(|| self.shape(key, "it", "an object", criterion))?;
        let matches = match members.get("match") {
            None => Matches::First,
            Some(Value::String(word)) if word == "first" => Matches::First,
            Some(Value::String(word)) if word == "any" => Matches::Any,
            Some(Value::String(word)) if word == "all" => Matches::All,
            Some(other) => return Err(self.shape(key, "match", "first, any or all", other)),
        };
        Ok(Criterion {
            key: key.to_owned(),
            subject: subject(key),
            check: self.check(key, members)?,
            matches,
        })
    }

    fn check(&self, key: &str, members: &Object) -> Result<Check, Error> {
        let name = match members.get("type") {
            None => return Ok(Check::Nothing),
            Some(Value::String(name)) => name,
            Some(other) => return Err(self.shape(key, "type", "the name of an operator", other)),
        };
        let operator = Operator::named(name).ok_or_else(|| Error::UnknownOperator {
            rule: self.rule.to_owned(),
            key: key.to_owned(),
            operator: name.clone(),
        })?;
        let pattern = members.get("pattern").unwrap_or(&Value::Null);
        if operator == Operator::Search {
            return self.search(key, name, members, pattern);
        }
        Ok(match Pattern::new(pattern) {
            Pattern::Fixed(pattern) => Check::Fixed(Box::new(Test::new(operator, pattern))),
            Pattern::Template(template) => Check::Template(operator, Box::new(template)),
        })
    }

    fn search(
        &self,
        key: &str,
        name: &str,
        members: &Object,
        pattern: &Value,
    ) -> Result<Check, Error> {
        if self.depth >= SEARCH_DEPTH_MAX {
            return Err(Error::TooDeep {
                rule: self.rule.to_owned(),
                key: key.to_owned(),
                max: SEARCH_DEPTH_MAX,
            });
        }
        let children = match pattern {
            Value::Object(children) => {
                Self { rule: self.rule, depth: self.depth + 1 }.criteria(children)?
            }
            other => {
                let problem = self.shape(key, "pattern", "an object of criteria", other);
                return Ok(Check::Broken(problem));
            }
        };
        if name != "search" {
            return Ok(Check::Broken(Error::SearchSpelling { found: name.to_owned() }));
        }
        Ok(match Condition::parse(members.get("condition")) {
            Ok(condition) => Check::Search(Search { condition, children }),
            Err(problem) => Check::Broken(problem),
        })
    }

    fn shape(
        &self,
        key: &str,
        field: &'static str,
        expected: &'static str,
        found: &Value,
    ) -> Error {
        Error::Shape {
            rule: self.rule.to_owned(),
            key: key.to_owned(),
            field,
            expected,
            found: type_name(found),
        }
    }
}

/// What `key` leads to; from `#` on it only tells criteria apart.
fn subject(key: &str) -> Subject {
    let path = key.split('#').next().unwrap_or_default();
    match Path::parse(path) {
        Err(problem) => Subject::Broken(problem.into()),
        Ok(Path::Names(names)) => match names.as_slice() {
            [scope, name @ ..] if scope == "system" && !name.is_empty() => {
                Subject::Datastore(name.join("."))
            }
            _ => Subject::Path(Path::Names(names)),
        },
        Ok(query) => Subject::Path(query),
    }
}

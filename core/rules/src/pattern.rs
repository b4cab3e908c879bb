//! Patterns of criteria: fixed values, and templates that are rendered for each payload.
//!
//! A template that is one expression gives the expression's value with its type. Text around an
//! expression makes a string, unless all of it together reads as JSON; for numbers glued together
//! this way both readings are kept, and the payload's type chooses.

use std::borrow::Cow;
use std::sync::OnceLock;

use serde_json::Value;
use st2_expr::jinja::{self, Context, Engine, JinjaError};

use crate::path::{Scope, follow};

mod segments;

#[cfg(test)]
mod tests;

use segments::Segment;

/// A criterion's pattern.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// The same for every payload.
    Fixed(Value),
    /// Rendered for each payload.
    Template(Template),
}

/// A pattern with template syntax in it.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    source: Source,
    /// `source` with its last expression of each line written as JSON; `None` without expressions.
    typed: Option<Source>,
    /// Whether one expression is all that prints.
    is_whole: bool,
    /// The names of a lone `{{ trigger.a.b }}`.
    names: Option<Vec<String>>,
}

/// A text that is compiled when it is first rendered; what is wrong with it shows there.
#[derive(Debug, Clone)]
struct Source {
    text: String,
    compiled: OnceLock<Result<jinja::Template, JinjaError>>,
}

impl Source {
    const fn new(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    fn render(&self, engine: &Engine, context: &Context) -> Result<String, JinjaError> {
        match self.compiled.get_or_init(|| engine.compile(&self.text)) {
            Ok(template) => engine.render_compiled(template, context),
            Err(error) => Err(error.clone()),
        }
    }
}

/// A rendered pattern.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rendered<'a> {
    pub(crate) value: Cow<'a, Value>,
    /// What to compare strings with, when that differs.
    pub(crate) text: Option<String>,
}

impl<'a> Rendered<'a> {
    fn value(value: impl Into<Value>) -> Self {
        Self { value: Cow::Owned(value.into()), text: None }
    }

    /// The reading that fits a payload value.
    pub(crate) fn fitting(self, value: &Value) -> Cow<'a, Value> {
        match self.text {
            Some(text) if value.is_string() => Cow::Owned(Value::String(text)),
            _ => self.value,
        }
    }
}

/// Attributes that are methods of a mapping before they are members.
const METHODS: [&str; 11] = [
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

impl Pattern {
    pub(crate) fn new(pattern: &Value) -> Self {
        match pattern {
            Value::String(text) if ["{{", "{%", "{#"].iter().any(|open| text.contains(open)) => {
                Self::Template(Template::new(text))
            }
            Value::String(text) => Self::Fixed(Value::String(literal(text))),
            other => Self::Fixed(other.clone()),
        }
    }
}

/// A text without templates still goes through the engine: line ends become one kind, and the last
/// one is dropped.
fn literal(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n").replace('\r', "\n");
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

impl Template {
    fn new(source: &str) -> Self {
        let segments = segments::split(source).unwrap_or_default();
        let expressions: Vec<&str> = segments
            .iter()
            .filter_map(|segment| match segment {
                Segment::Expression(inner) => Some(*inner),
                _ => None,
            })
            .collect();
        let has_text = segments
            .iter()
            .any(|segment| matches!(segment, Segment::Text(text) if !text.trim().is_empty()));
        let names = match (segments.as_slice(), expressions.as_slice()) {
            ([_], [inner]) => dotted_names(inner),
            _ => None,
        };
        Self {
            source: Source::new(source.to_owned()),
            typed: (!expressions.is_empty()).then(|| Source::new(segments::typed(&segments))),
            is_whole: expressions.len() == 1 && !has_text,
            names,
        }
    }

    pub(crate) fn source(&self) -> &str {
        &self.source.text
    }

    pub(crate) fn render<'a>(
        &self,
        scope: Scope<'a>,
        engine: &Engine,
        context: impl FnOnce() -> Context,
    ) -> Result<Rendered<'a>, JinjaError> {
        if let Some(value) = self.names.as_ref().and_then(|names| follow(names, scope)) {
            return Ok(Rendered { value: Cow::Borrowed(value), text: None });
        }
        let context = context();
        let plain = || self.source.render(engine, &context);
        let Some(typed) = &self.typed else {
            return plain().map(Rendered::value);
        };
        let json = match typed.render(engine, &context) {
            Ok(json) => json,
            Err(JinjaError::KeysNeeded(keys)) => return Err(JinjaError::KeysNeeded(keys)),
            Err(_) if !self.is_whole || self.reads_datastore() => {
                return plain().map(Rendered::value);
            }
            Err(error) => return Err(error),
        };
        match serde_json::from_str::<Value>(&json) {
            Err(_) => plain().map(Rendered::value),
            Ok(value) if self.is_whole || value.is_array() || value.is_object() => {
                Ok(Rendered::value(value))
            }
            Ok(value) => Ok(Rendered { value: Cow::Owned(value), text: Some(plain()?) }),
        }
    }

    /// Datastore items are texts, but the engine does not write them as JSON.
    fn reads_datastore(&self) -> bool {
        self.source().contains("st2kv") || self.source().contains("system")
    }
}

/// `trigger.a.b` as names, when nothing but looking them up is asked.
fn dotted_names(expression: &str) -> Option<Vec<String>> {
    let names: Vec<String> = expression.trim().split('.').map(str::to_owned).collect();
    let is_name = |name: &String| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && !name.starts_with("__")
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !METHODS.contains(&name.as_str())
    };
    let visible = matches!(names.first().map(String::as_str), Some("trigger" | "item"));
    (visible && names.iter().all(is_name)).then_some(names)
}

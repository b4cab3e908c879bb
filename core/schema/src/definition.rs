//! The dialect of definitions: which attributes exist and what each may hold.

use serde_json::{Map, Value};

use crate::error::{Path, SchemaError};
use crate::python::{repr, text};
use crate::{pattern, report};

/// Definitions nested deeper than this are refused.
const DEPTH_MAX: usize = 64;

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

/// The member of an action or of a config schema that holds definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `parameters` of an action.
    Parameters,
    /// `runner_parameters` of a runner type.
    RunnerParameters,
    /// The attributes of a pack's config schema.
    Attributes,
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::RunnerParameters => "runner_parameters",
            Self::Attributes => "attributes",
        }
    }
}

/// How strict the dialect is at the place that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strictness {
    /// A schema about to be used: unknown attributes pass, patterns have to compile.
    Use,
    /// A parameter definition that is registered: one type, nothing unknown.
    Parameter,
    /// A schema inside such a definition: lists of types and `format` are known as well.
    Nested,
}

/// What an attribute may hold.
#[derive(Debug, Clone, Copy)]
enum Rule {
    Any,
    Text,
    Flag,
    Count,
    Number,
    PositiveNumber,
    Position,
    Pattern,
    Enumeration,
    Type,
    Schema,
    SchemaOrFlag,
    SchemaOrList,
    SchemaList,
    SchemaMap,
    Dependencies,
}

/// The attributes, in the order in which they are judged.
const ATTRIBUTES: [(&str, Rule); 35] = [
    ("id", Rule::Text),
    ("$schema", Rule::Text),
    ("title", Rule::Text),
    ("description", Rule::Text),
    ("default", Rule::Any),
    ("multipleOf", Rule::PositiveNumber),
    ("maximum", Rule::Number),
    ("exclusiveMaximum", Rule::Flag),
    ("minimum", Rule::Number),
    ("exclusiveMinimum", Rule::Flag),
    ("maxLength", Rule::Count),
    ("minLength", Rule::Count),
    ("pattern", Rule::Pattern),
    ("additionalItems", Rule::SchemaOrFlag),
    ("items", Rule::SchemaOrList),
    ("maxItems", Rule::Count),
    ("minItems", Rule::Count),
    ("uniqueItems", Rule::Flag),
    ("maxProperties", Rule::Count),
    ("minProperties", Rule::Count),
    ("required", Rule::Flag),
    ("secret", Rule::Flag),
    ("additionalProperties", Rule::SchemaOrFlag),
    ("definitions", Rule::SchemaMap),
    ("properties", Rule::SchemaMap),
    ("patternProperties", Rule::SchemaMap),
    ("dependencies", Rule::Dependencies),
    ("enum", Rule::Enumeration),
    ("type", Rule::Type),
    ("position", Rule::Position),
    ("immutable", Rule::Flag),
    ("allOf", Rule::SchemaList),
    ("anyOf", Rule::SchemaList),
    ("oneOf", Rule::SchemaList),
    ("not", Rule::Schema),
];

/// Checks the definitions of an action, a runner or a config schema before they are stored.
///
/// # Errors
/// All violations, the most telling one first; paths start with the name of the field.
pub fn check_definitions(field: Field, definitions: &Value) -> Result<(), Vec<SchemaError>> {
    let path = Path::default().key(field.name());
    let Some(definitions) = definitions.as_object() else {
        return Err(vec![mistyped(&path, definitions, "object")]);
    };
    let mut check = Check { found: Vec::new(), depth: 0 };
    for (name, definition) in definitions {
        if !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            check.schema(&path.key(name), definition, Strictness::Parameter);
        }
    }
    check.found.extend(bad_names(field, &path, definitions));
    match check.found {
        found if found.is_empty() => Ok(()),
        found => Err(report::best_first(found)),
    }
}

/// Checks a schema that is about to be compiled and gives the first violation.
pub(crate) fn check_schema(schema: &Value) -> Result<(), SchemaError> {
    let mut check = Check { found: Vec::new(), depth: 0 };
    check.schema(&Path::default(), schema, Strictness::Use);
    check.found.into_iter().next().map_or(Ok(()), Err)
}

fn bad_names(field: Field, path: &Path, definitions: &Map<String, Value>) -> Option<SchemaError> {
    let is_word =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let bad: Vec<&str> =
        definitions.keys().map(String::as_str).filter(|name| !is_word(name)).collect();
    let first = bad.first()?;
    let message = match field {
        Field::Attributes => report::unmatched(&bad, &[r"^\w+$"]),
        // The text is StackStorm's, slip of the pen included: clients compare it.
        _ => format!(
            "Parameter name \"{first}\" is invalid. Valid characters for parameter name are \
             [a-zA-Z0-0_]."
        ),
    };
    Some(violation(path, "additionalProperties", message))
}

struct Check {
    found: Vec<SchemaError>,
    depth: usize,
}

impl Check {
    fn schema(&mut self, path: &Path, schema: &Value, strictness: Strictness) {
        let Some(attributes) = schema.as_object() else {
            self.found.push(mistyped(path, schema, "object"));
            return;
        };
        if self.depth >= DEPTH_MAX {
            let message = format!("the schema is nested deeper than {DEPTH_MAX} levels");
            self.found.push(violation(path, "depth", message));
            return;
        }
        self.depth += 1;
        for (attribute, rule) in ATTRIBUTES {
            if let Some(value) = attributes.get(attribute) {
                self.attribute(&path.key(attribute), value, rule, strictness);
            }
        }
        self.depth -= 1;
        for (exclusive, bound) in [("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")]
        {
            if attributes.contains_key(exclusive) && !attributes.contains_key(bound) {
                let message = format!("'{bound}' is a dependency of '{exclusive}'");
                self.found.push(violation(path, "dependencies", message));
            }
        }
        if strictness != Strictness::Use {
            self.unknown(path, attributes, strictness);
        }
    }

    fn unknown(&mut self, path: &Path, attributes: &Map<String, Value>, strictness: Strictness) {
        if let Some(format) = attributes.get("format")
            && strictness == Strictness::Nested
            && !format.is_string()
        {
            self.found.push(mistyped(&path.key("format"), format, "string"));
        }
        let is_known = |name: &str| {
            ATTRIBUTES.iter().any(|(attribute, _)| *attribute == name)
                || (name == "format" && strictness == Strictness::Nested)
        };
        let unknown: Vec<&str> =
            attributes.keys().map(String::as_str).filter(|name| !is_known(name)).collect();
        if !unknown.is_empty() {
            let message = report::unexpected(&unknown);
            self.found.push(violation(path, "additionalProperties", message));
        }
    }

    fn attribute(&mut self, path: &Path, value: &Value, rule: Rule, strictness: Strictness) {
        match rule {
            Rule::Any => {}
            Rule::Text => self.expect(path, value, "string", value.is_string()),
            Rule::Flag => self.expect(path, value, "boolean", value.is_boolean()),
            Rule::Number => self.expect(path, value, "number", value.is_number()),
            Rule::Count => {
                let is_integer = value.is_i64() || value.is_u64();
                self.expect(path, value, "integer", is_integer);
                self.at_least(path, value, 0.0, false);
            }
            Rule::Position => {
                self.expect(path, value, "number", value.is_number());
                self.at_least(path, value, 0.0, false);
            }
            Rule::PositiveNumber => {
                self.expect(path, value, "number", value.is_number());
                self.at_least(path, value, 0.0, true);
            }
            Rule::Pattern => {
                self.expect(path, value, "string", value.is_string());
                let broken = |pattern: &str| pattern::compile(pattern).is_none();
                if strictness == Strictness::Use && value.as_str().is_some_and(broken) {
                    let message = format!("{} is not a 'regex'", repr(value));
                    self.found.push(violation(path, "format", message));
                }
            }
            Rule::Enumeration => self.list(path, value, true),
            Rule::Type => self.type_names(path, value, strictness),
            Rule::Schema
            | Rule::SchemaOrFlag
            | Rule::SchemaOrList
            | Rule::SchemaList
            | Rule::SchemaMap
            | Rule::Dependencies => {
                let strictness = match strictness {
                    Strictness::Parameter => Strictness::Nested,
                    strictness => strictness,
                };
                self.nested(path, value, rule, strictness);
            }
        }
    }

    fn nested(&mut self, path: &Path, value: &Value, rule: Rule, strictness: Strictness) {
        match (rule, value) {
            (Rule::SchemaOrFlag, Value::Bool(_)) => {}
            (Rule::SchemaOrFlag | Rule::SchemaOrList, Value::Object(_))
            | (Rule::SchemaOrList, Value::Array(_)) => {
                self.either(path, value, strictness, |check| match value {
                    Value::Array(_) => check.nested(path, value, Rule::SchemaList, strictness),
                    _ => check.schema(path, value, strictness),
                });
            }
            (Rule::SchemaOrFlag | Rule::SchemaOrList, _) => {
                self.found.push(violation(path, "anyOf", report::none_of(value)));
            }
            (Rule::SchemaList, Value::Array(schemas)) => {
                self.list(path, value, false);
                for (index, schema) in schemas.iter().enumerate() {
                    self.schema(&path.index(index), schema, strictness);
                }
            }
            (Rule::SchemaList, _) => self.found.push(mistyped(path, value, "array")),
            (Rule::SchemaMap, Value::Object(schemas)) => {
                let patterns =
                    path.0.last().is_some_and(|last| last.to_string() == "patternProperties");
                for (name, schema) in schemas {
                    if patterns && strictness == Strictness::Use && pattern::compile(name).is_none()
                    {
                        let message = format!("{} is not a 'regex'", text(name));
                        self.found.push(violation(&path.key(name), "format", message));
                    }
                    self.schema(&path.key(name), schema, strictness);
                }
            }
            (Rule::Dependencies, Value::Object(dependencies)) => {
                for (name, dependency) in dependencies {
                    self.dependency(&path.key(name), dependency, strictness);
                }
            }
            (Rule::SchemaMap | Rule::Dependencies, _) => {
                self.found.push(mistyped(path, value, "object"));
            }
            (_, value) => self.schema(path, value, strictness),
        }
    }

    fn dependency(&mut self, path: &Path, dependency: &Value, strictness: Strictness) {
        match dependency {
            Value::Array(names) if names.iter().all(Value::is_string) => {
                self.either(path, dependency, strictness, |check| {
                    check.list(path, dependency, true);
                });
            }
            Value::Object(_) => self.either(path, dependency, strictness, |check| {
                check.schema(path, dependency, strictness);
            }),
            _ => self.found.push(violation(path, "anyOf", report::none_of(dependency))),
        }
    }

    /// One branch of a choice. A schema in use is judged as a whole; at registration the author
    /// wants to know what is wrong inside.
    fn either(
        &mut self,
        path: &Path,
        value: &Value,
        strictness: Strictness,
        branch: impl FnOnce(&mut Self),
    ) {
        let before = self.found.len();
        branch(self);
        if strictness == Strictness::Use && self.found.len() > before {
            self.found.truncate(before);
            self.found.push(violation(path, "anyOf", report::none_of(value)));
        }
    }

    fn type_names(&mut self, path: &Path, value: &Value, strictness: Strictness) {
        let is_name = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
        if is_name(value) {
            return;
        }
        if strictness == Strictness::Parameter {
            let message =
                format!("{} is not one of [{}]", repr(value), crate::python::texts(TYPES));
            self.found.push(violation(path, "enum", message));
            return;
        }
        let is_list = value.as_array().is_some_and(|names| {
            !names.is_empty() && names.iter().all(is_name) && !report::has_duplicates(names)
        });
        if !is_list {
            self.found.push(violation(path, "anyOf", report::none_of(value)));
        }
    }

    fn list(&mut self, path: &Path, value: &Value, unique: bool) {
        let Some(items) = value.as_array() else {
            self.found.push(mistyped(path, value, "array"));
            return;
        };
        if items.is_empty() {
            self.found.push(violation(path, "minItems", "[] should be non-empty".into()));
        }
        if unique && report::has_duplicates(items) {
            let message = format!("{} has non-unique elements", repr(value));
            self.found.push(violation(path, "uniqueItems", message));
        }
    }

    fn expect(&mut self, path: &Path, value: &Value, kind: &str, fits: bool) {
        if !fits {
            self.found.push(mistyped(path, value, kind));
        }
    }

    fn at_least(&mut self, path: &Path, value: &Value, bound: f64, exclusive: bool) {
        let Some(number) = value.as_f64() else {
            return;
        };
        let words = match exclusive {
            true if number <= bound => "less than or equal to",
            false if number < bound => "less than",
            _ => return,
        };
        let message = format!("{} is {words} the minimum of {bound}", repr(value));
        self.found.push(violation(path, "minimum", message));
    }
}

fn violation(path: &Path, keyword: &str, message: String) -> SchemaError {
    SchemaError { path: path.clone(), keyword: keyword.to_owned(), message }
}

fn mistyped(path: &Path, value: &Value, kind: &str) -> SchemaError {
    violation(path, "type", format!("{} is not of type '{kind}'", repr(value)))
}

//! A schema compiled once, used for many values.

use fancy_regex::Regex;
use jsonschema::paths::Location;
use jsonschema::{Draft, Keyword, PatternOptions, ValidationError, Validator};
use serde_json::{Map, Value};

use crate::error::{Error, Path, SchemaError};
use crate::{action, defaults, definition, nullable, pattern, plain, python, report};

/// Values nested deeper than this are refused unread.
const VALUE_DEPTH_MAX: usize = 200;

/// How a schema is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Missing and null properties take their default before the value is judged.
    pub use_default: bool,
    /// Optional properties without a default accept null. Has no effect without `use_default`.
    pub allow_default_none: bool,
}

impl Default for Options {
    /// As for parameters, payloads and configs: both on.
    fn default() -> Self {
        Self { use_default: true, allow_default_none: true }
    }
}

/// A compiled schema. Compiling is much dearer than validating, so keep it.
#[derive(Debug)]
pub struct Schema {
    source: Value,
    validator: Validator,
    fills: bool,
}

impl Schema {
    /// Compiles a schema of the dialect, for example the payload schema of a trigger type.
    ///
    /// # Errors
    /// [`Error::Definition`] with the first violation when the schema breaks the dialect.
    pub fn compile(schema: &Value, options: Options) -> Result<Self, Error> {
        // Depth is judged before anything walks the schema.
        if deeper_than(schema, VALUE_DEPTH_MAX) {
            return Err(Error::Definition(too_deep()));
        }
        let mut source = schema.clone();
        if options.use_default && options.allow_default_none {
            nullable::allow_null(&mut source);
        }
        definition::check_schema(&source)?;
        check_references(&source)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft4)
            .should_validate_formats(false)
            .with_pattern_options(
                PatternOptions::fancy_regex()
                    .backtrack_limit(pattern::STEPS_MAX)
                    .size_limit(pattern::SIZE_MAX)
                    .dfa_size_limit(pattern::SIZE_MAX),
            )
            .with_keyword(plain::PATTERN, compile_pattern)
            .build(&plain::plain(&source))
            .map_err(|error| Error::Unusable {
                path: error.instance_path().to_string(),
                reason: error.to_string(),
            })?;
        let fills =
            options.use_default && source.get("type").and_then(Value::as_str) == Some("object");
        Ok(Self { source, validator, fills })
    }

    /// The schema for the parameters of requests for one action.
    ///
    /// # Errors
    /// As [`crate::action_schema`] and [`Schema::compile`].
    pub fn for_action(
        reference: &str,
        runner: &Map<String, Value>,
        action: &Map<String, Value>,
    ) -> Result<Self, Error> {
        Self::compile(&action::action_schema(reference, runner, action)?, Options::default())
    }

    /// The schema of an object with the given properties and no others: policy parameters.
    ///
    /// # Errors
    /// As [`Schema::compile`].
    pub fn for_resource(parameters: &Map<String, Value>) -> Result<Self, Error> {
        Self::compile(&action::resource_schema(parameters, false), Options::default())
    }

    /// The schema of a pack's config: attributes that the config schema does not name pass.
    ///
    /// # Errors
    /// As [`Schema::compile`].
    pub fn for_config(attributes: &Map<String, Value>) -> Result<Self, Error> {
        Self::compile(&action::resource_schema(attributes, true), Options::default())
    }

    /// Fills defaults into `value` and judges it. Defaults stay filled in when it fails.
    ///
    /// # Errors
    /// All violations; the first is the one StackStorm would report.
    pub fn validate(&self, value: &mut Value) -> Result<(), Vec<SchemaError>> {
        if deeper_than(value, VALUE_DEPTH_MAX) {
            return Err(vec![too_deep()]);
        }
        if self.fills && value.is_object() {
            defaults::fill(value, &self.source);
        }
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let errors = report::explain(self.validator.iter_errors(value), value, &self.source);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// The schema as it is used, with null allowed where the options say so.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.source
    }
}

fn too_deep() -> SchemaError {
    SchemaError {
        path: Path::default(),
        keyword: "depth".into(),
        message: format!("the value is nested deeper than {VALUE_DEPTH_MAX} levels"),
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    let Some(rest) = levels.checked_sub(1) else {
        return true;
    };
    match value {
        Value::Array(items) => items.iter().any(|item| deeper_than(item, rest)),
        Value::Object(members) => members.values().any(|member| deeper_than(member, rest)),
        _ => false,
    }
}

/// Only references into the schema itself exist: nothing is ever fetched.
fn check_references(schema: &Value) -> Result<(), Error> {
    let children: Box<dyn Iterator<Item = &Value>> = match schema {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref")
                && !reference.starts_with('#')
            {
                return Err(Error::Unusable {
                    path: reference.clone(),
                    reason: "only references inside the schema (#...) are supported".into(),
                });
            }
            Box::new(members.values())
        }
        _ => return Ok(()),
    };
    for child in children {
        check_references(child)?;
    }
    Ok(())
}

/// Our own `pattern`: Python's dialect, searched anywhere, bounded in steps.
struct Pattern {
    source: String,
    regex: Regex,
}

fn compile_pattern<'a>(
    _parent: &'a Map<String, Value>,
    value: &'a Value,
    _path: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let source = value.as_str().unwrap_or_default().to_owned();
    let regex = pattern::compile(&source).ok_or_else(|| {
        ValidationError::custom(format!("{} is not a 'regex'", python::repr(value)))
    })?;
    Ok(Box::new(Pattern { source, regex }))
}

impl<'i> Keyword<'i> for Pattern {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        let Some(text) = instance.as_str() else {
            return Ok(());
        };
        let source = python::text(&self.source);
        match self.regex.is_match(text) {
            Ok(true) => Ok(()),
            Ok(false) => Err(ValidationError::custom(format!(
                "{} does not match {source}",
                python::text(text)
            ))),
            Err(_) => Err(ValidationError::custom(format!(
                "the text takes too many steps to match against {source}"
            ))),
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        instance.as_str().is_none_or(|text| self.regex.is_match(text).unwrap_or(false))
    }
}

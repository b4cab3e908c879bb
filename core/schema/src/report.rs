//! From the findings of the validator library to the sentences of StackStorm, best one first.

use std::cmp::Ordering;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;

use crate::error::{Path, SchemaError, Segment};
use crate::plain;
use crate::python::{repr, text, texts};

/// One finding with what is needed to compare it with others.
struct Found {
    error: SchemaError,
    /// Where the keyword stands: its place in document order, level by level.
    rank: Vec<usize>,
    /// Steps of the path that belong to the finding this one explains.
    inherited: usize,
    /// Does the value have the type its definition asks for?
    matches_type: bool,
    /// The findings of the branches, when none of several was satisfied.
    context: Vec<Found>,
}

/// All findings as sentences, the one that StackStorm would report first.
pub(crate) fn explain<'a>(
    errors: impl Iterator<Item = ValidationError<'a>>,
    value: &Value,
    schema: &Value,
) -> Vec<SchemaError> {
    let reader = Reader { value, schema };
    let mut found: Vec<Found> = errors.map(|error| reader.read(&error, 0)).collect();
    found.sort_by(|a, b| a.rank.cmp(&b.rank));
    order(found)
}

/// Violations of a definition, the most telling one first.
pub(crate) fn best_first(errors: Vec<SchemaError>) -> Vec<SchemaError> {
    let found = errors.into_iter().map(|error| Found {
        error,
        rank: Vec::new(),
        inherited: 0,
        matches_type: false,
        context: Vec::new(),
    });
    order(found.collect())
}

/// Puts the most relevant finding first; the others keep their order.
fn order(found: Vec<Found>) -> Vec<SchemaError> {
    let mut best: Option<usize> = None;
    for (index, candidate) in found.iter().enumerate() {
        let better = best
            .and_then(|best| found.get(best))
            .is_none_or(|best| relevance(candidate, best) == Ordering::Greater);
        if better {
            best = Some(index);
        }
    }
    let mut errors: Vec<SchemaError> = Vec::with_capacity(found.len());
    for (index, finding) in found.into_iter().enumerate() {
        if best == Some(index) {
            errors.insert(0, deepest(finding));
        } else {
            errors.push(finding.error);
        }
    }
    errors
}

/// Follows a failed choice into its branches as long as one of them clearly is what was meant.
fn deepest(mut finding: Found) -> SchemaError {
    loop {
        let context = std::mem::take(&mut finding.context);
        let least = context.iter().enumerate().min_by(|(_, a), (_, b)| relevance(a, b));
        let Some((chosen, least)) = least else {
            return finding.error;
        };
        let equals = context.iter().filter(|other| relevance(other, least) == Ordering::Equal);
        if equals.count() > 1 {
            return finding.error;
        }
        match context.into_iter().nth(chosen) {
            Some(next) => finding = next,
            None => return finding.error,
        }
    }
}

/// Shallow findings tell more than deep ones, later siblings more than earlier ones, plain
/// keywords more than choices, and a value of the wrong type more than one of the right type.
fn relevance(a: &Found, b: &Found) -> Ordering {
    let own = |found: &Found| -> Vec<Segment> {
        found.error.path.0.iter().skip(found.inherited).cloned().collect()
    };
    let is_choice = |found: &Found| matches!(found.error.keyword.as_str(), "anyOf" | "oneOf");
    let (path_a, path_b) = (own(a), own(b));
    path_b
        .len()
        .cmp(&path_a.len())
        .then_with(|| path_a.cmp(&path_b))
        .then_with(|| is_choice(b).cmp(&is_choice(a)))
        .then_with(|| b.matches_type.cmp(&a.matches_type))
}

struct Reader<'s> {
    value: &'s Value,
    schema: &'s Value,
}

/// The definition a finding is about: the schema that holds the keyword, and the keyword's value.
struct Place<'s> {
    rank: Vec<usize>,
    definition: &'s Value,
    keyword: &'s Value,
}

impl<'s> Reader<'s> {
    fn read(&self, error: &ValidationError<'_>, inherited: usize) -> Found {
        let place = self.place(error.schema_path());
        let mut path = self.path(error.instance_path());
        let instance = error.instance().as_ref();
        let (keyword, message) = sentence(error, instance, &place);
        if let (Kind::Required { property: Value::String(name) }, "required") =
            (error.kind(), keyword.as_str())
        {
            path = path.key(name);
        }
        let branches = match error.kind() {
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => context.as_slice(),
            _ => &[],
        };
        let depth = path.len();
        let context = branches.iter().flatten().map(|branch| self.read(branch, depth)).collect();
        Found {
            matches_type: has_declared_type(instance, place.definition),
            error: SchemaError { path, keyword, message },
            rank: place.rank,
            inherited,
            context,
        }
    }

    /// The path into the value; only the value tells whether `0` is an index or a name.
    fn path(&self, location: &Location) -> Path {
        let mut path = Path::default();
        let mut current = Some(self.value);
        for segment in location.segments() {
            let name = segment.to_string();
            let index = name.parse::<usize>().ok();
            match (current, index) {
                (Some(Value::Array(items)), Some(index)) => {
                    path = path.index(index);
                    current = items.get(index);
                }
                (value, _) => {
                    current = value.and_then(|value| value.get(&name));
                    path = path.key(&name);
                }
            }
        }
        path
    }

    fn place(&self, location: &Location) -> Place<'s> {
        let mut place = Place { rank: Vec::new(), definition: self.schema, keyword: self.schema };
        let mut below_patterns = false;
        for segment in location.segments() {
            place.definition = place.keyword;
            let name = match &segment {
                LocationSegment::Property(name) if name == plain::PATTERN => "pattern".to_owned(),
                segment => segment.to_string(),
            };
            let (rank, next) = match place.definition {
                Value::Object(members) => members
                    .iter()
                    .enumerate()
                    .find(|(_, (key, _))| {
                        **key == name || (below_patterns && plain::property_pattern(key) == name)
                    })
                    .map_or((usize::MAX, &Value::Null), |(rank, (_, next))| (rank, next)),
                Value::Array(items) => {
                    let index = name.parse().unwrap_or(usize::MAX);
                    (index, items.get(index).unwrap_or(&Value::Null))
                }
                _ => (usize::MAX, &Value::Null),
            };
            below_patterns = name == "patternProperties";
            place.rank.push(rank);
            place.keyword = next;
        }
        // A missing property is reported where the property is defined.
        if location.segments().last().is_some_and(|last| last.to_string() == "required")
            && let Value::Object(members) = place.definition
            && let Some(rank) = members.keys().position(|key| key == "properties")
        {
            place.rank.pop();
            place.rank.push(rank);
        }
        place
    }
}

fn sentence(error: &ValidationError<'_>, instance: &Value, place: &Place<'_>) -> (String, String) {
    let value = repr(instance);
    let keyword = error.kind().keyword().to_owned();
    let message = match error.kind() {
        Kind::Type { .. } => {
            let declared = match place.keyword {
                Value::Array(types) => texts(types.iter().filter_map(Value::as_str)),
                single => repr(single),
            };
            format!("{value} is not of type {declared}")
        }
        Kind::Enum { options } => format!("{value} is not one of {}", repr(options)),
        Kind::Required { property } => return missing(property, place),
        Kind::AdditionalProperties { unexpected } => {
            let unexpected: Vec<&str> = unexpected.iter().map(String::as_str).collect();
            match place.definition.get("patternProperties").and_then(Value::as_object) {
                Some(patterns) => {
                    let patterns: Vec<&str> = patterns.keys().map(String::as_str).collect();
                    unmatched(&unexpected, &patterns)
                }
                None => self::unexpected(&unexpected),
            }
        }
        Kind::AdditionalItems { limit } => {
            let extra = instance.as_array().into_iter().flatten().skip(*limit).map(repr);
            unexpected_list("items", extra.collect())
        }
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => none_of(instance),
        Kind::OneOfMultipleValid { context } => several_of(&value, context, place.keyword),
        Kind::Not { .. } => format!("{value} should not be valid under {}", repr(place.keyword)),
        Kind::MultipleOf { .. } => format!("{value} is not a multiple of {}", repr(place.keyword)),
        Kind::UniqueItems => format!("{value} has non-unique elements"),
        Kind::Custom { message, .. } => return ("pattern".into(), message.clone()),
        kind => return measured(kind, &value).unwrap_or((keyword, error.to_string())),
    };
    (keyword, message)
}

/// Keywords that compare with a number.
fn measured(kind: &Kind, value: &str) -> Option<(String, String)> {
    let short = |limit: u64, otherwise: &'static str| match limit {
        1 => "should be non-empty",
        _ => otherwise,
    };
    let long = |limit: u64, otherwise: &'static str| match limit {
        0 => "is expected to be empty",
        _ => otherwise,
    };
    let (keyword, rest) = match kind {
        Kind::Minimum { limit } => {
            ("minimum", format!("is less than the minimum of {}", repr(limit)))
        }
        Kind::ExclusiveMinimum { limit } => {
            ("minimum", format!("is less than or equal to the minimum of {}", repr(limit)))
        }
        Kind::Maximum { limit } => {
            ("maximum", format!("is greater than the maximum of {}", repr(limit)))
        }
        Kind::ExclusiveMaximum { limit } => {
            ("maximum", format!("is greater than or equal to the maximum of {}", repr(limit)))
        }
        Kind::MinLength { limit } => ("minLength", short(*limit, "is too short").into()),
        Kind::MaxLength { limit } => ("maxLength", long(*limit, "is too long").into()),
        Kind::MinItems { limit } => ("minItems", short(*limit, "is too short").into()),
        Kind::MaxItems { limit } => ("maxItems", long(*limit, "is too long").into()),
        Kind::MinProperties { limit } => {
            ("minProperties", short(*limit, "does not have enough properties").into())
        }
        Kind::MaxProperties { limit } => {
            ("maxProperties", long(*limit, "has too many properties").into())
        }
        _ => return None,
    };
    Some((keyword.to_owned(), format!("{value} {rest}")))
}

/// A missing property is either required itself or needed by another one.
fn missing(property: &Value, place: &Place<'_>) -> (String, String) {
    let is_needed =
        |needed: &Value| needed.as_array().is_some_and(|needed| needed.contains(property));
    let dependent = place.keyword.as_object().and_then(|dependencies| {
        dependencies.iter().find(|(_, needed)| is_needed(needed)).map(|(name, _)| name)
    });
    let property = repr(property);
    match dependent {
        Some(name) => {
            ("dependencies".into(), format!("{property} is a dependency of {}", text(name)))
        }
        None => ("required".into(), format!("{property} is a required property")),
    }
}

fn several_of(value: &str, context: &[Vec<ValidationError<'_>>], branches: &Value) -> String {
    let mut valid: Vec<String> = branches
        .as_array()
        .into_iter()
        .flatten()
        .zip(context)
        .filter(|(_, errors)| errors.is_empty())
        .map(|(branch, _)| repr(branch))
        .collect();
    // The first branch that fits is named last.
    if !valid.is_empty() {
        valid.rotate_left(1);
    }
    format!("{value} is valid under each of {}", valid.join(", "))
}

pub(crate) fn none_of(value: &Value) -> String {
    format!("{} is not valid under any of the given schemas", repr(value))
}

pub(crate) fn unexpected(names: &[&str]) -> String {
    let mut names = names.to_vec();
    names.sort_unstable();
    unexpected_list("properties", names.into_iter().map(text).collect())
}

fn unexpected_list(what: &str, shown: Vec<String>) -> String {
    let verb = if shown.len() == 1 { "was" } else { "were" };
    format!("Additional {what} are not allowed ({} {verb} unexpected)", shown.join(", "))
}

pub(crate) fn unmatched(names: &[&str], patterns: &[&str]) -> String {
    let (mut names, mut patterns) = (names.to_vec(), patterns.to_vec());
    names.sort_unstable();
    patterns.sort_unstable();
    let verb = if names.len() == 1 { "does" } else { "do" };
    format!("{} {verb} not match any of the regexes: {}", texts(names), texts(patterns))
}

/// Equal elements, where `1` and `1.0` are equal and `1` and `true` are not.
pub(crate) fn has_duplicates(items: &[Value]) -> bool {
    items.iter().enumerate().any(|(index, item)| {
        items.iter().take(index).any(|earlier| {
            earlier == item
                || (earlier.is_number() && item.is_number() && earlier.as_f64() == item.as_f64())
        })
    })
}

fn has_declared_type(instance: &Value, definition: &Value) -> bool {
    let is = |name: &str| match name {
        "null" => instance.is_null(),
        "boolean" => instance.is_boolean(),
        "integer" => instance.is_i64() || instance.is_u64(),
        "number" => instance.is_number(),
        "string" => instance.is_string(),
        "array" => instance.is_array(),
        "object" => instance.is_object(),
        _ => false,
    };
    match definition.get("type") {
        Some(Value::String(name)) => is(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(is),
        _ => false,
    }
}

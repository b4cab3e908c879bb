//! Looking a query up in a value.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use super::Expression;

/// Steps of one query: nested `..` can visit a value many times.
const MAX_STEPS: usize = 2_000_000;

/// A value with the way back to the root, which `` `parent` `` and `$` need.
#[derive(Clone)]
struct Place<'a> {
    value: Cow<'a, Value>,
    parent: Option<Rc<Place<'a>>>,
    /// What a root that is no value consists of.
    parts: Vec<(String, &'a Value)>,
}

impl<'a> Place<'a> {
    fn value(&self) -> Cow<'a, Value> {
        if self.parts.is_empty() {
            return self.value.clone();
        }
        let members = self.parts.iter().map(|(name, value)| (name.clone(), (*value).clone()));
        Cow::Owned(members.collect())
    }
}

struct Finder {
    steps: usize,
}

pub(super) fn find<'a>(
    expression: &Expression,
    value: &'a Value,
) -> Result<Vec<Cow<'a, Value>>, String> {
    find_from(expression, Place { value: Cow::Borrowed(value), parent: None, parts: Vec::new() })
}

/// As [`find`] in an object of these members.
pub(super) fn find_among<'a>(
    expression: &Expression,
    members: &[(&str, &'a Value)],
) -> Result<Vec<Cow<'a, Value>>, String> {
    let parts = members.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    find_from(expression, Place { value: Cow::Owned(Value::Null), parent: None, parts })
}

fn find_from<'a>(expression: &Expression, root: Place<'a>) -> Result<Vec<Cow<'a, Value>>, String> {
    let places = Finder { steps: 0 }.find(expression, &Rc::new(root))?;
    Ok(places.iter().map(|place| place.value()).collect())
}

type Places<'a> = Vec<Rc<Place<'a>>>;

impl Finder {
    fn find<'a>(
        &mut self,
        expression: &Expression,
        place: &Rc<Place<'a>>,
    ) -> Result<Places<'a>, String> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err("the query takes too many steps".to_owned());
        }
        Ok(match expression {
            Expression::Root => {
                let mut root = place;
                while let Some(parent) = &root.parent {
                    root = parent;
                }
                vec![Rc::clone(root)]
            }
            Expression::This => vec![Rc::clone(place)],
            Expression::Parent => place.parent.iter().cloned().collect(),
            Expression::Fields(names) => {
                names.iter().filter_map(|name| member(place, name)).collect()
            }
            Expression::AnyField => members(place),
            Expression::Index(index) => element(place, *index)?.into_iter().collect(),
            Expression::Slice(start, end) => slice(place, *start, *end)?,
            Expression::Child(left, right) => {
                let mut found = Vec::new();
                for place in self.find(left, place)? {
                    found.extend(self.find(right, &place)?);
                }
                found
            }
            Expression::Descendants(left, right) => {
                let mut found = Vec::new();
                for place in self.find(left, place)? {
                    self.descend(right, &place, &mut found)?;
                }
                found
            }
            Expression::Where(left, right) => {
                let mut found = Vec::new();
                for place in self.find(left, place)? {
                    if !self.find(right, &place)?.is_empty() {
                        found.push(place);
                    }
                }
                found
            }
            Expression::Union(left, right) => {
                let mut found = self.find(left, place)?;
                found.extend(self.find(right, place)?);
                found
            }
        })
    }

    fn descend<'a>(
        &mut self,
        expression: &Expression,
        place: &Rc<Place<'a>>,
        found: &mut Places<'a>,
    ) -> Result<(), String> {
        found.extend(self.find(expression, place)?);
        let children = match place.value.as_ref() {
            Value::Array(items) => {
                (0..items.len()).filter_map(|index| item(place, index)).collect()
            }
            _ => members(place),
        };
        for child in children {
            self.descend(expression, &child, found)?;
        }
        Ok(())
    }
}

fn child<'a>(place: &Rc<Place<'a>>, value: Cow<'a, Value>) -> Rc<Place<'a>> {
    Rc::new(Place { value, parent: Some(Rc::clone(place)), parts: Vec::new() })
}

/// Borrows from a borrowed value, so that only what matches is copied.
fn part<'a>(
    place: &Rc<Place<'a>>,
    get: impl Fn(&Value) -> Option<&Value>,
) -> Option<Rc<Place<'a>>> {
    let value = match &place.value {
        Cow::Borrowed(value) => Cow::Borrowed(get(value)?),
        Cow::Owned(value) => Cow::Owned(get(value)?.clone()),
    };
    Some(child(place, value))
}

fn member<'a>(place: &Rc<Place<'a>>, name: &str) -> Option<Rc<Place<'a>>> {
    if let Some((_, value)) = place.parts.iter().find(|(part, _)| part == name) {
        return Some(child(place, Cow::Borrowed(*value)));
    }
    part(place, |value| value.as_object()?.get(name))
}

fn members<'a>(place: &Rc<Place<'a>>) -> Places<'a> {
    if !place.parts.is_empty() {
        return place.parts.iter().filter_map(|(name, _)| member(place, name)).collect();
    }
    let Value::Object(object) = place.value.as_ref() else {
        return Vec::new();
    };
    object.keys().filter_map(|name| member(place, name)).collect()
}

fn item<'a>(place: &Rc<Place<'a>>, index: usize) -> Option<Rc<Place<'a>>> {
    part(place, |value| value.as_array()?.get(index))
}

fn element<'a>(place: &Rc<Place<'a>>, index: i64) -> Result<Option<Rc<Place<'a>>>, String> {
    let length = match place.value.as_ref() {
        Value::Array(items) => items.len(),
        Value::String(text) => text.chars().count(),
        Value::Object(members) => members.len(),
        other => return Err(format!("[{index}]: {} has no elements", kind(other))),
    };
    let signed = i64::try_from(length).unwrap_or(i64::MAX);
    if index >= signed {
        return Ok(None);
    }
    let at = if index < 0 { signed + index } else { index };
    let Ok(at) = usize::try_from(at) else {
        return Err(format!("[{index}]: the list has only {length} elements"));
    };
    match place.value.as_ref() {
        Value::String(text) => {
            let character = text.chars().nth(at).map(String::from).unwrap_or_default();
            Ok(Some(child(place, Cow::Owned(Value::String(character)))))
        }
        Value::Array(_) => Ok(item(place, at)),
        _ => Err(format!("[{index}]: a mapping has no elements, only names")),
    }
}

fn slice<'a>(
    place: &Rc<Place<'a>>,
    start: Option<i64>,
    end: Option<i64>,
) -> Result<Places<'a>, String> {
    let length = match place.value.as_ref() {
        Value::Array(items) => items.len(),
        Value::Null => return Err("[*]: null has no elements".to_owned()),
        Value::Number(number) if number.is_f64() => {
            return Err("[*]: a number has no elements".to_owned());
        }
        // A single value counts as a list of one.
        _ => {
            let whole = bounds(1, start, end);
            return Ok(whole.map(|_| Rc::clone(place)).collect());
        }
    };
    Ok(bounds(length, start, end).filter_map(|index| item(place, index)).collect())
}

fn bounds(length: usize, start: Option<i64>, end: Option<i64>) -> std::ops::Range<usize> {
    let signed = i64::try_from(length).unwrap_or(i64::MAX);
    let clamp = |bound: i64| {
        let bound = if bound < 0 { signed + bound } else { bound };
        usize::try_from(bound.clamp(0, signed)).unwrap_or(0)
    };
    let start = start.map_or(0, clamp);
    let end = end.map_or(length, clamp);
    start..end.max(start)
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

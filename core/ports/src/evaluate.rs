//! What filters, sorts and patches mean, as pure functions on JSON values. The memory backend
//! answers with these; other backends must give the same answers.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::{Cursor, Filter, Order, Patch, Query, Record, Sort};

static NULL: Value = Value::Null;

/// The values that a path leads to. A path through an array leads into every element; a path that
/// ends at an array leads to the array and to each of its elements. Where nothing is, null is.
#[derive(Debug)]
pub struct Reached<'a> {
    values: Vec<&'a Value>,
    plain: bool,
}

impl<'a> Reached<'a> {
    /// What `path` leads to in `body`.
    #[must_use]
    pub fn at(body: &'a Value, path: &str) -> Self {
        let mut reached = Self { values: Vec::new(), plain: true };
        reached.walk(body, Some(path));
        if reached.values.is_empty() {
            reached.values.push(&NULL);
        }
        reached
    }

    fn walk(&mut self, value: &'a Value, path: Option<&str>) {
        let Some(path) = path else {
            self.values.push(value);
            if let Value::Array(elements) = value {
                self.plain = false;
                self.values.extend(elements);
            }
            return;
        };
        match value {
            Value::Object(members) => {
                let (name, rest) =
                    path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
                match members.get(name) {
                    Some(member) => self.walk(member, rest),
                    None => self.values.push(&NULL),
                }
            }
            Value::Array(elements) => {
                self.plain = false;
                for element in elements {
                    self.walk(element, Some(path));
                }
            }
            _ => self.values.push(&NULL),
        }
    }

    /// Every value.
    #[must_use]
    pub fn values(&self) -> &[&'a Value] {
        &self.values
    }

    /// Whether no array was met: there is exactly one value.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether there is a value other than null.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.values.iter().any(|value| !value.is_null())
    }

    /// Where a document with these values stands in a sort.
    #[must_use]
    pub fn sort_key(&self) -> SortKey {
        match (self.plain, self.values.first()) {
            (true, Some(value)) => SortKey::of(value),
            _ if self.exists() => SortKey::Other,
            _ => SortKey::Null,
        }
    }
}

/// A place in the order of values: null, booleans, numbers, text, and then all the rest, which
/// stands in no order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// Null, or nothing.
    Null,
    /// False before true.
    Bool(bool),
    /// By value.
    Number(Numeric),
    /// By UTF-8 bytes.
    Text(String),
    /// Arrays and objects, and what lies in arrays.
    Other,
}

impl SortKey {
    /// The place of one value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Number(number) => Self::Number(Numeric::of(number)),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(_) | Value::Object(_) => Self::Other,
        }
    }

    /// A value that has this place.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Number(Numeric::Integer(integer)) => Value::from(*integer),
            Self::Number(Numeric::Float(float)) => Value::from(*float),
            Self::Text(text) => Value::String(text.clone()),
            Self::Other => Value::Array(Vec::new()),
        }
    }
}

/// A JSON number in the order of numbers. Integers and floats compare by their exact values;
/// integers beyond 64 signed bits count as the floats nearest to them.
#[derive(Debug, Clone, Copy)]
pub enum Numeric {
    /// A whole number.
    Integer(i64),
    /// Any other; never NaN.
    Float(f64),
}

impl Numeric {
    /// The value of a JSON number.
    #[must_use]
    pub fn of(number: &Number) -> Self {
        number
            .as_i64()
            .map_or_else(|| Self::Float(number.as_f64().unwrap_or_default()), Self::Integer)
    }
}

/// 2^63, the first float beyond the integers of 64 bits.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked first, and what truncation hides is compared after it"
)]
fn compare_mixed(integer: i64, float: f64) -> Ordering {
    if float >= BEYOND {
        return Ordering::Less;
    }
    if float < -BEYOND {
        return Ordering::Greater;
    }
    let whole = integer.cmp(&(float as i64));
    let rest = float.trunc().partial_cmp(&float);
    whole.then(rest.unwrap_or(Ordering::Equal))
}

impl Ord for Numeric {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(two)) => one.cmp(two),
            (Self::Float(one), Self::Float(two)) => one.partial_cmp(two).unwrap_or(Ordering::Equal),
            (Self::Integer(one), Self::Float(two)) => compare_mixed(*one, *two),
            (Self::Float(one), Self::Integer(two)) => compare_mixed(*two, *one).reverse(),
        }
    }
}
impl PartialOrd for Numeric {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Numeric {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Numeric {}

/// How two values of the same type compare. `None`: their types differ or have no order.
#[must_use]
pub fn compare_values(one: &Value, two: &Value) -> Option<Ordering> {
    match (one, two) {
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Bool(one), Value::Bool(two)) => Some(one.cmp(two)),
        (Value::Number(one), Value::Number(two)) => Some(Numeric::of(one).cmp(&Numeric::of(two))),
        (Value::String(one), Value::String(two)) => Some(one.cmp(two)),
        _ => None,
    }
}

fn equal(one: &Value, two: &Value) -> bool {
    compare_values(one, two)
        .map_or_else(|| (one.is_array() || one.is_object()) && one == two, Ordering::is_eq)
}

fn in_range(value: &Value, from: Option<&Value>, to: Option<&Value>) -> bool {
    if from.is_none() && to.is_none() {
        return !value.is_null();
    }
    from.is_none_or(|from| compare_values(value, from).is_some_and(Ordering::is_ge))
        && to.is_none_or(|to| compare_values(value, to).is_some_and(Ordering::is_lt))
}

fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    part.is_empty() || text.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part))
}

impl Filter {
    /// Whether the document `id` with this body matches.
    #[must_use]
    pub fn matches(&self, id: &str, body: &Value) -> bool {
        let any = |path: &str, holds: &dyn Fn(&Value) -> bool| {
            if path == "id" {
                return holds(&Value::String(id.to_owned()));
            }
            Reached::at(body, path).values().iter().any(|value| holds(value))
        };
        match self {
            Self::All => true,
            Self::Eq(path, wanted) => any(path, &|value| equal(value, wanted)),
            Self::In(path, wanted) => {
                any(path, &|value| wanted.iter().any(|one| equal(value, one)))
            }
            Self::Range { path, from, to } => {
                any(path, &|value| in_range(value, from.as_ref(), to.as_ref()))
            }
            Self::Exists(path, wanted) => any(path, &|value| !value.is_null()) == *wanted,
            Self::Prefix(path, prefix) => {
                any(path, &|value| value.as_str().is_some_and(|text| text.starts_with(prefix)))
            }
            Self::Contains(path, part) => {
                any(path, &|value| value.as_str().is_some_and(|text| contains(text, part)))
            }
            Self::And(all) => all.iter().all(|one| one.matches(id, body)),
            Self::Or(any) => any.iter().any(|one| one.matches(id, body)),
            Self::Not(other) => !other.matches(id, body),
        }
    }
}

/// Where a document stands in the answer to a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// One for each key of the sort.
    pub keys: Vec<SortKey>,
    /// The document's id, the last key.
    pub id: String,
}

impl Position {
    /// Where the document `id` with this body stands when sorted by `sort`.
    #[must_use]
    pub fn of(sort: &[Sort], id: &str, body: &Value) -> Self {
        let key = |one: &Sort| match one.path.as_str() {
            "id" => SortKey::Text(id.to_owned()),
            path => Reached::at(body, path).sort_key(),
        };
        Self { keys: sort.iter().map(key).collect(), id: id.to_owned() }
    }

    /// The order of two positions under `sort`.
    #[must_use]
    pub fn compare(&self, other: &Self, sort: &[Sort]) -> Ordering {
        let directed = |order: Order, ordering: Ordering| match order {
            Order::Ascending => ordering,
            Order::Descending => ordering.reverse(),
        };
        let last = sort.last().map_or(Order::Ascending, |sort| sort.order);
        sort.iter()
            .zip(self.keys.iter().zip(&other.keys))
            .map(|(sort, (one, two))| directed(sort.order, one.cmp(two)))
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| directed(last, self.id.cmp(&other.id)))
    }
}

impl From<&Cursor> for Position {
    fn from(cursor: &Cursor) -> Self {
        Self { keys: cursor.values.iter().map(SortKey::of).collect(), id: cursor.id.clone() }
    }
}

impl Cursor {
    /// The place of `record` in an answer sorted by `sort`: what [`Query::after`] takes to go on
    /// behind it. The record must have been read with the members that are sorted by.
    #[must_use]
    pub fn at(sort: &[Sort], record: &Record) -> Self {
        let position = Position::of(sort, &record.id, &record.body);
        Self { values: position.keys.iter().map(SortKey::to_value).collect(), id: position.id }
    }
}

impl Query {
    /// What is wrong with the question, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let cursor = self.after.as_ref()?;
        (cursor.values.len() != self.sort.len()).then(|| {
            format!(
                "the cursor has {} values for {} sort keys",
                cursor.values.len(),
                self.sort.len()
            )
        })
    }
}

impl Patch {
    /// Makes the changes. Whatever stands where an object is needed on the way gives place to one.
    pub fn apply(&self, body: &mut Value) {
        for (path, value) in &self.set {
            set(body, path, value);
        }
        for path in &self.unset {
            unset(body, path);
        }
    }
}

fn set(target: &mut Value, path: &str, value: &Value) {
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    match path.split_once('.') {
        Some((name, rest)) => set(members.entry(name).or_insert(Value::Null), rest, value),
        None => {
            members.insert(path.to_owned(), value.clone());
        }
    }
}

fn unset(target: &mut Value, path: &str) {
    let Value::Object(members) = target else {
        return;
    };
    match path.split_once('.') {
        Some((name, rest)) => {
            if let Some(member) = members.get_mut(name) {
                unset(member, rest);
            }
        }
        None => {
            members.shift_remove(path);
        }
    }
}

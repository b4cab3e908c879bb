//! Translates queries into SQL: as much of them as stands in columns. What remains is judged
//! document by document.

use serde_json::Value;
use st2_ports::{Cursor, Filter, Order, Query, Sort};

use crate::key::{Key, after_prefix};
use crate::layout::{Layout, column};

/// More values than this in one list are not translated: SQLite bounds the parameters of a
/// statement.
const VALUES_MAX: usize = 8192;
/// Nor is a filter with more values than this in all of its lists.
const ALL_VALUES_MAX: usize = 32_000;
/// Nor one of more parts than this: SQLite bounds the depth of an expression.
const PARTS_MAX: usize = 400;

/// A condition in SQL that holds for every document that matches, and, when it is exact, for no
/// other.
pub(crate) struct Condition {
    pub(crate) sql: String,
    pub(crate) values: Vec<Key>,
    pub(crate) exact: bool,
}

impl Condition {
    fn constant(holds: bool) -> Self {
        Self { sql: String::from(if holds { "1" } else { "0" }), values: Vec::new(), exact: true }
    }

    /// Joins conditions with `word`.
    fn join(conditions: Vec<Self>, word: &str, exact: bool) -> Self {
        let mut joined = Self { sql: String::from("("), values: Vec::new(), exact };
        for (number, condition) in conditions.into_iter().enumerate() {
            if number > 0 {
                joined.sql.push_str(word);
            }
            joined.sql.push_str(&condition.sql);
            joined.values.extend(condition.values);
            joined.exact &= condition.exact;
        }
        joined.sql.push(')');
        joined
    }
}

/// What a filter says of one path, as a comparison of `{}`, the place of the column's name.
struct Comparison {
    template: String,
    values: Vec<Key>,
    exact: bool,
}

/// The condition of a whole filter; of one that can not be translated, one that holds for all.
pub(crate) fn condition(filter: &Filter, layout: &Layout) -> Condition {
    let all = Condition { exact: false, ..Condition::constant(true) };
    if parts(filter) > PARTS_MAX {
        return all;
    }
    match translate(filter, layout) {
        Some(condition) if condition.values.len() <= ALL_VALUES_MAX => condition,
        _ => all,
    }
}

fn parts(filter: &Filter) -> usize {
    match filter {
        Filter::And(others) | Filter::Or(others) => 1 + others.iter().map(parts).sum::<usize>(),
        Filter::Not(other) => 1 + parts(other),
        _ => 1,
    }
}

fn translate(filter: &Filter, layout: &Layout) -> Option<Condition> {
    match filter {
        Filter::All => Some(Condition::constant(true)),
        Filter::Eq(path, value) => on_path(layout, path, one_of(std::slice::from_ref(value))?),
        Filter::In(path, values) => on_path(layout, path, one_of(values)?),
        Filter::Range { path, from, to } => match range(from.as_ref(), to.as_ref()) {
            Some(comparison) => on_path(layout, path, comparison),
            None => Some(Condition::constant(false)),
        },
        Filter::Exists(path, wanted) => exists(layout, path, *wanted),
        Filter::Prefix(path, prefix) => on_path(layout, path, starting_with(prefix)),
        Filter::Contains(..) => None,
        Filter::And(all) if all.is_empty() => Some(Condition::constant(true)),
        Filter::And(all) => {
            let known: Vec<Condition> =
                all.iter().filter_map(|one| translate(one, layout)).collect();
            let exact = known.len() == all.len();
            (!known.is_empty()).then(|| Condition::join(known, " AND ", exact))
        }
        Filter::Or(any) if any.is_empty() => Some(Condition::constant(false)),
        Filter::Or(any) => {
            let known: Option<Vec<Condition>> =
                any.iter().map(|one| translate(one, layout)).collect();
            Some(Condition::join(known?, " OR ", true))
        }
        Filter::Not(other) => {
            let condition = translate(other, layout).filter(|condition| condition.exact)?;
            Some(Condition { sql: format!("(NOT {})", condition.sql), ..condition })
        }
    }
}

/// A comparison with the column of `path`, and where arrays are, with their elements.
fn on_path(layout: &Layout, path: &str, comparison: Comparison) -> Option<Condition> {
    let Comparison { template, values, exact } = comparison;
    if path == "id" {
        return Some(Condition { sql: template.replace("{}", "id"), values, exact });
    }
    let number = layout.path(path)?;
    let mut condition = Condition { sql: template.replace("{}", &column(path)), values, exact };
    if layout.has_arrays(number) {
        let elements = &layout.elements;
        let within = template.replace("{}", "key");
        condition.sql = format!(
            "({} OR n IN (SELECT n FROM {elements} WHERE path = ? AND {within}))",
            condition.sql
        );
        let again = condition.values.clone();
        condition.values.push(Key::Text(path.to_owned()));
        condition.values.extend(again);
    }
    Some(condition)
}

fn one_of(values: &[Value]) -> Option<Comparison> {
    if values.len() > VALUES_MAX {
        return None;
    }
    let mut keys: Vec<Key> = values.iter().map(Key::of).collect();
    let exact = keys.iter().all(Key::is_exact);
    let Some(last) = keys.last().cloned() else {
        return Some(Comparison { template: "0".to_owned(), values: Vec::new(), exact: true });
    };
    let template = if keys.len() == 1 {
        "({} = ?)".to_owned()
    } else {
        // Lists of few lengths make few different statements to prepare.
        keys.resize(keys.len().next_power_of_two(), last);
        format!("({{}} IN (?{}))", ", ?".repeat(keys.len() - 1))
    };
    Some(Comparison { template, values: keys, exact })
}

/// The comparison of a range; `None`: nothing can lie in it.
fn range(from: Option<&Value>, to: Option<&Value>) -> Option<Comparison> {
    let Some(kind) = from.or(to) else {
        return Some(Comparison {
            template: "({} <> ?)".to_owned(),
            values: vec![Key::NULL],
            exact: true,
        });
    };
    let (least, end) = match kind {
        Value::Null => (Key::NULL, Key::FALSE),
        Value::Bool(_) => (Key::FALSE, Key::LEAST_NUMBER),
        Value::Number(_) => (Key::LEAST_NUMBER, Key::LEAST_TEXT),
        Value::String(_) => (Key::LEAST_TEXT, Key::Other),
        Value::Array(_) | Value::Object(_) => return None,
    };
    let within = |value: &Value| std::mem::discriminant(value) == std::mem::discriminant(kind);
    if !to.is_none_or(within) {
        return None;
    }
    let given = [from, to].into_iter().flatten();
    let exact = given.map(Key::of).all(|key| key.is_exact());
    Some(Comparison {
        template: "({} >= ? AND {} < ?)".to_owned(),
        values: vec![from.map_or(least, Key::of), to.map_or(end, Key::of)],
        exact,
    })
}

/// Whether there is a value shows in the column even where arrays are.
fn exists(layout: &Layout, path: &str, wanted: bool) -> Option<Condition> {
    if path == "id" {
        return Some(Condition::constant(wanted));
    }
    layout.path(path)?;
    let operator = if wanted { "<>" } else { "=" };
    Some(Condition {
        sql: format!("({} {operator} ?)", column(path)),
        values: vec![Key::NULL],
        exact: true,
    })
}

fn starting_with(prefix: &str) -> Comparison {
    let end = after_prefix(prefix).map_or(Key::Other, Key::Text);
    Comparison {
        template: "({} >= ? AND {} < ?)".to_owned(),
        values: vec![Key::Text(prefix.to_owned()), end],
        exact: true,
    }
}

/// The columns of a sort, the id last, with `true` for descending. `None`: some key of the sort
/// is in no column.
pub(crate) fn sort_columns(sort: &[Sort], layout: &Layout) -> Option<Vec<(String, bool)>> {
    let mut columns = Vec::with_capacity(sort.len() + 1);
    for key in sort {
        let name = match key.path.as_str() {
            "id" => "id".to_owned(),
            path => layout.path(path).map(|_| column(path))?,
        };
        columns.push((name, key.order == Order::Descending));
    }
    let last = columns.last().is_some_and(|(_, descending)| *descending);
    columns.push(("id".to_owned(), last));
    Some(columns)
}

pub(crate) fn order_by(columns: &[(String, bool)]) -> String {
    let terms: Vec<String> = columns
        .iter()
        .map(|(name, descending)| format!("{name}{}", if *descending { " DESC" } else { "" }))
        .collect();
    terms.join(", ")
}

/// The condition of lying behind a cursor.
pub(crate) fn behind(cursor: &Cursor, columns: &[(String, bool)]) -> Condition {
    let id = Key::Text(cursor.id.clone());
    let keys: Vec<Key> = cursor.values.iter().map(Key::of).chain([id]).collect();
    let operator = |descending: bool| if descending { "<" } else { ">" };
    let directions = || columns.iter().map(|(_, descending)| *descending);
    if directions().all(|descending| descending) || !directions().any(|descending| descending) {
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let operator = operator(directions().any(|descending| descending));
        return Condition {
            sql: format!(
                "(({}) {operator} (?{}))",
                names.join(", "),
                ", ?".repeat(names.len() - 1)
            ),
            values: keys,
            exact: true,
        };
    }
    let ends = columns.iter().zip(&keys).enumerate();
    let alternatives = ends.map(|(length, ((name, descending), key))| {
        let equal = columns.iter().zip(&keys).take(length);
        let mut terms: Vec<String> =
            equal.clone().map(|((name, _), _)| format!("{name} = ?")).collect();
        terms.push(format!("{name} {} ?", operator(*descending)));
        Condition {
            sql: format!("({})", terms.join(" AND ")),
            values: equal.map(|(_, key)| key).chain([key]).cloned().collect(),
            exact: true,
        }
    });
    Condition::join(alternatives.collect(), " OR ", true)
}

/// Everything of a query that SQLite is asked for.
pub(crate) struct Plan {
    /// The condition, with that of the cursor.
    pub(crate) condition: Condition,
    /// The order, when SQLite can make it.
    pub(crate) columns: Option<Vec<(String, bool)>>,
}

impl Plan {
    pub(crate) fn of(query: &Query, layout: &Layout) -> Self {
        let mut condition = condition(&query.filter, layout);
        let columns = sort_columns(&query.sort, layout);
        if let (Some(cursor), Some(columns)) = (&query.after, &columns) {
            let behind = behind(cursor, columns);
            let exact = condition.exact;
            condition = Condition::join(vec![condition, behind], " AND ", exact);
        }
        Self { condition, columns }
    }
}

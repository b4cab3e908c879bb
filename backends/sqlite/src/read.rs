//! Reading documents, on a reader's connection.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use st2_model::Revision;
use st2_ports::{Filter, Position, Query, Record, Sort, StoreError};

use crate::error::unavailable;
use crate::key::Key;
use crate::layout::Layout;
use crate::plan::{Condition, Plan, condition, order_by};

/// Results of steps that meet SQLite's errors and the port's.
pub(crate) type Answer<T> = Result<T, StoreError>;

fn lift(error: rusqlite::Error) -> StoreError {
    unavailable(&error)
}

/// The document `id`.
pub(crate) fn get(c: &Connection, layout: &Layout, id: &str, now: i64) -> Answer<Option<Record>> {
    let sql = format!(
        "SELECT id, revision, body FROM {} WHERE id = ? AND {}",
        layout.table, layout.alive
    );
    let mut statement = c.prepare_cached(&sql).map_err(lift)?;
    let mut rows = statement.query(params![id, now]).map_err(lift)?;
    match rows.next().map_err(lift)? {
        Some(row) => record(row, layout, &[]).map(Some),
        None => Ok(None),
    }
}

/// The documents that match, in order.
pub(crate) fn find(
    c: &Connection,
    layout: &Layout,
    query: &Query,
    now: i64,
) -> Answer<Vec<Record>> {
    let plan = Plan::of(query, layout);
    match &plan.columns {
        Some(columns) => {
            let (sql, values) = select_page(layout, query, (&plan.condition, columns), now);
            let exact = plan.condition.exact;
            find_in_order(c, layout, query, exact, (&sql, values))
        }
        None => find_and_sort(c, layout, query, &plan.condition, now),
    }
}

/// The statement whose answer has the query's order. Where the condition is exact, it counts too:
/// it sorts and passes over the numbers of rows, and reads the documents of the page only.
pub(crate) fn select_page(
    layout: &Layout,
    query: &Query,
    (condition, columns): (&Condition, &[(String, bool)]),
    now: i64,
) -> (String, Vec<Key>) {
    let (table, order) = (&layout.table, order_by(columns));
    let from = format!("FROM {table} WHERE {} AND {}", condition.sql, layout.alive);
    let mut values = condition.values.clone();
    values.push(Key::Integer(now));
    if !condition.exact || (query.limit.is_none() && query.offset == 0) {
        let sql = format!("SELECT id, revision, body {from} ORDER BY {order}");
        return (sql, values);
    }
    values.push(Key::Integer(query.limit.map_or(-1, to_i64)));
    values.push(Key::Integer(to_i64(query.offset)));
    let sql = format!(
        "SELECT id, revision, body FROM {table} JOIN \
         (SELECT n AS page {from} ORDER BY {order} LIMIT ? OFFSET ?) ON n = page ORDER BY {order}"
    );
    (sql, values)
}

/// Reads an answer that SQLite has put in order. What it could not judge is judged here.
fn find_in_order(
    c: &Connection,
    layout: &Layout,
    query: &Query,
    exact: bool,
    (sql, values): (&str, Vec<Key>),
) -> Answer<Vec<Record>> {
    let mut statement = c.prepare_cached(sql).map_err(lift)?;
    let mut rows = statement.query(params_from_iter(values)).map_err(lift)?;
    let (limit, mut passed, mut found) = (query.limit.unwrap_or(usize::MAX), 0, Vec::new());
    while let Some(row) = rows.next().map_err(lift)? {
        if exact {
            found.push(record(row, layout, &query.without)?);
            continue;
        }
        if found.len() >= limit {
            break;
        }
        let mut record = record(row, layout, &[])?;
        if !query.filter.matches(&record.id, &record.body) {
            continue;
        }
        if passed < query.offset {
            passed += 1;
            continue;
        }
        leave_out(&mut record.body, &query.without);
        found.push(record);
    }
    Ok(found)
}

/// The order is in no index: sorts places, and then reads the documents of the page.
fn find_and_sort(
    c: &Connection,
    layout: &Layout,
    query: &Query,
    condition: &Condition,
    now: i64,
) -> Answer<Vec<Record>> {
    let snapshot = c.unchecked_transaction().map_err(lift)?;
    let after = query.after.as_ref().map(Position::from);
    let page_end = query.limit.map(|limit| query.offset.saturating_add(limit));
    let mut places: Vec<(Position, i64)> = Vec::new();
    scan(&snapshot, layout, condition, now, &mut |n, record| {
        if !condition.exact && !query.filter.matches(&record.id, &record.body) {
            return;
        }
        let position = Position::of(&query.sort, &record.id, &record.body);
        if after.as_ref().is_some_and(|after| position.compare(after, &query.sort).is_le()) {
            return;
        }
        places.push((position, n));
        if let Some(end) = page_end
            && places.len() > end.saturating_mul(2).saturating_add(1024)
        {
            sort_places(&mut places, &query.sort);
            places.truncate(end);
        }
    })?;
    sort_places(&mut places, &query.sort);
    let limit = query.limit.unwrap_or(usize::MAX);
    let page = places.into_iter().skip(query.offset).take(limit);
    let sql = format!("SELECT id, revision, body FROM {} WHERE n = ?", layout.table);
    let mut statement = snapshot.prepare_cached(&sql).map_err(lift)?;
    let mut found = Vec::new();
    for (_, n) in page {
        let mut rows = statement.query(params![n]).map_err(lift)?;
        if let Some(row) = rows.next().map_err(lift)? {
            found.push(record(row, layout, &query.without)?);
        }
    }
    Ok(found)
}

fn sort_places(places: &mut [(Position, i64)], sort: &[Sort]) {
    places.sort_by(|(one, _), (two, _)| one.compare(two, sort));
}

/// Shows every document that meets the condition, in no order, with its row's number.
fn scan(
    c: &Connection,
    layout: &Layout,
    condition: &Condition,
    now: i64,
    show: &mut dyn FnMut(i64, Record),
) -> Answer<()> {
    let sql = format!(
        "SELECT id, revision, body, n FROM {} WHERE {} AND {}",
        layout.table, condition.sql, layout.alive
    );
    let mut statement = c.prepare_cached(&sql).map_err(lift)?;
    let values = condition.values.iter().cloned().chain([Key::Integer(now)]);
    let mut rows = statement.query(params_from_iter(values)).map_err(lift)?;
    while let Some(row) = rows.next().map_err(lift)? {
        let n = row.get(3).map_err(lift)?;
        show(n, record(row, layout, &[])?);
    }
    Ok(())
}

/// How many documents match.
pub(crate) fn count(c: &Connection, layout: &Layout, filter: &Filter, now: i64) -> Answer<u64> {
    let condition = condition(filter, layout);
    if !condition.exact {
        return Ok(rows(c, layout, filter, now)?.len() as u64);
    }
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {} AND {}",
        layout.table, condition.sql, layout.alive
    );
    let values = condition.values.into_iter().chain([Key::Integer(now)]);
    let mut statement = c.prepare_cached(&sql).map_err(lift)?;
    let found = statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0));
    Ok(u64::try_from(found.map_err(lift)?).unwrap_or(0))
}

/// The numbers of the rows that match, in the order in which they were made.
pub(crate) fn rows(c: &Connection, layout: &Layout, filter: &Filter, now: i64) -> Answer<Vec<i64>> {
    let condition = condition(filter, layout);
    let mut numbers = Vec::new();
    if condition.exact {
        let sql =
            format!("SELECT n FROM {} WHERE {} AND {}", layout.table, condition.sql, layout.alive);
        let values = condition.values.into_iter().chain([Key::Integer(now)]);
        let mut statement = c.prepare_cached(&sql).map_err(lift)?;
        let found = statement.query_map(params_from_iter(values), |row| row.get(0));
        for n in found.map_err(lift)? {
            numbers.push(n.map_err(lift)?);
        }
    } else {
        scan(c, layout, &condition, now, &mut |n, record| {
            if filter.matches(&record.id, &record.body) {
                numbers.push(n);
            }
        })?;
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The document in the row of this number, if it still matches.
pub(crate) fn row_if_matches(
    c: &Connection,
    layout: &Layout,
    n: i64,
    filter: &Filter,
    now: i64,
) -> rusqlite::Result<Answer<Option<Record>>> {
    let sql =
        format!("SELECT id, revision, body FROM {} WHERE n = ? AND {}", layout.table, layout.alive);
    let mut statement = c.prepare_cached(&sql)?;
    let found =
        statement.query_row(params![n, now], |row| Ok(record(row, layout, &[]))).optional()?;
    Ok(found
        .transpose()
        .map(|record| record.filter(|record| filter.matches(&record.id, &record.body))))
}

fn record(row: &Row<'_>, layout: &Layout, without: &[&str]) -> Answer<Record> {
    let id: String = row.get(0).map_err(lift)?;
    let revision: i64 = row.get(1).map_err(lift)?;
    let text = row.get_ref(2).map_err(lift)?;
    let text = text.as_bytes().map_err(|error| layout.corrupt(&id, error))?;
    let body = parse(text, without).map_err(|error| layout.corrupt(&id, error))?;
    Ok(Record { id, revision: Revision(u64::try_from(revision).unwrap_or(0)), body })
}

pub(crate) fn parse(text: &[u8], without: &[&str]) -> serde_json::Result<Value> {
    if without.is_empty() {
        return serde_json::from_slice(text);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let body = Without(without).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(body)
}

fn leave_out(body: &mut Value, without: &[&str]) {
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, _| !without.contains(&name.as_str()));
    }
}

/// Reads an object and passes over some of its members, so that large ones are never built.
struct Without<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Without<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Without<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if self.0.contains(&name.as_str()) {
                access.next_value::<IgnoredAny>()?;
            } else {
                members.insert(name, access.next_value()?);
            }
        }
        Ok(Value::Object(members))
    }
}

fn to_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

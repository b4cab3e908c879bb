//! The writes, each inside the writer's transaction. An outcome is a value; an error of SQLite
//! undoes the transaction.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, ToSql, params, params_from_iter};
use st2_model::{Epoch, Revision};
use st2_ports::{Fence, Filter, Inserted, Patch, Replaced, StoreError};

use crate::key::Key;
use crate::layout::{Encoded, Layout, column};
use crate::read::{Answer, row_if_matches};

/// What a write comes to: an answer of the port, or an error of SQLite.
pub(crate) type Outcome<T> = rusqlite::Result<Answer<T>>;

/// How many documents that have expired an insert removes in passing.
const EXPIRED_MAX: i64 = 16;

/// Refuses a write whose fence is stale. `None`: it may go on.
fn refused(c: &Connection, fence: Option<&Fence>) -> rusqlite::Result<Option<StoreError>> {
    let Some(fence) = fence else {
        return Ok(None);
    };
    let sql = "SELECT epoch FROM st2_fence WHERE key = ?";
    let mut statement = c.prepare_cached(sql)?;
    let known: Option<i64> = statement.query_row([&fence.key], |row| row.get(0)).optional()?;
    let is_stale = known.is_some_and(|known| known > epoch(fence));
    Ok(is_stale.then(|| StoreError::Fenced { key: fence.key.clone(), epoch: fence.epoch }))
}

fn epoch(fence: &Fence) -> i64 {
    let Epoch(epoch) = fence.epoch;
    i64::try_from(epoch).unwrap_or(i64::MAX)
}

pub(crate) fn raise_fence(c: &Connection, fence: &Fence) -> Outcome<()> {
    if let Some(refused) = refused(c, Some(fence))? {
        return Ok(Err(refused));
    }
    let sql = "INSERT INTO st2_fence (key, epoch) VALUES (?, ?) \
               ON CONFLICT (key) DO UPDATE SET epoch = excluded.epoch";
    c.prepare_cached(sql)?.execute(params![fence.key, epoch(fence)])?;
    Ok(Ok(()))
}

pub(crate) fn insert(
    c: &Connection,
    layout: &Layout,
    document: &Arc<Encoded>,
    fence: Option<&Fence>,
    now: i64,
) -> Outcome<Inserted> {
    if let Some(refused) = refused(c, fence)? {
        return Ok(Err(refused));
    }
    remove_expired(c, layout, &document.id, now)?;
    if layout.collection.indexes.iter().any(|index| index.unique) {
        let sql = format!("SELECT 1 FROM {} WHERE id = ?", layout.table);
        if c.prepare_cached(&sql)?.exists([&document.id])? {
            return Ok(Ok(Inserted::Exists));
        }
        if let Some(index) = taken(c, layout, document, now)? {
            return Ok(Ok(Inserted::Taken(index)));
        }
    }
    let fixed = [&document.id as &dyn ToSql, &document.expires, &document.body];
    let keys = document.keys.iter().map(|key| key as &dyn ToSql);
    let written = c
        .prepare_cached(&layout.insert)?
        .execute(params_from_iter(fixed.into_iter().chain(keys)))?;
    if written == 0 {
        return Ok(Ok(Inserted::Exists));
    }
    put_elements(c, layout, c.last_insert_rowid(), document)?;
    layout.stage(document, Revision::FIRST);
    Ok(Ok(Inserted::New))
}

/// Makes room for `id` where its document has expired, and removes a few others that have.
fn remove_expired(c: &Connection, layout: &Layout, id: &str, now: i64) -> rusqlite::Result<()> {
    if layout.collection.expires.is_none() {
        return Ok(());
    }
    let table = &layout.table;
    let sql = format!(
        "SELECT n FROM {table} WHERE id = ?1 AND expires <= ?2 UNION \
         SELECT n FROM (SELECT n FROM {table} WHERE expires <= ?2 ORDER BY expires LIMIT ?3)"
    );
    let mut statement = c.prepare_cached(&sql)?;
    let rows = statement.query_map(params![id, now, EXPIRED_MAX], |row| row.get(0))?;
    let numbers: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
    numbers.into_iter().try_for_each(|n| remove(c, layout, n))
}

fn remove(c: &Connection, layout: &Layout, n: i64) -> rusqlite::Result<()> {
    remove_elements(c, layout, n)?;
    let sql = format!("DELETE FROM {} WHERE n = ?", layout.table);
    c.prepare_cached(&sql)?.execute([n]).map(drop)
}

fn remove_elements(c: &Connection, layout: &Layout, n: i64) -> rusqlite::Result<()> {
    if !layout.has_any_arrays() {
        return Ok(());
    }
    let sql = format!("DELETE FROM {} WHERE n = ?", layout.elements);
    c.prepare_cached(&sql)?.execute([n]).map(drop)
}

/// Records the elements of a document's arrays.
pub(crate) fn put_elements(
    c: &Connection,
    layout: &Layout,
    n: i64,
    document: &Encoded,
) -> rusqlite::Result<()> {
    if document.elements.is_empty() {
        return Ok(());
    }
    let sql = format!("INSERT OR IGNORE INTO {} (path, key, n) VALUES (?, ?, ?)", layout.elements);
    let mut statement = c.prepare_cached(&sql)?;
    for (number, key) in &document.elements {
        layout.note_array(*number);
        if let Some(path) = layout.paths.get(*number) {
            statement.execute(params![path, key, n])?;
        }
    }
    Ok(())
}

/// The unique index under which another document has the values of this one. There is one writer,
/// so that looking is enough.
fn taken(
    c: &Connection,
    layout: &Layout,
    document: &Encoded,
    now: i64,
) -> rusqlite::Result<Option<&'static str>> {
    for index in layout.collection.indexes.iter().filter(|index| index.unique) {
        let numbers = index.paths.iter().filter_map(|path| layout.path(path));
        let keys: Vec<&Key> = numbers.filter_map(|n| document.keys.get(n)).collect();
        let lacks_first = keys.first().is_none_or(|first| **first == Key::NULL);
        if lacks_first || keys.contains(&&Key::Other) {
            continue;
        }
        let equal: String =
            index.paths.iter().map(|path| format!("{} = ? AND ", column(path))).collect();
        let sql =
            format!("SELECT 1 FROM {} WHERE {equal}id <> ? AND {}", layout.table, layout.alive);
        let values = keys.into_iter().map(|key| key as &dyn ToSql);
        let rest = [&document.id as &dyn ToSql, &now];
        let mut statement = c.prepare_cached(&sql)?;
        if statement.exists(params_from_iter(values.chain(rest)))? {
            return Ok(Some(index.name));
        }
    }
    Ok(None)
}

/// What stands in the place of a document.
struct Standing {
    n: i64,
    revision: i64,
    /// The numbers of the paths whose columns another document would change.
    changed: Vec<usize>,
}

fn standing(
    c: &Connection,
    layout: &Layout,
    document: &Encoded,
    now: i64,
) -> rusqlite::Result<Option<Standing>> {
    let mut statement = c.prepare_cached(&layout.select_keys)?;
    let mut rows = statement.query(params![document.id, now])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let mut changed = Vec::new();
    for (number, key) in document.keys.iter().enumerate() {
        if !key.is(row.get_ref(number + 2)?) {
            changed.push(number);
        }
    }
    Ok(Some(Standing { n: row.get(0)?, revision: row.get(1)?, changed }))
}

pub(crate) fn replace(
    c: &Connection,
    layout: &Layout,
    document: &Arc<Encoded>,
    revision: Revision,
    fence: Option<&Fence>,
    now: i64,
) -> Outcome<Replaced> {
    if let Some(refused) = refused(c, fence)? {
        return Ok(Err(refused));
    }
    let Some(standing) = standing(c, layout, document, now)? else {
        return Ok(Ok(Replaced::Missing));
    };
    if u64::try_from(standing.revision) != Ok(revision.0) {
        return Ok(Ok(Replaced::Stale));
    }
    if let Some(index) = taken(c, layout, document, now)? {
        return Ok(Ok(Replaced::Taken(index)));
    }
    rewrite(c, layout, document, &standing)?;
    layout.stage(document, revision.next());
    Ok(Ok(Replaced::At(revision.next())))
}

/// Writes a document in the place of another. Only columns whose values change are named: SQLite
/// then leaves the other indexes alone.
fn rewrite(
    c: &Connection,
    layout: &Layout,
    document: &Encoded,
    standing: &Standing,
) -> rusqlite::Result<()> {
    let revision = standing.revision + 1;
    let mut values: Vec<&dyn ToSql> = vec![&revision, &document.body];
    if layout.collection.expires.is_some() {
        values.push(&document.expires);
    }
    let keys = standing.changed.iter().filter_map(|n| document.keys.get(*n));
    values.extend(keys.map(|key| key as &dyn ToSql));
    values.push(&standing.n);
    c.prepare_cached(&layout.update(&standing.changed))?.execute(params_from_iter(values))?;
    remove_elements(c, layout, standing.n)?;
    put_elements(c, layout, standing.n, document)
}

/// Changes those of the rows that still match, and returns how many.
pub(crate) fn update_rows(
    c: &Connection,
    layout: &Layout,
    rows: &[i64],
    (filter, patch): (&Filter, &Patch),
    now: i64,
) -> Outcome<u64> {
    let mut changed = 0;
    for n in rows {
        let mut record = match row_if_matches(c, layout, *n, filter, now)? {
            Ok(Some(record)) => record,
            Ok(None) => continue,
            Err(error) => return Ok(Err(error)),
        };
        patch.apply(&mut record.body);
        let document = match layout.encode_parts(record.id, &record.body) {
            Ok(document) => document,
            Err(error) => return Ok(Err(error)),
        };
        if let Some(index) = taken(c, layout, &document, now)? {
            let id = &document.id;
            return Ok(Err(layout
                .invalid(format!("{id} can not be changed: its values are taken under {index}"))));
        }
        if let Some(standing) = standing(c, layout, &document, now)? {
            rewrite(c, layout, &document, &standing)?;
            layout.forget(&document.id);
            changed += 1;
        }
    }
    Ok(Ok(changed))
}

/// Removes those of the rows that still match, and returns how many.
pub(crate) fn delete_rows(
    c: &Connection,
    layout: &Layout,
    rows: &[i64],
    filter: &Filter,
    now: i64,
) -> Outcome<u64> {
    layout.forget_all();
    let condition = crate::plan::condition(filter, layout);
    let sql = format!(
        "SELECT 1 FROM {} WHERE n = ? AND {} AND {}",
        layout.table, condition.sql, layout.alive
    );
    let mut removed = 0;
    for n in rows {
        let matches = if condition.exact {
            let values = condition.values.iter().map(|key| key as &dyn ToSql);
            let values = [n as &dyn ToSql].into_iter().chain(values).chain([&now as &dyn ToSql]);
            c.prepare_cached(&sql)?.exists(params_from_iter(values))?
        } else {
            match row_if_matches(c, layout, *n, filter, now)? {
                Ok(record) => record.is_some(),
                Err(error) => return Ok(Err(error)),
            }
        };
        if matches {
            remove(c, layout, *n)?;
            removed += 1;
        }
    }
    Ok(Ok(removed))
}

/// The row of the document `id`.
pub(crate) fn row_of(c: &Connection, layout: &Layout, id: &str) -> rusqlite::Result<Vec<i64>> {
    let sql = format!("SELECT n FROM {} WHERE id = ?", layout.table);
    let mut statement = c.prepare_cached(&sql)?;
    let n = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(n.into_iter().collect())
}

//! What is in the file besides documents: its format, how often it was opened, the fences, and
//! what each collection declared when its tables were made.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde_json::Value;

use crate::OpenError;
use crate::layout::{Encoded, Layout};

/// The format of the file that this program writes. A program refuses formats later than its own,
/// and brings earlier ones up to it.
pub(crate) const FORMAT: i64 = 1;

/// How long SQLite waits for a lock. In our own process nobody holds one for longer.
const BUSY: Duration = Duration::from_secs(5);

const STATEMENTS_MAX: usize = 256;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS st2_meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS st2_fence (key TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS st2_blob (digest TEXT PRIMARY KEY, bytes INTEGER NOT NULL, content BLOB NOT NULL);
";

/// Opens the file for writing and brings it up to the format. How often it has been opened,
/// this time included.
pub(crate) fn open(path: &Path) -> Result<(Connection, u64), OpenError> {
    let failed = |error| OpenError::of(path.to_owned(), error);
    let mut connection = connect(path, -16_384).map_err(failed)?;
    check_format(path, &connection)?;
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(failed)?;
    let boot = begin(&mut connection).map_err(failed)?;
    Ok((connection, boot))
}

fn begin(connection: &mut Connection) -> rusqlite::Result<u64> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    let boot = meta_number(&transaction, "boot")?.unwrap_or(0) + 1;
    set_meta(&transaction, "format", FORMAT)?;
    set_meta(&transaction, "boot", boot)?;
    transaction.commit()?;
    Ok(u64::try_from(boot).unwrap_or(0))
}

/// Opens the file for reading.
pub(crate) fn connect_reader(path: &Path) -> Result<Connection, OpenError> {
    let failed = |error| OpenError::of(path.to_owned(), error);
    let connection = connect(path, -8_192).map_err(failed)?;
    connection.execute_batch("PRAGMA query_only = ON;").map_err(failed)?;
    Ok(connection)
}

/// Opens the file for moving the log into it.
pub(crate) fn connect_checkpointer(path: &Path) -> Result<Connection, OpenError> {
    connect(path, -256).map_err(|error| OpenError::of(path.to_owned(), error))
}

fn connect(path: &Path, cache: i64) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection
        .execute_batch(&format!("PRAGMA temp_store = MEMORY; PRAGMA cache_size = {cache};"))?;
    Ok(connection)
}

/// Refuses a file that is no store, or one of a later program, before anything is written to it.
fn check_format(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    let failed = |error| OpenError::of(path.to_owned(), error);
    let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    if count("SELECT count(*) FROM sqlite_master").map_err(failed)? == 0 {
        return Ok(());
    }
    let known = "SELECT count(*) FROM sqlite_master WHERE name = 'st2_meta'";
    if count(known).map_err(failed)? == 0 {
        return Err(OpenError::Damaged {
            path: path.to_owned(),
            reason: "it is the database of another program".to_owned(),
        });
    }
    match meta_number(connection, "format").map_err(failed)? {
        Some(found) if found > FORMAT => {
            Err(OpenError::Newer { path: path.to_owned(), found, known: FORMAT })
        }
        Some(_) => Ok(()),
        None => Err(OpenError::Damaged {
            path: path.to_owned(),
            reason: "its format is not recorded".to_owned(),
        }),
    }
}

fn meta_number(c: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT value FROM st2_meta WHERE name = ?";
    c.query_row(sql, [name], |row| row.get(0)).optional()
}

fn meta_text(c: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT value FROM st2_meta WHERE name = ?";
    c.query_row(sql, [name], |row| row.get(0)).optional()
}

fn set_meta(c: &Connection, name: &str, value: impl rusqlite::ToSql) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO st2_meta (name, value) VALUES (?, ?)";
    c.execute(sql, params![name, value]).map(drop)
}

/// Makes what a collection needs, or makes it anew when its declaration has changed.
pub(crate) fn prepare(c: &Connection, layout: &Layout) -> rusqlite::Result<()> {
    let name = format!("collection:{}", layout.collection.name);
    let declaration = layout.declaration();
    match meta_text(c, &name)? {
        Some(known) if known == declaration => {}
        Some(_) => migrate(c, layout)?,
        None => {
            c.execute_batch(&layout.create())?;
            create_indexes(c, layout)?;
        }
    }
    set_meta(c, &name, declaration)?;
    note_arrays(c, layout)
}

fn create_indexes(c: &Connection, layout: &Layout) -> rusqlite::Result<()> {
    for statement in layout.create_indexes() {
        c.execute_batch(&statement)?;
    }
    Ok(())
}

fn note_arrays(c: &Connection, layout: &Layout) -> rusqlite::Result<()> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {} WHERE path = ?)", layout.elements);
    for (number, path) in layout.paths.iter().enumerate() {
        if c.query_row(&sql, [path], |row| row.get(0))? {
            layout.note_array(number);
        }
    }
    Ok(())
}

/// Adds columns, computes those of every document again, and makes the indexes anew.
fn migrate(c: &Connection, layout: &Layout) -> rusqlite::Result<()> {
    let table = layout.collection.name;
    tracing::info!(collection = table, "its indexes have changed and are made anew");
    for index in names(
        c,
        "SELECT name FROM sqlite_master WHERE tbl_name = ? AND type = 'index' AND sql IS NOT NULL",
        table,
    )? {
        c.execute_batch(&format!("DROP INDEX \"{}\"", index.replace('"', "\"\"")))?;
    }
    let columns = names(c, "SELECT name FROM pragma_table_info(?)", table)?;
    for path in &layout.paths {
        if !columns.contains(&format!("={path}")) {
            let definition = layout.column_definition(path);
            c.execute_batch(&format!("ALTER TABLE {} ADD COLUMN {definition}", layout.table))?;
        }
    }
    c.execute_batch(&format!("DELETE FROM {}", layout.elements))?;
    recompute(c, layout)?;
    create_indexes(c, layout)
}

fn names(c: &Connection, sql: &str, of: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = c.prepare(sql)?;
    let rows = statement.query_map([of], |row| row.get(0))?;
    rows.collect()
}

fn recompute(c: &Connection, layout: &Layout) -> rusqlite::Result<()> {
    let sql = format!("SELECT n, id, body FROM {} WHERE n > ? ORDER BY n LIMIT 1", layout.table);
    let mut select = c.prepare(&sql)?;
    let mut last = i64::MIN;
    loop {
        let row = select
            .query_row([last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((n, id, body)): Option<(i64, String, String)> = row else {
            return Ok(());
        };
        last = n;
        // What can not be read stays as it is: reading it says so.
        let body: Option<Value> = serde_json::from_str(&body).ok();
        let encoded = body.and_then(|body| layout.encode_parts(id, &body).ok());
        if let Some(encoded) = encoded {
            set_columns(c, layout, n, &encoded)?;
        }
    }
}

fn set_columns(c: &Connection, layout: &Layout, n: i64, encoded: &Encoded) -> rusqlite::Result<()> {
    let assignments: String =
        layout.paths.iter().map(|path| format!(", {} = ?", crate::layout::column(path))).collect();
    let sql = format!("UPDATE {} SET expires = ?{assignments} WHERE n = ?", layout.table);
    let keys = encoded.keys.iter().map(|key| key as &dyn rusqlite::ToSql);
    let values = [&encoded.expires as &dyn rusqlite::ToSql]
        .into_iter()
        .chain(keys)
        .chain([&n as &dyn rusqlite::ToSql]);
    c.prepare_cached(&sql)?.execute(params_from_iter(values))?;
    crate::write::put_elements(c, layout, n, encoded)
}

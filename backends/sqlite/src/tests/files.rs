//! The files: who may open them, and what is refused.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;
use st2_ports::suites::store::{BOOKS, clock, document};
use st2_ports::{Clock, Collection, Filter, Index, Order, Query, Store, StoreError};

use super::open_in;
use crate::{OpenError, SqliteStore};

fn open(path: &Path) -> Result<Arc<SqliteStore>, OpenError> {
    SqliteStore::open(path, clock() as Arc<dyn Clock>)
}

fn refusal(path: &Path) -> OpenError {
    match open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

async fn put(store: &SqliteStore, id: &str) {
    store.insert(&BOOKS, document(id, json!({"title": id})), None).await.unwrap();
}

#[tokio::test]
async fn files_are_for_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("st2.db");
    // One is left from earlier, open to all.
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let store = open(&path).unwrap();
    put(&store, "a").await;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["st2.db", "st2.db-lock", "st2.db-shm", "st2.db-wal"]);
}

#[tokio::test]
async fn one_process_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("st2.db");
    let store = open(&path).unwrap();
    assert!(matches!(refusal(&path), OpenError::InUse { .. }));
    assert_eq!(store.boot(), 1, "a refused start does not count");
    put(&store, "a").await;
    store.close().await;
    let again = open(&path).unwrap();
    assert_eq!(again.boot(), 2);
    assert!(again.get(&BOOKS, "a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_closed_store_answers_that_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(&folder, clock());
    put(&store, "first").await;
    // What was called before is still done.
    let (_, ()) = tokio::join!(biased; put(&store, "a"), store.close());
    store.close().await;
    for refused in [
        store.get(&BOOKS, "a").await.map(drop),
        store.insert(&BOOKS, document("b", json!({})), None).await.map(drop),
        store.delete(&BOOKS, &Filter::All).await.map(drop),
    ] {
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    assert!(!folder.path().join("st2.db-wal").exists(), "the log is in the file");
    let again = open_in(&folder, clock());
    assert!(again.get(&BOOKS, "a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_dropped_store_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("st2.db");
    let store = open(&path).unwrap();
    put(&store, "a").await;
    drop(store);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    let again = loop {
        match open(&path) {
            Ok(store) => break store,
            Err(OpenError::InUse { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
        assert!(tokio::time::Instant::now() < deadline, "the file is not given up");
    };
    assert!(again.get(&BOOKS, "a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_file_of_a_later_program_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("st2.db");
    open(&path).unwrap().close().await;
    let sql = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    sql("UPDATE st2_meta SET value = 7 WHERE name = 'format'");
    let error = refusal(&path);
    assert!(matches!(error, OpenError::Newer { found: 7, known: 1, .. }), "{error}");
    assert!(error.to_string().contains("st2.db has format 7"), "{error}");
    sql("UPDATE st2_meta SET value = 1 WHERE name = 'format'");
    assert_eq!(open(&path).unwrap().boot(), 2);
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("st2.db");
    let garbage = "this is no database at all, but some text that somebody wrote. ".repeat(100);
    std::fs::write(&path, &garbage).unwrap();
    assert!(matches!(refusal(&path), OpenError::Damaged { .. }));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), garbage);

    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let error = refusal(&other);
    assert!(error.to_string().contains("another program"), "{error}");

    for path in [folder.path(), &folder.path().join("no/such/folder/st2.db")] {
        let error = refusal(path);
        assert!(matches!(error, OpenError::Access { .. }), "{error:?}");
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test]
async fn a_damaged_document_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("st2.db");
    let store = open(&path).unwrap();
    for id in ["good", "bad"] {
        put(&store, id).await;
    }
    store.close().await;
    let sql = "UPDATE suite_book SET body = '{\"title\": ' WHERE id = 'bad'";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let store = open(&path).unwrap();
    assert!(store.get(&BOOKS, "good").await.unwrap().is_some());
    let all = Query::of(Filter::All);
    for refused in [
        store.get(&BOOKS, "bad").await.map(drop),
        store.find(&BOOKS, &all).await.map(drop),
        store.count(&BOOKS, &Filter::eq("undeclared", 1)).await.map(drop),
    ] {
        match refused {
            Err(StoreError::Corrupt { collection, id, .. }) => {
                assert_eq!((collection, id.as_str()), ("suite_book", "bad"));
            }
            other => panic!("{other:?}"),
        }
    }
    // It can be removed, or written anew.
    assert_eq!(store.delete(&BOOKS, &Filter::eq("id", "bad")).await.unwrap(), 1);
    assert_eq!(store.find(&BOOKS, &all).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_collection_that_declares_other_indexes_is_made_anew() {
    static OLD: Collection = Collection {
        name: "changing",
        indexes: &[Index { name: "one", paths: &["x"], unique: false }],
        expires: None,
    };
    static NEW: Collection = Collection {
        name: "changing",
        indexes: &[
            Index { name: "one", paths: &["y", "x"], unique: false },
            Index { name: "tags", paths: &["tags"], unique: true },
        ],
        expires: Some("until"),
    };
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(&folder, clock());
    for n in 0..5 {
        let body =
            json!({"x": n % 2, "y": n, "tags": [n, "all"], "until": 9_999_999_999_999_999_i64});
        store.insert(&OLD, document(&n.to_string(), body), None).await.unwrap();
    }
    store.insert(&OLD, document("past", json!({"y": 1, "until": 5})), None).await.unwrap();
    assert_eq!(store.count(&OLD, &Filter::eq("tags", 3)).await.unwrap(), 1);
    store.close().await;

    // Once to make it anew, once to find it as it was made; then with the old program again.
    for round in 0..2 {
        let store = open_in(&folder, clock());
        let count = async |filter| store.count(&NEW, &filter).await.unwrap();
        assert_eq!(count(Filter::eq("tags", "all")).await, 5, "round {round}");
        assert_eq!(count(Filter::eq("y", 1)).await, 1, "the other has expired");
        let query = Query::of(Filter::at_least("y", 2)).by("y", Order::Descending);
        let found = store.find(&NEW, &query).await.unwrap();
        let ids: Vec<&str> = found.iter().map(|record| record.id.as_str()).collect();
        assert_eq!(ids, ["4", "3", "2"]);
        store.close().await;
    }
    let store = open_in(&folder, clock());
    assert_eq!(store.count(&OLD, &Filter::eq("x", 1)).await.unwrap(), 2);
    let more = document("more", json!({"x": 1}));
    store.insert(&OLD, more, None).await.unwrap();
    assert_eq!(store.count(&OLD, &Filter::eq("x", 1)).await.unwrap(), 3);
}

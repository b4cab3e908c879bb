//! A full disk refuses writes, loses nothing, and is forgotten when there is room again.

use futures::future::join_all;
use rusqlite::Connection;
use serde_json::json;
use st2_ports::suites::store::{BOOKS, clock, document};
use st2_ports::{Filter, Inserted, Store, StoreError};

use super::open_in;
use crate::SqliteStore;

/// Lets the file grow by so many pages from now on.
async fn leave_room(store: &SqliteStore, pages: i64) {
    let limit = move |c: &Connection| {
        let now: i64 = c.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        c.query_row(&format!("PRAGMA max_page_count = {}", now + pages), [], |_| Ok(Ok(())))
    };
    store.write(0, limit).await.unwrap();
}

async fn put_many(store: &SqliteStore, from: usize) -> Vec<Result<Inserted, StoreError>> {
    let writes = (from..from + 40).map(|n| {
        let body = json!({"title": n, "text": "x".repeat(2000)});
        store.insert(&BOOKS, document(&n.to_string(), body), None)
    });
    join_all(writes).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_until_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(&folder, clock());
    let first = put_many(&store, 0).await;
    assert!(first.iter().all(|outcome| matches!(outcome, Ok(Inserted::New))));

    leave_room(&store, 5).await;
    let mut stored = 40;
    let mut refused = Vec::new();
    for round in 1..=3 {
        for outcome in put_many(&store, round * 1000).await {
            match outcome {
                Ok(Inserted::New) => stored += 1,
                other => refused.push(other),
            }
        }
    }
    assert!(!refused.is_empty());
    for outcome in refused {
        let error = outcome.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(error.to_string(), "the store is unavailable: the disk is full");
    }
    assert_eq!(store.count(&BOOKS, &Filter::All).await.unwrap(), stored);
    assert!(store.get(&BOOKS, "7").await.unwrap().is_some());
    assert!(store.delete(&BOOKS, &Filter::eq("id", "7")).await.is_ok());

    leave_room(&store, 10_000).await;
    let again = put_many(&store, 9000).await;
    assert!(again.iter().all(|outcome| matches!(outcome, Ok(Inserted::New))), "{again:?}");
    assert_eq!(store.count(&BOOKS, &Filter::All).await.unwrap(), stored + 39);
}

/// A write that SQLite refuses for itself does not take others down with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_can_not_be_does_not_hinder_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(&folder, clock());
    let impossible = |_| {
        let nonsense = |c: &Connection| c.execute("INSERT INTO st2_meta VALUES ('x', NULL)", []);
        store.write(0, move |c| nonsense(c).map(Ok))
    };
    let (refused, stored) = tokio::join!(join_all((0..5).map(impossible)), put_many(&store, 0));
    assert!(refused.iter().all(Result::is_err));
    assert!(stored.iter().all(|outcome| matches!(outcome, Ok(Inserted::New))));
}

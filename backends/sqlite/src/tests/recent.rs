//! What is read from memory is what is in the file.

use futures::future::join_all;
use serde_json::json;
use st2_model::Revision;
use st2_ports::suites::store::{BOOKS, clock, document, put};
use st2_ports::suites::writes::patch;
use st2_ports::{Filter, Query, Replaced, Store};
use tempfile::TempDir;

use super::open_in;

fn by_ids(ids: &[&str]) -> Query {
    Query::of(Filter::is_in("id", ids.iter().copied()))
}

/// Reads by id, which memory may answer, and by an index, which it does not, see the document
/// grow older and never younger.
#[expect(clippy::disallowed_methods, reason = "they are to run at the same time")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_goes_back_in_time() {
    const WRITES: u64 = 600;
    let folder = TempDir::new().unwrap();
    let store = open_in(&folder, clock());
    put(&*store, "a", json!({"shelf": "x", "n": 1})).await;
    let relaxed = store.clone().relaxed();
    let writer = tokio::spawn(async move {
        for n in 1..WRITES {
            let next = document("a", json!({"shelf": "x", "n": n + 1}));
            let replaced = relaxed.replace(&BOOKS, next, Revision(n), None).await;
            assert_eq!(replaced.unwrap(), Replaced::At(Revision(n + 1)));
        }
    });
    let readers = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let (mut last, mut turn) = (0, 0);
            while last < WRITES {
                turn += 1;
                let mut found = match turn % 3 {
                    0 => store.find(&BOOKS, &Query::of(Filter::eq("shelf", "x"))).await.unwrap(),
                    1 => store.find(&BOOKS, &by_ids(&["a"])).await.unwrap(),
                    _ => store.get(&BOOKS, "a").await.unwrap().into_iter().collect(),
                };
                let record = found.pop().unwrap();
                let Revision(revision) = record.revision;
                assert_eq!(record.body["n"], revision);
                assert!(revision >= last, "{revision} after {last}");
                last = revision;
            }
        })
    });
    for ended in join_all(readers.chain([writer])).await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_by_id_follow_every_kind_of_write() {
    let folder = TempDir::new().unwrap();
    let store = open_in(&folder, clock());
    for id in ["c", "a", "b"] {
        put(&*store, id, json!({"shelf": id})).await;
    }
    let shelves = async |ids: &[&str]| {
        let found = store.find(&BOOKS, &by_ids(ids)).await.unwrap();
        found.iter().map(|record| record.body["shelf"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(shelves(&["b", "a", "b"]).await, ["a", "b"]);
    assert_eq!(shelves(&["b", "none", "c"]).await, ["b", "c"]);
    let change = patch(&[("shelf", json!("z"))], &[]);
    store.update_many(&BOOKS, &Filter::eq("shelf", "a"), &change).await.unwrap();
    assert_eq!(shelves(&["a", "b"]).await, ["z", "b"]);
    store.delete(&BOOKS, &Filter::eq("id", "a")).await.unwrap();
    assert_eq!(store.get(&BOOKS, "a").await.unwrap(), None);
    assert_eq!(shelves(&["a", "b"]).await, ["b"]);
    put(&*store, "a", json!({"shelf": "new"})).await;
    assert_eq!(shelves(&["a", "b"]).await, ["new", "b"]);
    // What is too large for memory takes the place of what was in it.
    let large = json!({"shelf": "large", "text": "x".repeat(100_000)});
    let replaced = store.replace(&BOOKS, document("b", large), Revision::FIRST, None).await;
    assert_eq!(replaced.unwrap(), Replaced::At(Revision(2)));
    assert_eq!(shelves(&["b"]).await, ["large"]);
}

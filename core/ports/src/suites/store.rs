//! Laws of documents, expiry, fences and blobs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use st2_model::{Digest, Epoch, Revision, Timestamp};

use crate::{
    Clock, Collection, Document, Fence, Filter, Index, Inserted, Patch, Query, Replaced, SimClock,
    Store, StoreError,
};

/// Books: every kind of index.
pub static BOOKS: Collection = Collection {
    name: "suite_book",
    indexes: &[
        Index { name: "by_title", paths: &["title"], unique: false },
        Index { name: "by_shelf", paths: &["shelf", "year"], unique: false },
        Index { name: "by_tag", paths: &["tags"], unique: false },
        Index { name: "by_author", paths: &["authors.name"], unique: false },
        Index { name: "by_isbn", paths: &["isbn"], unique: true },
        Index { name: "by_number", paths: &["publisher", "number"], unique: true },
    ],
    expires: None,
};

/// Notes, which expire.
pub static NOTES: Collection = Collection {
    name: "suite_note",
    indexes: &[Index { name: "by_name", paths: &["name"], unique: true }],
    expires: Some("until"),
};

/// The clock of a suite: it stands at a known time, and laws step it.
#[must_use]
pub fn clock() -> Arc<SimClock> {
    Arc::new(SimClock::starting_at(Timestamp::from_micros(1_735_689_600_000_000)))
}

/// A document.
#[must_use]
pub fn document(id: &str, body: Value) -> Document {
    Document { id: id.to_owned(), body }
}

/// Stores a new book.
pub async fn put(store: &dyn Store, id: &str, body: Value) {
    let inserted = store.insert(&BOOKS, document(id, body), None).await;
    assert_eq!(inserted.unwrap(), Inserted::New, "{id}");
}

/// The ids of an answer, in its order.
pub async fn ids(store: &dyn Store, query: &Query) -> Vec<String> {
    let found = store.find(&BOOKS, query).await.unwrap();
    found.into_iter().map(|record| record.id).collect()
}

pub async fn a_missing_document_is_nothing(store: &dyn Store, _: &SimClock) {
    assert_eq!(store.get(&BOOKS, "none").await.unwrap(), None);
    assert_eq!(store.find(&BOOKS, &Query::of(Filter::All)).await.unwrap(), []);
    assert_eq!(store.count(&BOOKS, &Filter::All).await.unwrap(), 0);
    assert_eq!(store.delete(&BOOKS, &Filter::All).await.unwrap(), 0);
    let replaced = store.replace(&BOOKS, document("none", json!({})), Revision::FIRST, None).await;
    assert_eq!(replaced.unwrap(), Replaced::Missing);
}

pub async fn a_document_is_read_back_as_it_was(store: &dyn Store, _: &SimClock) {
    let body = json!({
        "zulu": 1, "alpha": {"b": [], "a": {}}, "quotes": "'\"`%_\\ \u{0} \u{1F600}",
        "great": u64::MAX, "least": i64::MIN, "float": 0.1, "whole": 1.0, "small": 5e-324,
        "none": null, "nested": [[1, [2]], {"x": [null, true]}], "": "no name", "a.b": "dotted",
    });
    put(store, "'; DROP TABLE \u{e9}", body.clone()).await;
    let record = store.get(&BOOKS, "'; DROP TABLE \u{e9}").await.unwrap().unwrap();
    assert_eq!(record.revision, Revision::FIRST);
    assert_eq!(record.body.to_string(), body.to_string(), "the order of members counts");
    let found = store.find(&BOOKS, &Query::of(Filter::All)).await.unwrap();
    assert_eq!(found, [record]);
}

pub async fn a_large_document_is_read_back(store: &dyn Store, _: &SimClock) {
    let body = json!({"title": "x".repeat(1000), "text": "\u{e4}\n".repeat(500_000)});
    put(store, "large", body.clone()).await;
    assert_eq!(store.get(&BOOKS, "large").await.unwrap().unwrap().body, body);
}

pub async fn a_document_is_an_object(store: &dyn Store, _: &SimClock) {
    for body in [json!(null), json!([]), json!("text"), json!(1)] {
        let refused = store.insert(&BOOKS, document("a", body.clone()), None).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
        let refused = store.replace(&BOOKS, document("a", body), Revision::FIRST, None).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
}

async fn note(store: &dyn Store, id: &str, until: Option<Timestamp>) -> Inserted {
    let until = until.map(Timestamp::micros);
    let body = json!({"name": "the name", "until": until});
    store.insert(&NOTES, document(id, body), None).await.unwrap()
}

fn step(clock: &SimClock, by: Duration) {
    clock.step(i64::try_from(by.as_micros()).unwrap());
}

const HOUR: Duration = Duration::from_secs(3600);

pub async fn an_expired_document_is_gone(store: &dyn Store, clock: &SimClock) {
    assert_eq!(note(store, "a", Some(clock.now().after(HOUR))).await, Inserted::New);
    let forever = document("b", json!({"name": "another", "until": null}));
    store.insert(&NOTES, forever, None).await.unwrap();
    assert!(store.get(&NOTES, "a").await.unwrap().is_some());
    assert_eq!(store.count(&NOTES, &Filter::All).await.unwrap(), 2);

    step(clock, HOUR);
    assert_eq!(store.get(&NOTES, "a").await.unwrap(), None);
    assert_eq!(store.count(&NOTES, &Filter::All).await.unwrap(), 1);
    assert_eq!(store.count(&NOTES, &Filter::eq("name", "the name")).await.unwrap(), 0);
    let found = store.find(&NOTES, &Query::of(Filter::All)).await.unwrap();
    assert_eq!(found.len(), 1);
    let patch =
        Patch { set: [("x".to_owned(), json!(1))].into_iter().collect(), unset: Vec::new() };
    assert_eq!(store.update_many(&NOTES, &Filter::All, &patch).await.unwrap(), 1);
    assert_eq!(store.delete(&NOTES, &Filter::eq("id", "a")).await.unwrap(), 0);
    let replaced = store.replace(&NOTES, document("a", json!({})), Revision::FIRST, None).await;
    assert_eq!(replaced.unwrap(), Replaced::Missing);
}

pub async fn an_expired_document_takes_no_place(store: &dyn Store, clock: &SimClock) {
    let soon = clock.now().after(HOUR);
    assert_eq!(note(store, "a", Some(soon)).await, Inserted::New);
    assert_eq!(note(store, "a", None).await, Inserted::Exists);
    assert_eq!(note(store, "b", None).await, Inserted::Taken("by_name"));
    step(clock, HOUR);
    assert_eq!(note(store, "b", Some(soon.after(HOUR))).await, Inserted::New);
    step(clock, HOUR);
    assert_eq!(note(store, "a", None).await, Inserted::New);
    let record = store.get(&NOTES, "a").await.unwrap().unwrap();
    assert_eq!(record.revision, Revision::FIRST);
    // A later end keeps a document.
    let body = json!({"until": clock.now().after(HOUR).micros()});
    let replaced = store.replace(&NOTES, document("a", body), Revision::FIRST, None).await;
    assert_eq!(replaced.unwrap(), Replaced::At(Revision(2)));
    step(clock, HOUR / 2);
    assert!(store.get(&NOTES, "a").await.unwrap().is_some());
    step(clock, HOUR / 2);
    assert_eq!(store.get(&NOTES, "a").await.unwrap(), None);
}

fn fence(key: &str, epoch: u64) -> Fence {
    Fence { key: key.to_owned(), epoch: Epoch(epoch) }
}

fn assert_fenced<T: std::fmt::Debug>(result: Result<T, StoreError>, fence: &Fence) {
    match result {
        Err(StoreError::Fenced { key, epoch }) => {
            assert_eq!((key, epoch), (fence.key.clone(), fence.epoch));
        }
        other => panic!("{fence:?} is stale: {other:?}"),
    }
}

pub async fn a_stale_fence_is_refused(store: &dyn Store, _: &SimClock) {
    let (old, new, later) = (fence("sensor", 3), fence("sensor", 4), fence("sensor", 9));
    let insert = |id: &str, fence| {
        let document = document(id, json!({}));
        async move { store.insert(&BOOKS, document, Some(fence)).await }
    };
    assert_eq!(insert("unannounced", &old).await.unwrap(), Inserted::New);
    store.raise_fence(&old).await.unwrap();
    assert_eq!(insert("a", &old).await.unwrap(), Inserted::New);
    store.raise_fence(&new).await.unwrap();
    assert_fenced(insert("b", &old).await, &old);
    // Even a write that would change nothing says so.
    assert_fenced(insert("a", &old).await, &old);
    let replace = |fence| async move {
        let document = document("a", json!({"x": 1}));
        store.replace(&BOOKS, document, Revision::FIRST, Some(fence)).await
    };
    assert_fenced(replace(&old).await, &old);
    assert_eq!(store.get(&BOOKS, "b").await.unwrap(), None);
    assert_eq!(replace(&new).await.unwrap(), Replaced::At(Revision(2)));
    assert_eq!(insert("c", &later).await.unwrap(), Inserted::New);
    assert_eq!(insert("d", &new).await.unwrap(), Inserted::New, "9 was not announced");
}

pub async fn a_fence_is_not_lowered(store: &dyn Store, _: &SimClock) {
    let (low, high) = (fence("timer", 7), fence("timer", 1 << 40));
    store.raise_fence(&high).await.unwrap();
    store.raise_fence(&high).await.unwrap();
    assert_fenced(store.raise_fence(&low).await, &low);
    let document = document("a", json!({}));
    assert_fenced(store.insert(&BOOKS, document, Some(&low)).await, &low);
}

pub async fn fences_of_different_keys_are_apart(store: &dyn Store, _: &SimClock) {
    store.raise_fence(&fence("one", 100)).await.unwrap();
    store.raise_fence(&fence("two", 1)).await.unwrap();
    for key in ["two", "three", "on", "One"] {
        let document = document(key, json!({}));
        let inserted = store.insert(&BOOKS, document, Some(&fence(key, 1))).await;
        assert_eq!(inserted.unwrap(), Inserted::New);
    }
}

pub async fn blobs_are_read_back(store: &dyn Store, _: &SimClock) {
    for content in
        [Bytes::new(), Bytes::from_static(b"\0\xff plain"), Bytes::from(vec![7; 300_000])]
    {
        let digest = Digest::of(&content);
        assert_eq!(store.get_blob(&digest).await.unwrap(), None);
        assert!(!store.delete_blob(&digest).await.unwrap());
        let reference = store.put_blob(content.clone()).await.unwrap();
        assert_eq!(reference.digest, digest);
        assert_eq!(reference.bytes, content.len() as u64);
        assert_eq!(store.put_blob(content.clone()).await.unwrap(), reference);
        assert_eq!(store.get_blob(&digest).await.unwrap(), Some(content));
        assert!(store.delete_blob(&digest).await.unwrap());
        assert_eq!(store.get_blob(&digest).await.unwrap(), None);
    }
}

pub async fn a_blob_of_64_megabytes_is_read_back(store: &dyn Store, _: &SimClock) {
    let line = b"a line of output that comes again and again, as output does\n";
    let content: Bytes = line.iter().copied().cycle().take(64 << 20).collect::<Vec<_>>().into();
    let reference = store.put_blob(content.clone()).await.unwrap();
    assert_eq!(reference.bytes, 64 << 20);
    let found = store.get_blob(&reference.digest).await.unwrap().unwrap();
    assert!(found == content, "the content differs");
}

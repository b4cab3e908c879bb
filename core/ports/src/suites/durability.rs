//! Laws of the relaxed view and of flushes. That a loss of power takes a suffix only is for each
//! backend to show in its own way; here the views are shown to be views of one store.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::{join_all, try_join_all};
use serde_json::json;
use st2_model::{Epoch, Revision};

use super::store::{BOOKS, document, ids, put};
use super::writes::patch;
use crate::{Fence, Filter, Inserted, Order, Query, Replaced, Store, StoreError};

pub async fn a_relaxed_write_is_seen_at_once(store: Arc<dyn Store>) {
    let relaxed = Arc::clone(&store).relaxed();
    for n in 0..50 {
        let id = format!("{n:02}");
        put(&*relaxed, &id, json!({"n": 1})).await;
        assert_eq!(store.get(&BOOKS, &id).await.unwrap().unwrap().body, json!({"n": 1}));
        let next = document(&id, json!({"n": 2, "shelf": "x"}));
        let replaced = relaxed.replace(&BOOKS, next, Revision::FIRST, None).await;
        assert_eq!(replaced.unwrap(), Replaced::At(Revision(2)));
        assert_eq!(store.count(&BOOKS, &Filter::eq("shelf", "x")).await.unwrap(), n + 1);
    }
    let shelf = Filter::eq("shelf", "x");
    let change = patch(&[("shelf", json!("y"))], &[]);
    assert_eq!(relaxed.update_many(&BOOKS, &shelf, &change).await.unwrap(), 50);
    assert_eq!(store.count(&BOOKS, &shelf).await.unwrap(), 0);
    assert_eq!(relaxed.delete(&BOOKS, &Filter::eq("shelf", "y")).await.unwrap(), 50);
    assert_eq!(store.count(&BOOKS, &Filter::All).await.unwrap(), 0);
    let blob = relaxed.put_blob(Bytes::from_static(b"content")).await.unwrap();
    assert!(store.get_blob(&blob.digest).await.unwrap().is_some());
    assert!(relaxed.delete_blob(&blob.digest).await.unwrap());
    assert!(!store.delete_blob(&blob.digest).await.unwrap());
}

pub async fn the_views_have_the_same_documents(store: Arc<dyn Store>) {
    let relaxed = Arc::clone(&store).relaxed();
    let same = Arc::clone(&relaxed).relaxed();
    put(&*store, "a", json!({"isbn": "1"})).await;
    for view in [&relaxed, &same] {
        assert_eq!(ids(&**view, &Query::of(Filter::All)).await, ["a"]);
        let again = view.insert(&BOOKS, document("a", json!({})), None).await;
        assert_eq!(again.unwrap(), Inserted::Exists);
        let second = view.insert(&BOOKS, document("b", json!({"isbn": "1"})), None).await;
        assert_eq!(second.unwrap(), Inserted::Taken("by_isbn"));
    }
    let fence = |epoch| Fence { key: "sensor".to_owned(), epoch: Epoch(epoch) };
    let insert = |view: &Arc<dyn Store>, id: &str, epoch| {
        let (view, document) = (Arc::clone(view), document(id, json!({})));
        async move { view.insert(&BOOKS, document, Some(&fence(epoch))).await }
    };
    store.raise_fence(&fence(2)).await.unwrap();
    assert!(matches!(insert(&relaxed, "c", 1).await, Err(StoreError::Fenced { .. })));
    relaxed.raise_fence(&fence(3)).await.unwrap();
    assert!(matches!(insert(&store, "c", 2).await, Err(StoreError::Fenced { .. })));
    assert_eq!(insert(&store, "c", 3).await.unwrap(), Inserted::New);
}

pub async fn racing_writes_through_both_views_lose_nothing(store: Arc<dyn Store>) {
    let relaxed = Arc::clone(&store).relaxed();
    put(&*store, "a", json!({"n": 0})).await;
    let increments = (0..16).map(|number| {
        let view = Arc::clone(if number % 2 == 0 { &store } else { &relaxed });
        async move {
            loop {
                let record = view.get(&BOOKS, "a").await.unwrap().unwrap();
                let next = json!({"n": record.body["n"].as_i64().unwrap() + 1});
                let next = document("a", next);
                match view.replace(&BOOKS, next, record.revision, None).await.unwrap() {
                    Replaced::At(_) => return,
                    Replaced::Stale => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    });
    join_all(increments).await;
    let record = store.get(&BOOKS, "a").await.unwrap().unwrap();
    assert_eq!((record.revision, record.body), (Revision(17), json!({"n": 16})));
}

pub async fn everybody_gets_the_flush_that_was_asked_for(store: Arc<dyn Store>) {
    store.flush().await.unwrap();
    let relaxed = Arc::clone(&store).relaxed();
    let writes = (0..200).map(|n| {
        let (store, relaxed) = (&store, &relaxed);
        async move {
            put(&**relaxed, &format!("{n:03}"), json!({"year": n})).await;
            if n % 2 == 0 { relaxed.flush().await } else { store.flush().await }
        }
    });
    try_join_all(writes).await.unwrap();
    store.flush().await.unwrap();
    let query = Query::of(Filter::All).by("year", Order::Descending).limit(2);
    assert_eq!(ids(&*store, &query).await, ["199", "198"]);
}

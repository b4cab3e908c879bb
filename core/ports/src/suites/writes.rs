//! Laws of writes: one winner, nothing lost, what matches and nothing else.

use futures::future::join_all;
use serde_json::{Value, json};
use st2_model::Revision;

use super::store::{BOOKS, document, ids, put};
use crate::{Filter, Inserted, Order, Patch, Query, Replaced, SimClock, Store, StoreError};

async fn body(store: &dyn Store, id: &str) -> Value {
    store.get(&BOOKS, id).await.unwrap().unwrap().body
}

pub async fn an_insert_leaves_what_exists(store: &dyn Store, _: &SimClock) {
    put(store, "a", json!({"title": "first"})).await;
    let again = store.insert(&BOOKS, document("a", json!({"title": "second"})), None).await;
    assert_eq!(again.unwrap(), Inserted::Exists);
    assert_eq!(body(store, "a").await, json!({"title": "first"}));
    assert_eq!(store.count(&BOOKS, &Filter::eq("title", "second")).await.unwrap(), 0);
}

pub async fn of_racing_inserts_one_wins(store: &dyn Store, _: &SimClock) {
    let race = (0..50).map(|n| store.insert(&BOOKS, document("a", json!({"n": n})), None));
    let outcomes: Vec<Inserted> = join_all(race).await.into_iter().map(Result::unwrap).collect();
    let winner = outcomes.iter().position(|one| *one == Inserted::New).unwrap();
    assert_eq!(outcomes.iter().filter(|one| **one == Inserted::Exists).count(), 49);
    assert_eq!(body(store, "a").await, json!({"n": winner}));
}

pub async fn a_replace_needs_the_revision(store: &dyn Store, _: &SimClock) {
    put(store, "a", json!({"title": "one"})).await;
    let replace = |text: &str, revision| {
        store.replace(&BOOKS, document("a", json!({"title": text})), Revision(revision), None)
    };
    assert_eq!(replace("two", 1).await.unwrap(), Replaced::At(Revision(2)));
    assert_eq!(replace("lost", 1).await.unwrap(), Replaced::Stale);
    assert_eq!(replace("lost", 3).await.unwrap(), Replaced::Stale);
    assert_eq!(replace("three", 2).await.unwrap(), Replaced::At(Revision(3)));
    let record = store.get(&BOOKS, "a").await.unwrap().unwrap();
    assert_eq!((record.revision, record.body), (Revision(3), json!({"title": "three"})));
    for (title, count) in [("one", 0), ("two", 0), ("three", 1)] {
        let found = store.count(&BOOKS, &Filter::eq("title", title)).await.unwrap();
        assert_eq!(found, count, "{title}");
    }
}

pub async fn of_racing_replaces_one_wins(store: &dyn Store, _: &SimClock) {
    put(store, "a", json!({})).await;
    for round in 1..=10 {
        let race = (0..20).map(|n| {
            let document = document("a", json!({"n": n}));
            store.replace(&BOOKS, document, Revision(round), None)
        });
        let outcomes: Vec<Replaced> =
            join_all(race).await.into_iter().map(Result::unwrap).collect();
        let next = Replaced::At(Revision(round + 1));
        let winner = outcomes.iter().position(|one| *one == next).unwrap();
        assert_eq!(outcomes.iter().filter(|one| **one == Replaced::Stale).count(), 19);
        assert_eq!(body(store, "a").await, json!({"n": winner}));
    }
}

pub async fn no_increment_is_lost(store: &dyn Store, _: &SimClock) {
    put(store, "a", json!({"n": 0})).await;
    let increments = (0..16).map(|_| async {
        loop {
            let record = store.get(&BOOKS, "a").await.unwrap().unwrap();
            let n = record.body["n"].as_i64().unwrap();
            let next = document("a", json!({"n": n + 1}));
            match store.replace(&BOOKS, next, record.revision, None).await.unwrap() {
                Replaced::At(_) => return,
                Replaced::Stale => {}
                other => panic!("{other:?}"),
            }
        }
    });
    join_all(increments).await;
    let record = store.get(&BOOKS, "a").await.unwrap().unwrap();
    assert_eq!((record.revision, record.body), (Revision(17), json!({"n": 16})));
}

pub async fn a_unique_index_refuses_a_second(store: &dyn Store, _: &SimClock) {
    let insert =
        |id: &str, isbn: Value| store.insert(&BOOKS, document(id, json!({"isbn": isbn})), None);
    let taken = Inserted::Taken("by_isbn");
    for (id, isbn) in [("a", json!("1")), ("b", json!(1)), ("n", json!(null)), ("m", json!(null))] {
        assert_eq!(insert(id, isbn).await.unwrap(), Inserted::New, "{id}");
    }
    put(store, "none", json!({})).await;
    assert_eq!(insert("c", json!("1")).await.unwrap(), taken);
    assert_eq!(insert("c", json!(1.0)).await.unwrap(), taken);
    assert_eq!(insert("a", json!(1)).await.unwrap(), Inserted::Exists, "the id comes first");

    let replace = |id: &str, isbn: &str, revision| {
        let document = document(id, json!({"isbn": isbn}));
        store.replace(&BOOKS, document, Revision(revision), None)
    };
    assert_eq!(replace("n", "1", 1).await.unwrap(), Replaced::Taken("by_isbn"));
    assert_eq!(replace("n", "1", 9).await.unwrap(), Replaced::Stale);
    assert_eq!(replace("a", "1", 1).await.unwrap(), Replaced::At(Revision(2)), "its own");
    assert_eq!(replace("a", "2", 2).await.unwrap(), Replaced::At(Revision(3)));
    assert_eq!(replace("n", "1", 1).await.unwrap(), Replaced::At(Revision(2)), "free again");

    let patch = patch(&[("isbn", json!("2"))], &[]);
    let refused = store.update_many(&BOOKS, &Filter::eq("id", "b"), &patch).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    store.delete(&BOOKS, &Filter::eq("isbn", "2")).await.unwrap();
    assert_eq!(store.update_many(&BOOKS, &Filter::eq("id", "b"), &patch).await.unwrap(), 1);
}

pub async fn a_unique_index_of_two_paths_compares_both(store: &dyn Store, _: &SimClock) {
    let cases = [
        (json!({"publisher": "x", "number": 1}), Inserted::New),
        (json!({"publisher": "x", "number": 2}), Inserted::New),
        (json!({"publisher": "y", "number": 1}), Inserted::New),
        (json!({"publisher": "x", "number": 1}), Inserted::Taken("by_number")),
        (json!({"publisher": "x"}), Inserted::New),
        (json!({"publisher": "x", "number": null}), Inserted::Taken("by_number")),
        (json!({"number": 1}), Inserted::New),
        (json!({"publisher": null, "number": 1}), Inserted::New),
    ];
    for (number, (body, expected)) in cases.into_iter().enumerate() {
        let document = document(&number.to_string(), body.clone());
        let inserted = store.insert(&BOOKS, document, None).await.unwrap();
        assert_eq!(inserted, expected, "{body}");
    }
}

pub async fn of_racing_unique_inserts_one_wins(store: &dyn Store, _: &SimClock) {
    let race = (0..50).map(|n| {
        let document = document(&format!("id{n}"), json!({"isbn": "the one"}));
        store.insert(&BOOKS, document, None)
    });
    let outcomes: Vec<Inserted> = join_all(race).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|one| **one == Inserted::New).count(), 1);
    let taken = Inserted::Taken("by_isbn");
    assert_eq!(outcomes.iter().filter(|one| **one == taken).count(), 49);
    assert_eq!(store.count(&BOOKS, &Filter::All).await.unwrap(), 1);
}

/// A patch.
#[must_use]
pub fn patch(set: &[(&str, Value)], unset: &[&str]) -> Patch {
    Patch {
        set: set.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect(),
        unset: unset.iter().map(|path| (*path).to_owned()).collect(),
    }
}

pub async fn update_many_changes_what_matches(store: &dyn Store, _: &SimClock) {
    put(store, "a", json!({"shelf": "x", "deep": {"kept": 1, "gone": 2}, "tags": ["t"]})).await;
    put(store, "b", json!({"shelf": "x", "deep": 5})).await;
    put(store, "c", json!({"shelf": "y", "deep": {"gone": 1}})).await;
    let change = patch(
        &[("shelf", json!("z")), ("deep.new.er", json!([1])), ("tags", json!(["u", "v"]))],
        &["deep.gone", "no.such"],
    );
    let changed = store.update_many(&BOOKS, &Filter::eq("shelf", "x"), &change).await;
    assert_eq!(changed.unwrap(), 2);
    let made = json!({"shelf": "z", "deep": {"kept": 1, "new": {"er": [1]}}, "tags": ["u", "v"]});
    assert_eq!(body(store, "a").await, made);
    let made = json!({"shelf": "z", "deep": {"new": {"er": [1]}}, "tags": ["u", "v"]});
    assert_eq!(body(store, "b").await, made);
    assert_eq!(body(store, "c").await, json!({"shelf": "y", "deep": {"gone": 1}}));
    for (id, revision) in [("a", 2), ("b", 2), ("c", 1)] {
        let record = store.get(&BOOKS, id).await.unwrap().unwrap();
        assert_eq!(record.revision, Revision(revision), "{id}");
    }
    let by = |path: &str, value: &str| Query::of(Filter::eq(path, value));
    assert_eq!(ids(store, &by("shelf", "z")).await, ["a", "b"]);
    assert_eq!(ids(store, &by("tags", "v")).await, ["a", "b"]);
    assert_eq!(ids(store, &by("tags", "t")).await, [""; 0]);
    assert_eq!(ids(store, &by("shelf", "x")).await, [""; 0]);
    assert_eq!(store.update_many(&BOOKS, &Filter::eq("shelf", "x"), &change).await.unwrap(), 0);
}

pub async fn racing_update_many_claim_each_document_once(store: &dyn Store, _: &SimClock) {
    let books = (0..60).map(|n| async move {
        put(store, &format!("id{n}"), json!({"shelf": "free", "title": "t"})).await;
    });
    join_all(books).await;
    let claims = (0..6).map(|owner| async move {
        let change = patch(&[("shelf", json!("taken")), ("owner", json!(owner))], &[]);
        store.update_many(&BOOKS, &Filter::eq("shelf", "free"), &change).await.unwrap()
    });
    let claimed = join_all(claims).await;
    assert_eq!(claimed.iter().sum::<u64>(), 60, "{claimed:?}");
    for (owner, count) in claimed.iter().enumerate() {
        let found = store.count(&BOOKS, &Filter::eq("owner", owner)).await.unwrap();
        assert_eq!(found, *count);
    }
}

pub async fn a_delete_removes_what_matches(store: &dyn Store, _: &SimClock) {
    for (id, shelf) in [("a", "x"), ("b", "x"), ("c", "y")] {
        put(store, id, json!({"shelf": shelf, "tags": [shelf, "all"]})).await;
    }
    let delete = async |filter: Filter| store.delete(&BOOKS, &filter).await.unwrap();
    assert_eq!(delete(Filter::eq("id", "none")).await, 0);
    assert_eq!(delete(Filter::eq("shelf", "x").and(Filter::eq("id", "a"))).await, 1);
    assert_eq!(delete(Filter::eq("id", "a")).await, 0);
    assert_eq!(delete(Filter::eq("tags", "x")).await, 1);
    assert_eq!(ids(store, &Query::of(Filter::eq("tags", "all"))).await, ["c"]);
    assert_eq!(delete(Filter::eq("undeclared", Value::Null)).await, 1);
    assert_eq!(store.count(&BOOKS, &Filter::All).await.unwrap(), 0);
    put(store, "a", json!({"shelf": "new"})).await;
    assert_eq!(body(store, "a").await, json!({"shelf": "new"}));
}

pub async fn a_long_delete_and_update_are_complete(store: &dyn Store, _: &SimClock) {
    let books = (0..1300).map(|n| async move {
        put(store, &format!("{n:04}"), json!({"year": n % 2, "shelf": n % 13})).await;
    });
    join_all(books).await;
    let odd = Filter::eq("year", 1);
    let change = patch(&[("changed", json!(true))], &[]);
    assert_eq!(store.update_many(&BOOKS, &odd, &change).await.unwrap(), 650);
    assert_eq!(store.count(&BOOKS, &Filter::eq("changed", true)).await.unwrap(), 650);
    let rest = Filter::Not(Box::new(Filter::eq("shelf", 0)));
    assert_eq!(store.delete(&BOOKS, &rest).await.unwrap(), 1200);
    let query = Query::of(odd).by("id", Order::Descending).limit(2);
    assert_eq!(ids(store, &query).await, ["1287", "1261"]);
    assert_eq!(store.count(&BOOKS, &Filter::All).await.unwrap(), 100);
}

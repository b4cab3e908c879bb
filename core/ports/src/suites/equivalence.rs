//! Random operations on two stores give equal answers.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use st2_model::Revision;

use super::store::{BOOKS, document};
use super::writes::patch;
use crate::{Cursor, Filter, Order, Query, Store, StoreError};

const PATHS: [&str; 10] =
    ["id", "title", "shelf", "year", "tags", "authors.name", "isbn", "publisher", "free", "free.x"];

/// Makes operations up.
struct Whim(StdRng);

impl Whim {
    fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn id(&mut self) -> String {
        format!("d{}", self.below(12))
    }

    fn scalar(&mut self) -> Value {
        let values = [
            json!(null),
            json!(false),
            json!(true),
            json!(-1),
            json!(0),
            json!(1),
            json!(1.0),
            json!(1.5),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(-1e300),
            json!(""),
            json!("a"),
            json!("A"),
            json!("ab"),
            json!("a%"),
            json!("a_b"),
            json!("d3"),
            json!("\u{e9}"),
            json!("'"),
            json!("\u{1F600}"),
        ];
        self.pick(&values)
    }

    fn value(&mut self) -> Value {
        match self.below(10) {
            0 => {
                let length = self.below(4);
                (0..length).map(|_| self.value()).collect()
            }
            1 => json!({"x": self.scalar(), "name": self.scalar()}),
            _ => self.scalar(),
        }
    }

    fn body(&mut self) -> Value {
        let mut body = json!({});
        for name in ["title", "shelf", "year", "tags", "free", "publisher", "number"] {
            if self.below(4) > 0 {
                body[name] = self.value();
            }
        }
        if self.below(3) == 0 {
            body["isbn"] = self.value();
        }
        if self.below(2) == 0 {
            let names = self.below(3);
            body["authors"] = (0..names).map(|_| json!({"name": self.value()})).collect();
        }
        body
    }

    fn filter(&mut self, depth: usize) -> Filter {
        let path = self.pick(&PATHS).to_owned();
        let text = self.pick(&["", "a", "A", "%", "_", "d", "\u{e9}", "'"]).to_owned();
        match self.below(if depth == 0 { 7 } else { 10 }) {
            0 | 1 => Filter::Eq(path, self.value()),
            2 => Filter::In(path, (0..self.below(5)).map(|_| self.scalar()).collect()),
            3 => Filter::Range {
                path,
                from: (self.below(3) > 0).then(|| self.value()),
                to: (self.below(3) > 0).then(|| self.value()),
            },
            4 => Filter::Exists(path, self.below(2) == 0),
            5 => Filter::Prefix(path, text),
            6 => Filter::Contains(path, text),
            7 => Filter::Not(Box::new(self.filter(depth - 1))),
            8 => Filter::And((0..self.below(4)).map(|_| self.filter(depth - 1)).collect()),
            _ => Filter::Or((0..self.below(4)).map(|_| self.filter(depth - 1)).collect()),
        }
    }

    fn query(&mut self) -> Query {
        let mut query = Query::of(self.filter(2));
        for _ in 0..self.below(3) {
            let order = self.pick(&[Order::Ascending, Order::Descending]);
            query = query.by(self.pick(&PATHS), order);
        }
        if self.below(2) == 0 {
            query = query.limit(self.below(6)).offset(self.below(3));
        }
        if self.below(3) == 0 {
            query.after = Some(Cursor {
                values: query.sort.iter().map(|_| self.value()).collect(),
                id: self.id(),
            });
        }
        if self.below(4) == 0 {
            query.without = vec!["title", "authors"];
        }
        query
    }
}

/// Two answers are the same when they say the same; errors need only be of one kind.
fn assert_same<T: std::fmt::Debug + PartialEq>(
    one: &Result<T, StoreError>,
    two: &Result<T, StoreError>,
    what: &str,
) {
    let same = match (one, two) {
        (Ok(one), Ok(two)) => one == two,
        (Err(one), Err(two)) => std::mem::discriminant(one) == std::mem::discriminant(two),
        _ => false,
    };
    assert!(same, "{what}:\n one {one:?}\n two {two:?}");
}

/// Does the same `steps` operations, made up from `seed`, on both stores, and compares.
pub async fn random_operations_agree(one: &dyn Store, two: &dyn Store, seed: u64, steps: usize) {
    let mut whim = Whim(StdRng::seed_from_u64(seed));
    for step in 0..steps {
        let at = |what: String| format!("seed {seed}, step {step}, {what}");
        match whim.below(12) {
            0..=2 => {
                let document = document(&whim.id(), whim.body());
                let what = at(format!("insert {document:?}"));
                let two = two.insert(&BOOKS, document.clone(), None).await;
                assert_same(&one.insert(&BOOKS, document, None).await, &two, &what);
            }
            3 | 4 => {
                let document = document(&whim.id(), whim.body());
                let current = one.get(&BOOKS, &document.id).await.unwrap();
                let revision = match current {
                    Some(record) if whim.below(5) > 0 => record.revision,
                    _ => Revision(whim.below(4) as u64),
                };
                let what = at(format!("replace {revision:?} {document:?}"));
                let two = two.replace(&BOOKS, document.clone(), revision, None).await;
                assert_same(&one.replace(&BOOKS, document, revision, None).await, &two, &what);
            }
            5 => {
                // A patch of a unique member may stop half way, in no particular order.
                let path = whim.pick(&[
                    "title",
                    "year",
                    "tags",
                    "free",
                    "free.x",
                    "authors.name",
                    "shelf.x",
                ]);
                let (filter, unset) = (whim.filter(1), whim.pick(&["shelf", "free.x", "number.x"]));
                let patch = patch(&[(path, whim.value())], &[unset]);
                let what = at(format!("update {filter:?} {patch:?}"));
                let two = two.update_many(&BOOKS, &filter, &patch).await;
                assert_same(&one.update_many(&BOOKS, &filter, &patch).await, &two, &what);
            }
            6 => {
                let filter = whim.filter(1).and(Filter::eq("id", whim.id()));
                let what = at(format!("delete {filter:?}"));
                let two = two.delete(&BOOKS, &filter).await;
                assert_same(&one.delete(&BOOKS, &filter).await, &two, &what);
            }
            7 => {
                let filter = whim.filter(2);
                let what = at(format!("count {filter:?}"));
                let two = two.count(&BOOKS, &filter).await;
                assert_same(&one.count(&BOOKS, &filter).await, &two, &what);
            }
            _ => {
                let query = whim.query();
                let what = at(format!("find {query:?}"));
                let two = two.find(&BOOKS, &query).await;
                assert_same(&one.find(&BOOKS, &query).await, &two, &what);
            }
        }
    }
    let all = Query::of(Filter::All);
    let two = two.find(&BOOKS, &all).await;
    assert_same(&one.find(&BOOKS, &all).await, &two, &format!("seed {seed}, in the end"));
}

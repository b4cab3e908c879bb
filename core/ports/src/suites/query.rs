//! Laws of queries. Each condition is asked at a declared path and at an undeclared one, because
//! a backend answers these in different ways.

use serde_json::{Value, json};

use super::store::{BOOKS, ids, put};
use crate::{Cursor, Filter, Order, Query, SimClock, Sort, Store, StoreError};

/// Puts each value into a document of its own, at a declared and at an undeclared path. The ids
/// are the values' numbers.
async fn put_values(store: &dyn Store, values: &[Value]) {
    for (number, value) in values.iter().enumerate() {
        let body = json!({"tags": value, "free": {"tags": value}, "number": number});
        put(store, &format!("{number:02}"), body).await;
    }
    put(store, "missing", json!({"free": {}})).await;
}

/// Asks for the same at both paths.
async fn expect(store: &dyn Store, filter: impl Fn(&str) -> Filter, expected: &[&str]) {
    for path in ["tags", "free.tags"] {
        let filter = filter(path);
        assert_eq!(ids(store, &Query::of(filter.clone())).await, expected, "{filter:?}");
        let count = store.count(&BOOKS, &filter).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{filter:?}");
        let not = Filter::Not(Box::new(filter.clone()));
        let others = ids(store, &Query::of(not)).await;
        assert!(!others.iter().any(|id| expected.contains(&id.as_str())), "not {filter:?}");
        let all = store.count(&BOOKS, &Filter::All).await.unwrap();
        assert_eq!((others.len() + expected.len()) as u64, all, "not {filter:?}");
    }
}

pub async fn values_equal_within_their_type(store: &dyn Store, _: &SimClock) {
    let values = [
        json!(1),
        json!(1.0),
        json!("1"),
        json!(true),
        json!(null),
        json!(0),
        json!(false),
        json!(""),
        json!({}),
        json!({"a": 1, "b": 2}),
        json!(i64::MAX),
        json!(1.5),
        json!(u64::MAX),
        json!(-0.0),
        json!("it's 100% \"_\u{0}\u{1F600}"),
        json!(9_007_199_254_740_993_i64),
    ];
    put_values(store, &values).await;
    let cases: &[(Value, &[&str])] = &[
        (json!(1), &["00", "01"]),
        (json!(1.0), &["00", "01"]),
        (json!("1"), &["02"]),
        (json!(true), &["03"]),
        (json!(null), &["04", "missing"]),
        (json!(0), &["05", "13"]),
        (json!(false), &["06"]),
        (json!(""), &["07"]),
        (json!({}), &["08"]),
        (json!({"b": 2, "a": 1}), &["09"]),
        (json!({"a": 1}), &[]),
        (json!([]), &[]),
        (json!(i64::MAX), &["10"]),
        (json!(1.5), &["11"]),
        (json!(u64::MAX), &["12"]),
        (json!("it's 100% \"_\u{0}\u{1F600}"), &["14"]),
        (json!(9_007_199_254_740_993_i64), &["15"]),
        (json!(9_007_199_254_740_992.0), &[]),
    ];
    for (value, expected) in cases {
        expect(store, |path| Filter::eq(path, value.clone()), expected).await;
        expect(store, |path| Filter::is_in(path, [value.clone()]), expected).await;
    }
    expect(store, |path| Filter::is_in(path, Vec::<Value>::new()), &[]).await;
    let some = [json!("none"), json!(null), json!("1"), json!(true), json!({})];
    let expected = ["02", "03", "04", "08", "missing"];
    expect(store, |path| Filter::is_in(path, some.clone()), &expected).await;
    let present =
        ["00", "01", "02", "03", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15"];
    expect(store, |path| Filter::Exists(path.into(), true), &present).await;
    expect(store, |path| Filter::Exists(path.into(), false), &["04", "missing"]).await;
}

pub async fn an_array_matches_by_any_element(store: &dyn Store, _: &SimClock) {
    let values = [
        json!(["red", "green"]),
        json!("red"),
        json!([]),
        json!(["green", 5, null]),
        json!([5, 50]),
        json!([["red"]]),
        json!([{"red": 1}]),
        json!(["redder"]),
    ];
    put_values(store, &values).await;
    expect(store, |path| Filter::eq(path, "red"), &["00", "01"]).await;
    expect(store, |path| Filter::eq(path, 5), &["03", "04"]).await;
    expect(store, |path| Filter::eq(path, Value::Null), &["03", "missing"]).await;
    expect(store, |path| Filter::eq(path, json!([5, 50])), &["04"]).await;
    expect(store, |path| Filter::eq(path, json!(["red"])), &["05"]).await;
    expect(store, |path| Filter::eq(path, json!({"red": 1})), &["06"]).await;
    expect(store, |path| Filter::Exists(path.into(), false), &["missing"]).await;
    expect(store, |path| Filter::Prefix(path.into(), "red".into()), &["00", "01", "07"]).await;
    expect(store, |path| Filter::Contains(path.into(), "EE".into()), &["00", "03"]).await;
    expect(store, |path| Filter::at_least(path, 10), &["04"]).await;
    let between = |path: &str| Filter::Range {
        path: path.to_owned(),
        from: Some(json!(10)),
        to: Some(json!(40)),
    };
    expect(store, between, &[]).await;

    for (id, authors) in [
        ("one", json!([{"name": "Ada"}, {"name": "Bob", "age": 3}, {}])),
        ("two", json!({"name": "Bob"})),
        ("three", json!([])),
        ("four", json!("Bob")),
        ("five", json!([[{"name": ["Bob", "Cyd"]}]])),
    ] {
        put(store, id, json!({"authors": authors, "writers": authors})).await;
    }
    for path in ["authors.name", "writers.name"] {
        let named = |value: Value| {
            Query::of(Filter::eq(path, value).and(Filter::Exists("authors".into(), true)))
        };
        assert_eq!(ids(store, &named(json!("Bob"))).await, ["five", "one", "two"], "{path}");
        assert_eq!(ids(store, &named(json!("Cyd"))).await, ["five"], "{path}");
        let none = ids(store, &named(Value::Null)).await;
        assert_eq!(none, ["four", "one", "three"], "{path}");
    }
}

pub async fn ranges_stay_within_their_type(store: &dyn Store, _: &SimClock) {
    let values = [
        json!(-5),
        json!(2),
        json!(2.5),
        json!(10),
        json!("10"),
        json!("b"),
        json!("bb"),
        json!("\u{FFFF}"),
        json!("\u{1F600}"),
        json!(false),
        json!(true),
        json!(null),
        json!({}),
        json!(1e300),
        json!(-1e300),
        json!(i64::MIN),
        json!(9_007_199_254_740_993_i64),
    ];
    put_values(store, &values).await;
    let range = |from: Value, to: Value| {
        move |path: &str| {
            let end = |value: &Value| (*value != json!("open")).then(|| value.clone());
            Filter::Range { path: path.to_owned(), from: end(&from), to: end(&to) }
        }
    };
    let open = json!("open");
    expect(store, range(json!(2), json!(10)), &["01", "02"]).await;
    expect(store, range(json!(2.1), open.clone()), &["02", "03", "13", "16"]).await;
    expect(store, range(open.clone(), json!(2)), &["00", "14", "15"]).await;
    expect(store, range(json!(9_007_199_254_740_992.0), json!(1e18)), &["16"]).await;
    expect(store, range(json!("b"), open.clone()), &["05", "06", "07", "08"]).await;
    expect(store, range(open.clone(), json!("bb")), &["04", "05"]).await;
    expect(store, range(json!("\u{FFFF}"), json!("\u{1F600}")), &["07"]).await;
    expect(store, range(json!(false), open.clone()), &["09", "10"]).await;
    expect(store, range(open.clone(), json!(true)), &["09"]).await;
    expect(store, range(json!(true), json!(true)), &[]).await;
    expect(store, range(json!(null), open.clone()), &["11", "missing"]).await;
    expect(store, range(open.clone(), json!(null)), &[]).await;
    expect(store, range(json!({}), open.clone()), &[]).await;
    expect(store, range(json!(1), json!("x")), &[]).await;
    expect(store, range(json!(10), json!(2)), &[]).await;
    let any = [
        "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "12", "13", "14", "15",
        "16",
    ];
    expect(store, range(open.clone(), open), &any).await;
}

pub async fn prefixes_and_parts_take_text_literally(store: &dyn Store, _: &SimClock) {
    let values = [
        json!("100%"),
        json!("100 percent"),
        json!("a_b"),
        json!("axb"),
        json!("it's"),
        json!("\"q\""),
        json!("back\\slash"),
        json!("\u{D7FF}x"),
        json!("\u{E000}x"),
        json!("\u{10FFFF}"),
        json!("Stra\u{df}e"),
        json!("ab*c?[d]"),
        json!(""),
        json!(100),
        json!("a\u{0}b"),
        json!("\u{10FFFF}\u{10FFFF}z"),
    ];
    put_values(store, &values).await;
    let prefixes: &[(&str, &[&str])] = &[
        ("100%", &["00"]),
        ("100", &["00", "01"]),
        ("a_", &["02"]),
        ("a", &["02", "03", "11", "14"]),
        ("A", &[]),
        ("it'", &["04"]),
        ("\"", &["05"]),
        ("back\\", &["06"]),
        ("\u{D7FF}", &["07"]),
        ("\u{E000}", &["08"]),
        ("\u{10FFFF}", &["09", "15"]),
        ("ab*", &["11"]),
        ("a\u{0}", &["14"]),
        (
            "",
            &[
                "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "14",
                "15",
            ],
        ),
    ];
    for (prefix, expected) in prefixes {
        expect(store, |path| Filter::Prefix(path.into(), (*prefix).into()), expected).await;
    }
    let parts: &[(&str, &[&str])] = &[
        ("%", &["00"]),
        ("_", &["02"]),
        ("'", &["04"]),
        ("\\", &["06"]),
        ("PERC", &["01"]),
        ("A\u{df}", &["10"]),
        ("\u{1e9e}", &[]),
        ("*C?[", &["11"]),
        ("\u{0}B", &["14"]),
        ("nowhere", &[]),
        (
            "",
            &[
                "00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "14",
                "15",
            ],
        ),
    ];
    for (part, expected) in parts {
        expect(store, |path| Filter::Contains(path.into(), (*part).into()), expected).await;
    }
}

pub async fn conditions_combine(store: &dyn Store, _: &SimClock) {
    put_values(store, &[json!(1), json!(2), json!("x"), json!(null)]).await;
    let is = |path: &str, value: Value| Filter::eq(path, value);
    expect(store, |_| Filter::And(vec![]), &["00", "01", "02", "03", "missing"]).await;
    expect(store, |_| Filter::Or(vec![]), &[]).await;
    expect(store, |p| Filter::Or(vec![is(p, json!(1)), is(p, json!("x"))]), &["00", "02"]).await;
    expect(store, |p| Filter::And(vec![is(p, json!(1)), is(p, json!(2))]), &[]).await;
    let mixed = |p: &str| {
        let declared = Filter::Or(vec![is("tags", json!(1)), is("tags", json!(null))]);
        let undeclared = Filter::Exists("free.tags".into(), true);
        Filter::And(vec![
            Filter::Or(vec![declared, Filter::Contains(p.into(), "X".into())]),
            Filter::Or(vec![undeclared, is("id", json!("missing"))]),
            Filter::Not(Box::new(Filter::And(vec![is(p, json!(2)), Filter::All]))),
        ])
    };
    expect(store, mixed, &["00", "02", "missing"]).await;
}

pub async fn the_id_is_a_path(store: &dyn Store, _: &SimClock) {
    for id in ["a", "ab", "b%", "c"] {
        put(store, id, json!({"id": "of the body", "title": "t"})).await;
    }
    let cases: Vec<(Filter, &[&str])> = vec![
        (Filter::eq("id", "a"), &["a"]),
        (Filter::eq("id", "of the body"), &[]),
        (Filter::eq("id", 1), &[]),
        (Filter::eq("id", Value::Null), &[]),
        (Filter::is_in("id", ["c", "a", "none"]), &["a", "c"]),
        (Filter::Prefix("id".into(), "a".into()), &["a", "ab"]),
        (Filter::Contains("id".into(), "B".into()), &["ab", "b%"]),
        (Filter::at_least("id", "b"), &["b%", "c"]),
        (Filter::Exists("id".into(), true), &["a", "ab", "b%", "c"]),
        (Filter::Exists("id".into(), false), &[]),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(store, &Query::of(filter.clone())).await, expected, "{filter:?}");
        let query = Query::of(filter.clone()).by("id", Order::Descending);
        let mut reversed = ids(store, &query).await;
        reversed.reverse();
        assert_eq!(reversed, expected, "{filter:?}");
    }
}

/// Books whose values tie and lack, in an order that is none.
async fn put_shelves(store: &dyn Store) {
    let years = [
        json!(7),
        json!(null),
        json!("x"),
        json!(7.0),
        json!(true),
        json!(-1),
        json!(false),
        json!([1]),
        json!({}),
        json!(7),
        json!(""),
        json!(6.5),
    ];
    for (number, year) in years.iter().enumerate() {
        let shelf = ["b", "a", "c"][number % 3];
        let body = json!({"shelf": shelf, "year": year, "free": year, "n": number % 2});
        put(store, &format!("{:02}", (number * 5) % 12), body).await;
    }
    put(store, "20", json!({"shelf": "a"})).await;
    put(store, "21", json!({})).await;
}

pub async fn sorts_order_types_and_values(store: &dyn Store, _: &SimClock) {
    put_shelves(store).await;
    let expected =
        ["05", "20", "21", "06", "08", "01", "07", "00", "03", "09", "02", "10", "04", "11"];
    for path in ["year", "free"] {
        let query = Query::of(Filter::All).by(path, Order::Ascending);
        assert_eq!(ids(store, &query).await, expected, "{path}");
        let query = Query::of(Filter::All).by(path, Order::Descending);
        let mut reversed = ids(store, &query).await;
        reversed.reverse();
        assert_eq!(reversed, expected, "{path}");
    }
    let query = Query::of(Filter::eq("shelf", "a"))
        .by("shelf", Order::Descending)
        .by("year", Order::Ascending);
    assert_eq!(ids(store, &query).await, ["05", "20", "08", "02", "11"]);
}

fn sorts() -> Vec<Vec<Sort>> {
    let sort = |keys: &[(&str, Order)]| {
        let key = |(path, order): &(&str, Order)| Sort { path: (*path).to_owned(), order: *order };
        keys.iter().map(key).collect()
    };
    let (up, down) = (Order::Ascending, Order::Descending);
    vec![
        sort(&[]),
        sort(&[("id", down)]),
        sort(&[("year", up)]),
        sort(&[("year", down)]),
        sort(&[("free", down)]),
        sort(&[("n", up)]),
        sort(&[("shelf", up), ("year", up)]),
        sort(&[("shelf", down), ("year", down)]),
        sort(&[("shelf", up), ("year", down)]),
        sort(&[("shelf", down), ("year", up)]),
        sort(&[("n", down), ("year", up)]),
        sort(&[("shelf", up), ("free", down), ("n", up)]),
    ]
}

pub async fn pages_by_cursor_make_up_the_whole(store: &dyn Store, _: &SimClock) {
    put_shelves(store).await;
    let filters =
        [Filter::All, Filter::is_in("shelf", ["a", "b"]), Filter::Exists("free".into(), true)];
    for (sort, filter) in sorts().iter().flat_map(|sort| filters.iter().map(move |f| (sort, f))) {
        let mut query = Query::of(filter.clone());
        query.sort.clone_from(sort);
        let whole = ids(store, &query).await;
        assert!(!whole.is_empty());
        for size in [1, 2, 5, 100] {
            let (mut pages, mut after) = (Vec::new(), None);
            loop {
                let mut page = query.clone().limit(size);
                page.after = after;
                let found = store.find(&BOOKS, &page).await.unwrap();
                let Some(last) = found.last() else { break };
                assert!(found.len() <= size);
                after = Some(Cursor::at(sort, last));
                pages.extend(found.into_iter().map(|record| record.id));
                assert!(pages.len() <= whole.len(), "{sort:?} {filter:?}: {pages:?}");
            }
            assert_eq!(pages, whole, "pages of {size} by {sort:?} of {filter:?}");
        }
    }
}

pub async fn limits_and_offsets_cut_the_answer(store: &dyn Store, _: &SimClock) {
    put_shelves(store).await;
    let filters = [Filter::All, Filter::Exists("free".into(), true)];
    for (sort, filter) in sorts().iter().flat_map(|sort| filters.iter().map(move |f| (sort, f))) {
        let mut query = Query::of(filter.clone());
        query.sort.clone_from(sort);
        let whole = ids(store, &query).await;
        for (offset, limit) in [(0, 0), (0, 3), (2, 3), (5, 100), (100, 5), (3, usize::MAX)] {
            let cut = ids(store, &query.clone().offset(offset).limit(limit)).await;
            let expected: Vec<String> = whole.iter().skip(offset).take(limit).cloned().collect();
            assert_eq!(cut, expected, "{offset} {limit} {sort:?} {filter:?}");
        }
        let rest = ids(store, &query.clone().offset(4)).await;
        assert_eq!(rest, whole[4..], "{sort:?} {filter:?}");
    }
}

pub async fn members_are_left_out(store: &dyn Store, _: &SimClock) {
    let body = json!({"title": "t", "result": {"title": [1]}, "log": "x".repeat(9000), "n": 1});
    put(store, "a", body.clone()).await;
    for filter in [Filter::eq("title", "t"), Filter::eq("result.title", 1)] {
        for sort in ["title", "n"] {
            let mut query = Query::of(filter.clone()).by(sort, Order::Ascending);
            query.without = vec!["result", "log", "no such"];
            let found = store.find(&BOOKS, &query).await.unwrap();
            assert_eq!(found[0].body, json!({"title": "t", "n": 1}), "{query:?}");
        }
    }
    assert_eq!(store.get(&BOOKS, "a").await.unwrap().unwrap().body, body);
}

pub async fn a_cursor_fits_its_sort(store: &dyn Store, _: &SimClock) {
    let mut query = Query::of(Filter::All).by("title", Order::Ascending);
    query.after = Some(Cursor { values: vec![json!(1), json!(2)], id: "a".to_owned() });
    let refused = store.find(&BOOKS, &query).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
}

pub async fn long_lists_of_values_are_searched(store: &dyn Store, _: &SimClock) {
    put_values(store, &[json!("9999"), json!("19999"), json!("none")]).await;
    for length in [10_000, 20_000, 70_000] {
        let list = |path: &str| Filter::is_in(path, (0..length).map(|n| n.to_string()));
        let expected: &[&str] = if length > 19_999 { &["00", "01"] } else { &["00"] };
        expect(store, list, expected).await;
    }
    // Nor does it matter how conditions are built up.
    let many =
        |path: &str| Filter::Or((0..5000).map(|n| Filter::eq(path, n.to_string())).collect());
    expect(store, |path| many(path).and(Filter::eq(path, "19999")), &[]).await;
    let lists = |path: &str| {
        let list = |from: u32| Filter::is_in(path, (from..from + 8000).map(|n| n.to_string()));
        Filter::Or((0..6).map(|n| list(n * 8000)).collect())
    };
    expect(store, lists, &["00", "01"]).await;
    let deep = |path: &str| {
        let not = |filter, _| Filter::Not(Box::new(filter));
        (0..2000).fold(Filter::eq(path, "none"), not)
    };
    expect(store, deep, &["02"]).await;
}

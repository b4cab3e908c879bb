//! The questions that services ask all the time are answered from an index.

use std::sync::Arc;

use rusqlite::{Connection, params_from_iter};
use serde_json::{Value, json};
use st2_model::{Execution, TriggerInstance};
use st2_ports::suites::store::clock;
use st2_ports::{Cursor, Entity, Filter, Order, Query};

use super::open_in;
use crate::layout::Layout;
use crate::plan::Plan;
use crate::read::select_page;

/// How SQLite means to answer.
fn explain(c: &Connection, layout: &Layout, query: &Query) -> Vec<String> {
    let plan = Plan::of(query, layout);
    assert!(plan.condition.exact, "{query:?}");
    let columns = plan.columns.unwrap();
    let (sql, values) = select_page(layout, query, (&plan.condition, &columns), 0);
    let mut statement = c.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = statement.query_map(params_from_iter(values), |row| row.get(3));
    rows.unwrap().map(Result::unwrap).collect()
}

/// The page comes out of this index as it is, beginning where these columns say.
async fn assert_served<E: Entity>(query: Query, index: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(&folder, clock());
    let plan = store.write(0, move |c| {
        let layout = Layout::new(E::collection(), Arc::default());
        Ok(Ok(explain(c, &layout, &query)))
    });
    let plan = plan.await.unwrap();
    let step = plan.iter().find(|step| step.contains("INDEX")).unwrap();
    let index = format!("SEARCH {0} USING COVERING INDEX {0}.{index}", E::collection().name);
    assert_eq!(*step, index, "{plan:#?}");
    let sorts = plan.iter().filter(|step| step.contains("TEMP B-TREE")).count();
    assert!(sorts <= 1, "only the page itself is sorted: {plan:#?}");
    store.close().await;
}

fn by_start(filter: Filter, order: Order) -> Query {
    Query::of(filter).by("start_timestamp", order).limit(50)
}

fn behind(mut query: Query, values: Vec<Value>) -> Query {
    query.after = Some(Cursor { values, id: "5".to_owned() });
    query
}

#[tokio::test]
async fn executions_are_claimed_from_an_index() {
    let requested = by_start(Filter::eq("status", "requested"), Order::Ascending);
    assert_served::<Execution>(requested.clone(), "by_status (=status=?)").await;
    let next = behind(requested, vec![json!(5)]);
    let index = "by_status (=status=? AND (=start_timestamp,id)>(?,?))";
    assert_served::<Execution>(next, index).await;
    let due = Query::of(Filter::below("due", 5)).by("due", Order::Ascending).limit(50);
    assert_served::<Execution>(due, "by_due (=due>? AND =due<?)").await;
    let of_action = Filter::eq("action", "a").and(Filter::eq("status", "running"));
    let of_action = by_start(of_action, Order::Ascending);
    assert_served::<Execution>(of_action, "by_action (=action=? AND =status=?)").await;
    let owned = Query::of(Filter::eq("owner.lease", "a")).limit(50);
    assert_served::<Execution>(owned, "by_owner (=owner.lease=?)").await;
}

#[tokio::test]
async fn executions_are_listed_from_an_index() {
    let newest = by_start(Filter::All, Order::Descending);
    let next = behind(newest, vec![json!(5)]);
    let index = "by_time ((=start_timestamp,id)<(?,?))";
    assert_served::<Execution>(next, index).await;
    let roots = by_start(Filter::eq("parent", Value::Null), Order::Descending);
    assert_served::<Execution>(roots, "by_parent (=parent=?)").await;
}

#[tokio::test]
async fn trigger_instances_are_found_in_an_index() {
    let pending = Query::of(Filter::eq("status", "pending"));
    let pending = pending.by("occurrence_time", Order::Ascending).limit(50);
    assert_served::<TriggerInstance>(pending, "by_status (=status=?)").await;
}

//! Which runners, users, rules and triggers executions have had.
//!
//! The store has no index over these, and needs none: executions are read once, oldest first and
//! only as far as is needed here, and after that only what is new. What no execution has any more
//! is remembered until the process ends.

use std::collections::BTreeSet;

use serde_json::Value;
use st2_http::Fault;
use st2_model::Execution;
use st2_ports::{Cursor, Entity as _, Filter, Order, Ports, Query};
use tokio::sync::{Mutex, MutexGuard};

/// Executions that are read at once.
const PAGE: usize = 1_000;
/// An execution may be stored so much later than it says, in microseconds.
const LATE_MICROS: i64 = 60_000_000;

/// What executions have had, each list in order.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The start of the newest execution that was read, in microseconds.
    newest: Option<i64>,
    pub(super) runners: BTreeSet<String>,
    pub(super) users: BTreeSet<String>,
    /// Refs.
    pub(super) rules: BTreeSet<String>,
    /// Refs.
    pub(super) triggers: BTreeSet<String>,
    /// Refs.
    pub(super) trigger_types: BTreeSet<String>,
    /// Whether some came from no rule.
    pub(super) has_plain: bool,
}

/// What executions have had, as of now.
pub(super) async fn look<'a>(
    seen: &'a Mutex<Seen>,
    ports: &Ports,
) -> Result<MutexGuard<'a, Seen>, Fault> {
    let mut seen = seen.lock().await;
    let filter = match seen.newest {
        None => Filter::All,
        Some(newest) => Filter::at_least("start_timestamp", newest - LATE_MICROS),
    };
    let mut query = Query::of(filter).by("start_timestamp", Order::Ascending).limit(PAGE);
    query.without = vec!["parameters", "result", "log", "notify", "intent", "owner", "runner_info"];
    loop {
        let page = ports.store.find(Execution::collection(), &query).await?;
        for record in &page {
            seen.add(&record.body);
        }
        match page.last() {
            Some(last) if page.len() == PAGE => query.after = Some(Cursor::at(&query.sort, last)),
            _ => return Ok(seen),
        }
    }
}

impl Seen {
    fn add(&mut self, execution: &Value) {
        let text = |pointer: &str| execution.pointer(pointer).and_then(Value::as_str);
        let lists = [
            ("/runner", &mut self.runners),
            ("/context/user", &mut self.users),
            ("/origin/rule_ref", &mut self.rules),
            ("/origin/trigger_ref", &mut self.triggers),
            ("/origin/trigger_type_ref", &mut self.trigger_types),
        ];
        for (pointer, list) in lists {
            if let Some(value) = text(pointer).filter(|value| !list.contains(*value)) {
                list.insert(value.to_owned());
            }
        }
        self.has_plain |= execution.get("origin").is_none();
        let start = execution.get("start_timestamp").and_then(Value::as_i64);
        self.newest = self.newest.max(start);
    }
}

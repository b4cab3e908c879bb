//! Null rules and member order.

use serde_json::{Value, json};
use st2_model::{Execution, ExecutionStatus, Object};

use crate::execution::{Parts, execution};

fn requested() -> Execution {
    serde_json::from_value(json!({
        "id": "65aa00000000000000000001",
        "live_action": "65aa00000000000000000002",
        "action": "core.noop",
        "action_snapshot": "a",
        "runner": "noop",
        "runner_snapshot": "b",
        "is_workflow": false,
        "idempotent": false,
        "status": "requested",
        "start_timestamp": 1_700_000_000_000_000_i64,
        "parameters": {},
        "context": {"user": "joe"},
        "log": [],
    }))
    .expect("an execution")
}

fn names(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn an_execution_leaves_out_what_is_empty() {
    let shown = execution(&requested(), Parts::default());
    assert_eq!(names(&shown), ["liveaction", "status", "start_timestamp", "context", "id"]);
    assert_eq!(shown["start_timestamp"], "2023-11-14T22:13:20.000000Z");
    assert_eq!(
        names(&shown["liveaction"]),
        ["action", "action_is_workflow", "parameters", "callback", "runner_info", "id"]
    );
}

#[test]
fn an_ended_execution_shows_result_and_elapsed_time() {
    let mut ended = requested();
    ended.status = ExecutionStatus::Succeeded;
    ended.end_timestamp =
        Some(ended.start_timestamp.after(std::time::Duration::from_millis(1_500)));
    let mut parameters = Object::new();
    parameters.insert("cmd".to_owned(), json!("date"));
    let parts = Parts {
        parameters,
        result: Some(json!({"stdout": "x"})),
        webui_base_url: "https://st2".to_owned(),
        ..Parts::default()
    };
    let shown = execution(&ended, parts);
    assert_eq!(shown["elapsed_seconds"], json!(1.5));
    assert_eq!(shown["result"], json!({"stdout": "x"}));
    assert_eq!(shown["liveaction"]["parameters"], shown["parameters"]);
    assert_eq!(shown["web_url"], "https://st2/#/history/65aa00000000000000000001/general");
    assert_eq!(names(&shown).last(), Some(&"elapsed_seconds"));
}

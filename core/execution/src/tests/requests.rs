//! What is accepted, and what is stored then.

use serde_json::{Value, json};
use st2_model::{ExecutionStatus as S, KeyValue, Notify, NotifyRoute, Scope, Snapshot, Timestamp};

use super::bench::{Bench, action, object};
use crate::{Cause, Request, RequestError};

fn plain(parameters: Value) -> Request {
    Request::new("test.plain".parse().unwrap(), object(parameters)).by("ada")
}

#[tokio::test(start_paused = true)]
async fn an_accepted_request() {
    let bench = Bench::new().await;
    let execution = bench.request(json!({"count": 5})).await.value;
    assert_eq!(execution.status, S::Requested);
    assert_eq!(execution.due, Some(execution.start_timestamp));
    assert_eq!(execution.context, object(json!({"user": "ada", "pack": "test"})));
    // A default that is a template is rendered with the request; plain defaults are not stored.
    let expected = json!({"count": 5, "greeting": "hello ada"});
    assert_eq!(Value::Object(execution.parameters.clone()), expected);
    let snapshots = bench.ports.repository::<Snapshot>();
    let snapshot = snapshots.get(&execution.action_snapshot).await.unwrap().unwrap();
    assert_eq!(snapshot.value.body["ref"], "test.plain");
    let content = bench.executions.content(&execution).await.unwrap();
    assert_eq!(content.action, action("plain", false));
    let finals = bench.executions.final_parameters(&execution).await.unwrap();
    assert_eq!(finals.action["group"], "a");
    assert_eq!(finals.runner["fixed"], "as it is");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused() {
    let bench = Bench::new().await;
    bench.store(st2_model::Action { enabled: false, ..action("off", false) }).await;
    bench.store(st2_model::Action { runner_type: "none".into(), ..action("lost", false) }).await;
    for (reference, parameters, expected) in [
        ("test.absent", json!({}), "Action \"test.absent\" cannot be found."),
        ("test.off", json!({}), "Unable to execute. Action \"test.off\" is disabled."),
        (
            "test.lost",
            json!({}),
            "Action \"test.lost\" needs the runner \"none\", which is not registered.",
        ),
        (
            "test.plain",
            json!({"fixed": "x"}),
            "Override of immutable parameter(s) ['fixed'] is unsupported.",
        ),
        (
            "test.plain",
            json!({"x": 1}),
            "Additional properties are not allowed ('x' was unexpected)",
        ),
        (
            "test.plain",
            json!({"group": 5}),
            "Value \"5\" must either be a string or None. Got \"int\".",
        ),
    ] {
        let request = Request::new(reference.parse().unwrap(), object(parameters)).by("ada");
        let error = bench.executions.request(request).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let all = st2_ports::Filter::All;
    let executions = bench.ports.repository::<st2_model::Execution>();
    assert_eq!(executions.count(&all).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_template_that_can_not_be_rendered_is_stored_as_a_failure() {
    let bench = Bench::new().await;
    let request = plain(json!({"group": "{{ absent }}"}));
    let error = bench.executions.request(request).await.unwrap_err();
    let RequestError::Rendering { reason, execution } = error else {
        panic!("{error}");
    };
    assert_eq!(reason, "Dependency unsatisfied in variable \"absent\"");
    let execution = bench.get(execution).await;
    assert_eq!(execution.status, S::Failed);
    assert!(execution.due.is_none() && execution.end_timestamp.is_some());
    assert_eq!(execution.result.unwrap().inline().unwrap()["error"], reason);
}

#[tokio::test(start_paused = true)]
async fn templates_read_the_datastore() {
    let bench = Bench::new().await;
    for (scope, value) in [(Scope::System, "everybody"), (Scope::User("ada".into()), "ada")] {
        bench
            .store(KeyValue {
                id: KeyValue::id_of(&scope, "name"),
                scope,
                name: "name".into(),
                value: value.into(),
                secret: false,
                description: None,
                expire_timestamp: None,
            })
            .await;
    }
    let group = "{{ st2kv.system.name }} and {{ st2kv.user.name }}{{ st2kv.system.none }}";
    let execution = bench.request(json!({"group": group})).await.value;
    assert_eq!(execution.parameters["group"], "everybody and ada");
}

#[tokio::test(start_paused = true)]
async fn the_same_cause_requests_once() {
    let bench = Bench::new().await;
    let cause = Cause { at: Timestamp::from_micros(5_000_000), key: vec!["a".into()] };
    let request = Request { cause: Some(cause.clone()), ..plain(json!({})) };
    let first = bench.executions.request(request.clone()).await.unwrap();
    assert!(!first.is_repeated);
    assert_eq!(first.execution.value.id, cause.execution_id());
    let second = bench.another().request(request).await.unwrap();
    assert!(second.is_repeated);
    assert_eq!(second.execution, first.execution);
}

#[tokio::test(start_paused = true)]
async fn secrets_are_sealed_in_the_store() {
    let bench = Bench::new().await;
    let given = json!({"password": "swordfish", "nested": {"token": "t0ken"}, "group": "b"});
    let execution = bench.request(given).await.value;
    let stored = serde_json::to_string(&bench.get(execution.id).await).unwrap();
    assert!(!stored.contains("swordfish") && !stored.contains("t0ken"), "{stored}");
    assert!(execution.parameters["password"]["$sealed"].is_string());
    let open = bench.executions.unseal(&execution).await.unwrap();
    assert_eq!(open["password"], "swordfish");
    assert_eq!(open["nested"], json!({"token": "t0ken"}));
    // A value that looks sealed is a value like any other.
    let forged = json!({"password": "x", "nested": {"$sealed": "0:abc"}});
    let execution = bench.request(forged).await.value;
    let open = bench.executions.unseal(&execution).await.unwrap();
    assert_eq!(open["nested"], json!({"$sealed": "0:abc"}));
}

#[tokio::test(start_paused = true)]
async fn without_a_key_secrets_are_refused_and_nothing_else_is() {
    let bench = Bench::with_seed(1, false).await;
    bench.request(json!({"group": "b", "password": null})).await;
    let error = bench.executions.request(plain(json!({"password": "x"}))).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("\"password\"") && text.contains("encryption_key_path"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_child_has_the_user_of_its_parent() {
    let bench = Bench::new().await;
    let parent = bench.request(json!({})).await.value;
    let mut request = plain(json!({}));
    let context = json!({"execution_id": parent.id, "user": "grace"});
    request.context.insert("parent".into(), context);
    let child = bench.executions.request(request).await.unwrap().execution.value;
    assert_eq!(child.parent, Some(parent.id));
    assert_eq!(child.context["user"], "grace");
}

#[tokio::test(start_paused = true)]
async fn content_changes_are_seen_at_once() {
    let bench = Bench::new().await;
    bench.request(json!({})).await;
    let on_complete = Some(NotifyRoute { message: Some("done".into()), ..NotifyRoute::default() });
    let notify = Notify { on_complete, ..Notify::default() };
    bench.store(st2_model::Action { notify: notify.clone(), ..action("plain", false) }).await;
    assert_eq!(bench.request(json!({})).await.value.notify, Some(notify));
    bench.store(st2_model::Action { enabled: false, ..action("plain", false) }).await;
    assert!(bench.executions.request(plain(json!({}))).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_kept() {
    let bench = Bench::new().await;
    let request = Request { delay_ms: Some(3_000), ..plain(json!({})) };
    let id = bench.executions.request(request).await.unwrap().execution.value.id;
    let admission = bench.admit(id).await;
    assert_eq!((admission.scheduled, admission.delayed), (0, 1));
    let delayed = bench.get(id).await;
    assert_eq!(delayed.status, S::Delayed);
    assert_eq!(delayed.due, admission.next_due);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(bench.admit(id).await.scheduled, 1);
}

//! Executions: secrets, reports from outside, what hangs on one.

use axum::http::StatusCode;
use serde_json::{Value, json};
use st2_model::{Execution, Payload};

use super::Site;

async fn requested(site: &Site, parameters: Value) -> String {
    let body = json!({"action": "demo.plain", "parameters": parameters});
    let made = site.post("/executions", body).await;
    made["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(start_paused = true)]
async fn secrets_are_masked_wherever_they_stand() {
    let site = Site::new().await;
    let given = json!({"text": "t", "word": "w", "door": {"code": "c", "name": "n"}});
    let id = requested(&site, given.clone()).await;
    let masked =
        json!({"text": "t", "word": "********", "door": {"code": "********", "name": "n"}});

    let shown = site.get(&format!("/executions/{id}")).await;
    assert_eq!(shown["parameters"], masked);
    assert_eq!(shown["liveaction"]["parameters"], masked);
    let list = site.get("/executions?include_attributes=parameters").await;
    assert_eq!(list, json!([{"parameters": masked, "id": id}]));
    let open = site.get(&format!("/executions/{id}?show_secrets=true")).await;
    assert_eq!(open["parameters"], given);

    let path = format!("/executions/{id}/re_run");
    let again = site.post(&path, json!({"parameters": {"text": "u"}})).await;
    assert_eq!(again["context"]["re-run"], json!({"ref": id}));
    let path = format!("/executions/{}?show_secrets=1", again["id"].as_str().expect("an id"));
    assert_eq!(site.get(&path).await["parameters"]["word"], "w", "sealed values are taken over");
}

#[tokio::test(start_paused = true)]
async fn a_secret_part_of_a_result_is_masked_on_every_way() {
    let site = Site::new().await;
    let id = requested(&site, json!({})).await;
    let result = json!({"output": {"pin": "1234", "size": 2}});
    let body = json!({"status": "running"});
    let (status, fault) = site.refused("PUT", &format!("/executions/{id}"), Some(&body)).await;
    assert_eq!(status, 400, "nobody holds it: {fault}");
    let repository = site.ports.repository::<Execution>();
    let mut stored = repository.get(&id).await.expect("readable").expect("there");
    stored.value.result = Some(Payload::Inline(result.clone()));
    repository.replace(&stored.value, stored.revision, None).await.expect("stored");

    let masked = json!({"output": {"pin": "********", "size": 2}});
    let one = site.get(&format!("/executions/{id}")).await;
    let raw = site.get(&format!("/executions/{id}/result")).await;
    let attribute = site.get(&format!("/executions/{id}/attribute/result")).await;
    assert_eq!([&one["result"], &raw, &attribute], [&masked; 3]);
    let open = site.get(&format!("/executions/{id}?show_secrets=true")).await;
    assert_eq!(open["result"], result);
}

#[tokio::test(start_paused = true)]
async fn large_results_stay_out_of_lists() {
    let site = Site::new().await;
    let id = requested(&site, json!({})).await;
    let repository = site.ports.repository::<Execution>();
    let mut stored = repository.get(&id).await.expect("readable").expect("there");
    let large = json!({"stdout": "x".repeat(Payload::INLINE_BYTES_MAX)});
    let (payload, size) =
        st2_execution::store_payload(&*site.ports.store, large.clone()).await.expect("stored");
    stored.value.result = Some(payload);
    stored.value.result_size = Some(size);
    repository.replace(&stored.value, stored.revision, None).await.expect("stored");

    let list = site.get("/executions").await;
    assert_eq!((&list[0]["result_size"], list[0].get("result")), (&json!(size), None));
    assert_eq!(site.get(&format!("/executions/{id}")).await["result"], large);
    let small = site.get(&format!("/executions/{id}?max_result_size=100")).await;
    assert_eq!(small.get("result"), None);
}

#[tokio::test(start_paused = true)]
async fn one_broken_execution_does_not_take_the_list_down() {
    let site = Site::new().await;
    let good = requested(&site, json!({})).await;
    let broken = requested(&site, json!({"text": "t"})).await;
    let repository = site.ports.repository::<Execution>();
    let mut stored = repository.get(&broken).await.expect("readable").expect("there");
    stored.value.action_snapshot = st2_model::Digest::of(b"gone");
    repository.replace(&stored.value, stored.revision, None).await.expect("stored");
    let list = site.get("/executions?sort=id").await;
    assert_eq!((&list[0]["id"], &list[0]["action"]["ref"]), (&json!(good), &json!("demo.plain")));
    assert_eq!((&list[1]["id"], list[1].get("action")), (&json!(broken), None));
    assert_eq!(list[1]["parameters"], json!({"text": "********"}));
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_answered_once_with_the_execution_and_then_with_a_fault() {
    let site = Site::new().await;
    let id = requested(&site, json!({})).await;
    let path = format!("/executions/{id}");
    let answer = site.send("DELETE", &path, None).await;
    assert_eq!((answer.status, &answer.body["status"]), (StatusCode::OK, &json!("canceled")));
    assert_eq!(answer.body["context"]["cancelled_by"], "joe");
    let again = site.send("DELETE", &path, None).await;
    assert_eq!((again.status, &again.body["status"]), (StatusCode::OK, &json!("canceled")));
    let body = json!({"status": "succeeded"});
    assert_eq!(
        site.refused("PUT", &path, Some(&body)).await,
        (400, "Execution is already in completed state.".to_owned())
    );
    for (body, fault) in [
        (json!({}), "'status' is a required property"),
        (json!({"status": "running", "x": 1}), "Additional properties are not allowed"),
    ] {
        let (status, text) = site.refused("PUT", &path, Some(&body)).await;
        assert!(status == 400 && text.starts_with(fault), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_for_nothing_known_is_refused() {
    let site = Site::new().await;
    for (body, fault) in [
        (json!({"action": "no.such"}), "Action \"no.such\" cannot be found."),
        (json!({"action": "nodot"}), "Action \"nodot\" cannot be found."),
        (json!({"action": "demo.plain", "delay": -1}), "-1 is less than the minimum of 0"),
        (json!({"action": "demo.plain", "parameters": null}), "None is not of type 'object'"),
        (json!([1]), "[1] is not of type 'object'"),
    ] {
        assert_eq!(site.refused("POST", "/executions", Some(&body)).await, (400, fault.to_owned()));
    }
    assert_eq!(site.get("/executions").await, json!([]));
}

#[tokio::test(start_paused = true)]
async fn children_come_depth_first() {
    let site = Site::new().await;
    let root = requested(&site, json!({})).await;
    let mut made = vec![];
    for parent in [&root, &root] {
        made.push(child(&site, parent).await);
    }
    let grandchild = child(&site, &made[0]).await;
    let ids = |list: Value| -> Vec<String> {
        let list = list.as_array().cloned().expect("a list");
        list.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    };
    let path = format!("/executions/{root}/children");
    let all = ids(site.get(&path).await);
    assert_eq!(all, [made[0].clone(), grandchild.clone(), made[1].clone()]);
    let direct = ids(site.get(&format!("{path}?depth=1")).await);
    assert_eq!(direct, made);
    let top = ids(site.get("/executions?parent=null").await);
    assert_eq!(top, [root]);
}

async fn child(site: &Site, parent: &str) -> String {
    // Start times order siblings.
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    let context = json!({"parent": {"execution_id": parent, "user": "ann"}});
    let made = site.post("/executions", json!({"action": "demo.plain", "context": context})).await;
    assert_eq!((&made["parent"], &made["context"]["user"]), (&json!(parent), &json!("ann")));
    made["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(start_paused = true)]
async fn filters_of_executions_combine() {
    let site = Site::new().await;
    requested(&site, json!({"text": "a"})).await;
    let body = json!({"action": "other.plain", "user": "ann"});
    let other = site.post("/executions", body).await["id"].clone();
    let ids = |list: &Value| -> Vec<Value> {
        list.as_array().expect("a list").iter().map(|one| one["id"].clone()).collect()
    };
    for query in [
        "user=ann",
        "action=other.plain",
        "action=other.plain&status=requested",
        "filter=action.pack:other",
        "filter=context.user:ann%20status:requested",
        "timestamp_gt=2024-01-01T00:00:00Z&user=ann",
    ] {
        let list = site.get(&format!("/executions?{query}")).await;
        assert_eq!(ids(&list), std::slice::from_ref(&other), "{query}");
    }
    assert_eq!(site.get("/executions?rule=none").await, json!([]));
    let filters = site.get("/executions/views/filters?types=action,user,rule").await;
    assert_eq!(
        filters,
        json!({"action": ["demo.plain", "other.plain"], "rule": [null], "user": ["ann", "joe"]})
    );
    site.post("/executions", json!({"action": "other.plain", "user": "eve"})).await;
    let filters = site.get("/executions/views/filters?types=user").await;
    assert_eq!(filters, json!({"user": ["ann", "eve", "joe"]}), "what is new is seen");
    for (query, fault) in [
        ("filter=x", "invalid format for filter \"x\""),
        ("filter=foo:1", "Cannot resolve field \"foo\""),
    ] {
        let path = format!("/executions?{query}");
        assert_eq!(site.refused("GET", &path, None).await, (400, fault.to_owned()));
    }
}

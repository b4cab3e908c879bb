//! Rules and their triggers, webhooks, the datastore, API keys, actions, configs.

use serde_json::{Value, json};
use st2_model::{Config, Pack, TriggerInstance};
use st2_ports::{Filter, Query};

use super::Site;

fn rule(name: &str, url: &str) -> Value {
    json!({
        "name": name,
        "enabled": true,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": url}},
        "action": {"ref": "demo.plain", "parameters": {"word": "w", "text": "t"}},
    })
}

#[tokio::test(start_paused = true)]
async fn a_trigger_lives_as_long_as_a_rule_waits_for_it() {
    let site = Site::new().await;
    let one = site.post("/rules", rule("one", "a/b")).await;
    let two = site.post("/rules", rule("two", "a/b")).await;
    assert_eq!(one["trigger"]["ref"], two["trigger"]["ref"]);
    assert_eq!(one["action"]["parameters"], json!({"word": "********", "text": "t"}));
    assert_eq!((&one["pack"], &one["context"]), (&json!("default"), &json!({"user": "joe"})));
    assert_eq!(site.triggers().await, 1);

    let answer = site.send("POST", "/rules", Some(&rule("one", "c"))).await;
    assert_eq!((answer.status.as_u16(), &answer.body["conflict-id"]), (409, &one["id"]));
    assert_eq!(site.triggers().await, 1, "a refused rule leaves no trigger");

    let moved = site.send("PUT", "/rules/default.one", Some(&rule("one", "c"))).await;
    assert_eq!((moved.status.as_u16(), &moved.body["id"]), (200, &one["id"]));
    assert_eq!(site.triggers().await, 2);
    site.send("DELETE", "/rules/default.two", None).await;
    assert_eq!(site.triggers().await, 1);
    assert_eq!(site.get("/webhooks/c").await["parameters"], json!({"url": "c"}));
    let open = site.get("/rules/default.one?show_secrets=true").await;
    assert_eq!(open["action"]["parameters"]["word"], "w");
    let view = site.get("/rules/views/default.one").await;
    assert_eq!(view["action"]["description"], "an action");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_passes_on_what_it_may() {
    let site = Site::new().await;
    site.post("/rules", rule("one", "/a/b/")).await;
    let answer = site.send("POST", "/webhooks/a/b", Some(&json!({"x": 1}))).await;
    assert_eq!((answer.status.as_u16(), answer.body), (202, json!({"x": 1})));
    let all = Query::of(Filter::All);
    let found = site.ports.repository::<TriggerInstance>().find(&all).await.expect("readable");
    let payload = found[0].value.payload.inline().expect("small");
    assert_eq!(payload["body"], json!({"x": 1}));
    let (status, _) = site.refused("POST", "/webhooks/a", Some(&json!({}))).await;
    assert_eq!(status, 404);
    let (status, fault) = site.refused("POST", "/webhooks/a/b", Some(&json!("x"))).await;
    assert_eq!((status, fault.as_str()), (400, "'x' is not of type 'object', 'array'"));
    let (status, fault) = site.refused("POST", "/webhooks/st2", Some(&json!({}))).await;
    assert_eq!((status, fault.as_str()), (400, "Trigger not specified."));

    let id = found[0].value.id;
    let again = site.post(&format!("/triggerinstances/{id}/re_emit"), json!({})).await;
    assert_eq!(again["payload"]["__context"], json!({"original_id": id.to_string()}));
    assert_eq!(site.get("/triggerinstances").await.as_array().map(Vec::len), Some(2));
    let none = site.get("/triggerinstances?trigger_type=no.such").await;
    assert_eq!(none, json!([]));
}

#[tokio::test(start_paused = true)]
async fn items_of_a_user_are_apart_from_those_of_the_system() {
    let site = Site::new().await;
    let item = |name: &str, value: &str, scope: &str| json!({"name": name, "value": value, "scope": scope});
    for (name, scope) in [("a/b", "system"), ("c", "st2kv.user"), ("d", "system")] {
        let answer =
            site.send("PUT", &format!("/keys/{name}"), Some(&item(name, "v", scope))).await;
        assert_eq!((answer.status.as_u16(), &answer.body["name"]), (200, &json!(name)));
    }
    let names = |list: Value| -> Vec<String> {
        let list = list.as_array().cloned().expect("a list");
        list.iter().map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(site.get("/keys").await), ["a/b", "d"]);
    assert_eq!(names(site.get("/keys?scope=user").await), ["c"]);
    assert_eq!(names(site.get("/keys?scope=all").await), ["a/b", "d", "c"]);
    let page = site.send("GET", "/keys?scope=all&limit=2&offset=1", None).await;
    assert_eq!(names(page.body), ["d", "c"]);
    assert_eq!(page.headers["x-total-count"], "3");
    assert_eq!(names(site.get("/keys?prefix=a").await), ["a/b"]);
    assert_eq!(site.get("/keys/c?scope=user").await["user"], "joe");
    assert_eq!(site.refused("GET", "/keys/c", None).await.0, 404);
    let (status, fault) = site.refused("GET", "/keys/c?scope=user&user=ann", None).await;
    assert!(status == 403 && fault.contains("\"user\" attribute"), "{fault}");
    assert_eq!(
        site.refused("GET", "/keys?scope=zzz", None).await,
        (400, "Invalid scope: st2kv.zzz".to_owned())
    );

    let secret = json!({"name": "s", "value": "hidden", "secret": true});
    let stored = site.send("PUT", "/keys/s", Some(&secret)).await.body;
    assert!(stored["value"] != "hidden" && stored["encrypted"] == true, "{stored}");
    let open = site.get("/keys/s?decrypt=true").await;
    assert_eq!((&open["value"], &open["encrypted"]), (&json!("hidden"), &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn an_api_key_is_shown_once() {
    let site = Site::new().await;
    let made = site.post("/apikeys", json!({"user": "bot", "metadata": {"a": 1}})).await;
    let key = made["key"].as_str().expect("a key");
    let shown = site.get(&format!("/apikeys/{key}")).await;
    assert_eq!((&shown["id"], &shown["key_hash"]), (&made["id"], &json!("********")));
    let path = format!("/apikeys/{}", made["id"].as_str().expect("an id"));
    let off = site.send("PUT", &path, Some(&json!({"enabled": false}))).await.body;
    assert_eq!((&off["enabled"], &off["metadata"]), (&json!(false), &json!({"a": 1})));
    let (status, _) = site.refused("PUT", &path, Some(&json!({"key_hash": "other"}))).await;
    assert_eq!(status, 400);
    assert_eq!(site.send("DELETE", &path, None).await.status.as_u16(), 204);
    assert_eq!(site.refused("GET", &path, None).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn actions_come_with_their_files_and_go_with_them() {
    let site = Site::new().await;
    let actions = site.folder.path().join("packs/default/actions");
    let body = json!({
        "name": "mine", "runner_type": "noop", "entry_point": "mine.sh",
        "data_files": [{"file_path": "lib/mine.sh", "content": "echo"}],
    });
    let made = site.post("/actions", body.clone()).await;
    assert_eq!((&made["ref"], &made["output_schema"]), (&json!("default.mine"), &json!({})));
    let written = std::fs::read_to_string(actions.join("lib/mine.sh")).expect("a file");
    assert_eq!(written, "echo");
    let mut escaping = body;
    escaping["data_files"][0]["file_path"] = json!("../../x");
    let (status, fault) = site.refused("POST", "/actions", Some(&escaping)).await;
    assert!(status == 400 && fault.starts_with("Invalid file path"), "{fault}");
    let renamed = json!({"name": "yours", "runner_type": "noop"});
    let renamed = site.send("PUT", "/actions/default.mine", Some(&renamed)).await.body;
    assert_eq!(renamed["ref"], "default.yours");
    assert_eq!(site.refused("GET", "/actions/default.mine", None).await.0, 404);
    let core = json!({"name": "x", "pack": "core", "runner_type": "noop"});
    assert_eq!(site.refused("POST", "/actions", Some(&core)).await.0, 400);
    assert_eq!(site.send("DELETE", "/actions/default.yours", None).await.status.as_u16(), 204);
}

#[tokio::test(start_paused = true)]
async fn a_config_is_written_to_its_file() {
    let site = Site::new().await;
    let values = json!({"host": "h", "ports": [1, 2], "word": "yes"});
    assert_eq!(site.refused("PUT", "/configs/demo", Some(&values)).await.0, 404);
    let pack: Pack = serde_json::from_value(json!({
        "id": Pack::id_of("demo"), "ref": "demo", "name": "demo", "description": "",
        "keywords": [], "version": "1.0.0", "python_versions": [], "author": "", "contributors": [],
        "files": [], "dependencies": [], "system": {}, "digest": "",
    }))
    .expect("a pack");
    site.ports.repository().put(&pack).await.expect("stored");
    let answer = site.send("PUT", "/configs/demo", Some(&values)).await;
    assert_eq!((answer.status.as_u16(), &answer.body["values"]), (200, &values));
    let text = std::fs::read_to_string(site.folder.path().join("demo.yaml")).expect("a file");
    assert_eq!(st2_expr::yaml::parse(&text).expect("YAML"), values);
    let stored = site.ports.repository::<Config>().get(Config::id_of("demo")).await;
    assert_eq!(Value::Object(stored.expect("readable").expect("there").value.values), values);
    assert_eq!(site.get("/configs/demo").await["values"], values);
}

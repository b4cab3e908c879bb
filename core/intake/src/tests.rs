//! What is accepted, what is refused, and what is told.

use std::time::Duration;

use serde_json::{Value, json};
use st2_model::{Object, Payload, Scope, Trigger, TriggerInstance, TriggerType};
use st2_ports::{Fence, Filter, Group, Order, Ports, Query, Topic};

use super::*;

async fn with_trigger_type(ports: &Ports, reference: &str, schema: Value) {
    let reference = reference.parse().expect("a ref");
    let kind = TriggerType {
        id: TriggerType::id_of(&reference),
        reference: reference.clone(),
        description: None,
        payload_schema: schema.as_object().cloned().expect("an object"),
        parameters_schema: Object::new(),
        tags: vec![],
        metadata_file: None,
    };
    ports.repository().put(&kind).await.expect("stored");
    let trigger = Trigger::of(&reference, Object::new()).expect("a trigger");
    ports.repository().put(&trigger).await.expect("stored");
}

async fn ports() -> Ports {
    let (ports, _) = st2_memory::simulated_ports(1);
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    with_trigger_type(&ports, "demo.tick", schema).await;
    for what in ["create", "update", "value_change", "delete"] {
        let reference = format!("core.st2.key_value_pair.{what}");
        with_trigger_type(&ports, &reference, json!({})).await;
    }
    ports
}

async fn instances(ports: &Ports) -> Vec<TriggerInstance> {
    let query = Query::of(Filter::All).by("occurrence_time", Order::Ascending);
    let found = ports.repository::<TriggerInstance>().find(&query).await.expect("readable");
    found.into_iter().map(|found| found.value).collect()
}

fn tick(n: i64, key: Option<&str>) -> Occurrence {
    let mut occurrence = Occurrence::of("demo.tick", json!({"n": n}));
    occurrence.dedupe = key.map(str::to_owned);
    occurrence
}

#[tokio::test(start_paused = true)]
async fn an_occurrence_is_stored_once_and_in_order() {
    let ports = ports().await;
    let intake = Intake::new(ports.clone(), true);
    let mut wakes = ports.bus.subscribe(Topic::TriggerDispatched, Group::Each).await.expect("bus");
    let batch = vec![tick(1, Some("a")), tick(2, Some("b")), tick(3, Some("a")), tick(4, None)];
    let answers = intake.dispatch_all(batch, None).await;
    let duplicates: Vec<bool> =
        answers.iter().map(|a| matches!(a, Ok(Accepted::Duplicate))).collect();
    assert_eq!(duplicates, [false, false, true, false]);
    let stored: Vec<Value> = instances(&ports)
        .await
        .into_iter()
        .map(|instance| instance.payload.inline().cloned().expect("small"))
        .collect();
    assert_eq!(stored, [json!({"n": 1}), json!({"n": 2}), json!({"n": 4})]);
    assert_eq!(wakes.next().await.expect("a wake-up").wake.ids.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused_and_the_rest_goes_on() {
    let ports = ports().await;
    let intake = Intake::new(ports.clone(), true);
    let unknown = Occurrence::of("demo.nope", json!({}));
    let invalid = Occurrence::of("demo.tick", json!({"n": "x"}));
    let answers = intake.dispatch_all(vec![unknown, invalid, tick(1, None)], None).await;
    assert!(matches!(&answers[0], Err(IntakeError::UnknownTrigger(name)) if name == "demo.nope"));
    let error = answers[1].as_ref().expect_err("invalid").to_string();
    assert!(error.contains("demo.tick") && error.contains("integer"), "{error}");
    assert!(matches!(answers[2], Ok(Accepted::Stored(_))));
    let lenient = Intake::new(ports.clone(), false);
    let invalid = Occurrence::of("demo.tick", json!({"n": "x"}));
    assert!(lenient.dispatch(invalid).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_stale_owner_is_refused() {
    let ports = ports().await;
    let intake = Intake::new(ports.clone(), true);
    let fence = |epoch| Fence { key: "sensor/demo.S".to_owned(), epoch: st2_model::Epoch(epoch) };
    ports.store.raise_fence(&fence(2)).await.expect("raised");
    let stale = intake.dispatch_all(vec![tick(1, None)], Some(&fence(1))).await;
    assert!(matches!(stale[0], Err(IntakeError::Store(_))));
    let owner = intake.dispatch_all(vec![tick(1, None)], Some(&fence(2))).await;
    assert!(matches!(owner[0], Ok(Accepted::Stored(_))));
    assert_eq!(instances(&ports).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn triggers_are_found_by_every_name_they_have() {
    let ports = ports().await;
    let intake = Intake::new(ports.clone(), true);
    let trigger = Trigger::of(&"demo.tick".parse().expect("a ref"), Object::new()).expect("one");
    for selector in [
        Selector::Id(trigger.id.to_string()),
        Selector::Uid(trigger.uid().to_string()),
        Selector::of_type("demo.tick", &Object::new()),
    ] {
        let mut occurrence = tick(1, None);
        occurrence.trigger = selector.clone();
        assert!(intake.dispatch(occurrence).await.is_ok(), "{selector}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_payload_stands_beside_the_record() {
    let ports = ports().await;
    let intake = Intake::new(ports.clone(), false);
    let large = json!({"text": "x".repeat(Payload::INLINE_BYTES_MAX)});
    intake.dispatch(Occurrence::of("demo.tick", large.clone())).await.expect("stored");
    let [instance] = instances(&ports).await.try_into().expect("one");
    let Payload::Blob(blob) = instance.payload else { panic!("it stands in the record") };
    let bytes = ports.store.get_blob(&blob.digest).await.expect("readable").expect("there");
    assert_eq!(serde_json::from_slice::<Value>(&bytes).expect("JSON"), large);
}

#[tokio::test(start_paused = true)]
async fn the_datastore_keeps_tells_and_forgets() {
    let ports = ports().await;
    let datastore = Datastore::new(ports.clone(), Intake::new(ports.clone(), true));
    let new = |value: &str, ttl| NewKeyValue {
        scope: Scope::System,
        name: "region".to_owned(),
        value: value.to_owned(),
        secret: false,
        encrypted: false,
        description: None,
        ttl,
        is_note: false,
    };
    datastore.set(new("eu", Some(Duration::from_secs(60)))).await.expect("set");
    let item = datastore.set(new("us", None)).await.expect("set");
    assert!(item.expire_timestamp.is_some(), "a write without a life keeps the one that stands");
    assert!(datastore.get(&Scope::User("joe".to_owned()), "region").await.expect("ok").is_none());
    assert_eq!(datastore.list(&Scope::System, "reg", None, 0).await.expect("ok").len(), 1);
    assert!(datastore.delete(&Scope::System, "region").await.expect("ok"));
    assert!(!datastore.delete(&Scope::System, "region").await.expect("ok"));
    let told: Vec<String> =
        instances(&ports).await.iter().map(|instance| instance.trigger.to_string()).collect();
    let short: Vec<&str> = told.iter().filter_map(|name| name.rsplit('.').next()).collect();
    assert_eq!(short, ["create", "update", "value_change", "delete"]);

    let secret = NewKeyValue { secret: true, ..new("s", None) };
    assert!(matches!(datastore.set(secret).await, Err(DatastoreError::Key(_))), "there is no key");
}

//! The host with plugins that live in this process: assignment, restarts, triggers, single mode.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, json};
use st2_intake::{Datastore, Intake};
use st2_model::{
    Object, ResourceRef, SensorState, SensorStatus, SensorType, Trigger, TriggerInstance,
    TriggerType,
};
use st2_partitions::{DefaultProvider, PartitionProvider, SingleProvider};
use st2_plugin::{
    Artifact, Binding, BoundPlugin, EndReason, Ended, GuestHost, Plugin, PluginControl,
    PluginInstance, PluginLoader, StartContext,
};
use st2_ports::{
    Entity, Filter, Health, Ports, Query, RoutineKind, Service, ServiceContext, ServiceError,
    Topic, Wake,
};
use st2_protocol::{DispatchItem, DispatchOutcome};
use tokio::sync::{Notify, oneshot};

use crate::backoff::{Next, after_end, after_failure};
use crate::triggers::{Served, Tell, difference};
use crate::{SensorHost, SensorSettings};

/// What the tests see of, and do to, the plugin in this process.
#[derive(Default)]
struct Script {
    /// Hosts of the instances that were started, latest last.
    hosts: Mutex<Vec<Arc<dyn GuestHost>>>,
    /// Triggers that the running instance serves.
    served: Mutex<BTreeMap<String, Map<String, serde_json::Value>>>,
    /// Ends the running instance with this.
    end: Mutex<Option<Ended>>,
    wake: Notify,
    stopped: Mutex<u32>,
}

struct Loader(Arc<Script>);
struct Instance(Arc<Script>);

#[async_trait]
impl PluginLoader for Loader {
    fn kind(&self) -> &'static str {
        "scripted"
    }
    fn claims(&self, _: &Artifact) -> bool {
        true
    }
    async fn load(&self, _: &Artifact) -> st2_plugin::Result<Arc<dyn Plugin>> {
        Ok(Arc::new(Instance(Arc::clone(&self.0))))
    }
}

impl Plugin for Instance {
    fn bind(&self, _: Binding) -> st2_plugin::Result<Arc<dyn BoundPlugin>> {
        Ok(Arc::new(Self(Arc::clone(&self.0))))
    }
}

#[async_trait]
impl BoundPlugin for Instance {
    async fn start(&self, context: StartContext) -> st2_plugin::Result<Box<dyn PluginInstance>> {
        self.0.served.lock().expect("served").clear();
        self.0.hosts.lock().expect("hosts").push(context.host);
        Ok(Box::new(Self(Arc::clone(&self.0))))
    }
}

#[async_trait]
impl PluginInstance for Instance {
    fn control(&self) -> Arc<dyn PluginControl> {
        Arc::new(Self(Arc::clone(&self.0)))
    }
    async fn run(&mut self) -> Ended {
        loop {
            if let Some(ended) = self.0.end.lock().expect("end").take() {
                return ended;
            }
            self.0.wake.notified().await;
        }
    }
}

#[async_trait]
impl PluginControl for Instance {
    async fn add_trigger(&self, trigger: st2_protocol::Trigger) -> st2_plugin::Result<()> {
        self.0.served.lock().expect("served").insert(trigger.reference, trigger.parameters);
        Ok(())
    }
    async fn update_trigger(&self, trigger: st2_protocol::Trigger) -> st2_plugin::Result<()> {
        self.add_trigger(trigger).await
    }
    async fn remove_trigger(&self, trigger: st2_protocol::Trigger) -> st2_plugin::Result<()> {
        self.0.served.lock().expect("served").remove(&trigger.reference);
        Ok(())
    }
    async fn ping(&self) -> st2_plugin::Result<()> {
        Ok(())
    }
    fn stop(&self) {
        *self.0.stopped.lock().expect("stopped") += 1;
        end(&self.0, EndReason::Stopped, 0);
    }
    fn process_id(&self) -> Option<u32> {
        None
    }
}

fn end(script: &Script, reason: EndReason, code: i32) {
    *script.end.lock().expect("end") = Some(Ended { reason, exit_code: Some(code) });
    script.wake.notify_one();
}

fn crashed() -> EndReason {
    EndReason::Crashed { reason: "boom".to_owned() }
}

fn sensor(enabled: bool) -> SensorType {
    let reference: ResourceRef = "demo.Sensor".parse().expect("a ref");
    SensorType {
        id: SensorType::id_of(&reference),
        reference,
        description: None,
        artifact_uri: "file:///demo/sensors/sensor.py".to_owned(),
        entry_point: "sensors.sensor.Sensor".to_owned(),
        trigger_types: vec!["demo.tick".to_owned()],
        poll_interval: None,
        enabled,
        metadata_file: String::new(),
        digest: "1".to_owned(),
    }
}

struct World {
    ports: Ports,
    script: Arc<Script>,
    ended: oneshot::Receiver<Result<(), ServiceError>>,
}

/// A host that runs, with the sensor of [`sensor`] and its trigger type.
async fn world(sensor: SensorType, single: bool) -> World {
    let (ports, _) = st2_memory::simulated_ports(1);
    for name in ["demo.tick", "core.st2.sensor.process_spawn", "core.st2.sensor.process_exit"] {
        let kind: ResourceRef = name.parse().expect("a ref");
        let trigger_type = TriggerType {
            id: TriggerType::id_of(&kind),
            reference: kind.clone(),
            description: None,
            payload_schema: Object::new(),
            parameters_schema: Object::new(),
            tags: vec![],
            metadata_file: None,
        };
        ports.repository().put(&trigger_type).await.expect("stored");
        put_trigger(&ports, name, json!({})).await;
    }
    ports.repository().put(&sensor).await.expect("stored");
    let script = Arc::new(Script::default());
    let reference = sensor.reference.clone();
    let provider: Box<dyn PartitionProvider> = if single {
        Box::new(SingleProvider::of(reference.clone()))
    } else {
        Box::new(DefaultProvider)
    };
    let settings = SensorSettings {
        node: "node1".to_owned(),
        single: single.then_some(reference),
        environment: vec![],
    };
    let intake = Intake::new(ports.clone(), true);
    let datastore = Datastore::new(ports.clone(), intake.clone());
    let loaders: Vec<Arc<dyn PluginLoader>> = vec![Arc::new(Loader(Arc::clone(&script)))];
    let host = Box::new(SensorHost::new(settings, provider, loaders, intake, datastore));
    let context = ServiceContext {
        ports: ports.clone(),
        shutdown: ports.routines.shutdown(),
        health: Health::default(),
    };
    let (done, ended) = oneshot::channel();
    ports.routines.spawn(RoutineKind::Service, "sensors", async move {
        let outcome = host.run(context).await;
        assert!(done.send(outcome).is_ok(), "the test waits for the end");
    });
    World { ports, script, ended }
}

async fn put_trigger(ports: &Ports, kind: &str, parameters: serde_json::Value) -> Trigger {
    let kind: ResourceRef = kind.parse().expect("a ref");
    let parameters = parameters.as_object().cloned().expect("an object");
    let trigger = Trigger::of(&kind, parameters).expect("a trigger");
    ports.repository().put(&trigger).await.expect("stored");
    ports.bus.publish(Topic::TriggerChanged, Wake::one(trigger.id)).await.expect("bus");
    trigger
}

async fn put_sensor(ports: &Ports, sensor: &SensorType) {
    ports.repository().put(sensor).await.expect("stored");
    ports.bus.publish(Topic::SensorChanged, Wake::one(sensor.id)).await.expect("bus");
}

impl World {
    /// Waits, in simulated time, until `condition` holds.
    async fn until(&self, what: &str, condition: impl AsyncFn(&Self) -> bool) {
        for _ in 0..10_000 {
            if condition(self).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("it never came true: {what}");
    }

    async fn state(&self) -> Option<SensorStatus> {
        let statuses = self.ports.repository::<SensorStatus>();
        let id = sensor(true).id;
        statuses.get(id).await.expect("readable").map(|found| found.value)
    }

    async fn reaches(&self, state: SensorState) -> SensorStatus {
        self.until(&format!("{state:?}"), async |world| {
            world.state().await.is_some_and(|status| status.state == state)
        })
        .await;
        self.state().await.expect("a status")
    }

    fn starts(&self) -> usize {
        self.script.hosts.lock().expect("hosts").len()
    }

    fn host(&self) -> Arc<dyn GuestHost> {
        Arc::clone(self.script.hosts.lock().expect("hosts").last().expect("started"))
    }

    async fn all<E: Entity>(&self) -> Vec<E> {
        let found = self.ports.repository::<E>().find(&Query::of(Filter::All)).await;
        found.expect("readable").into_iter().map(|found| found.value).collect()
    }

    async fn exits(&self) -> Vec<serde_json::Value> {
        let all = self.all::<TriggerInstance>().await;
        all.into_iter()
            .filter(|instance| instance.trigger.name() == "st2.sensor.process_exit")
            .map(|instance| instance.payload.inline().cloned().expect("small"))
            .collect()
    }
}

fn tick(key: Option<&str>) -> DispatchItem {
    DispatchItem {
        trigger: "demo.tick".to_owned(),
        payload: Map::new(),
        trace_tag: None,
        dedupe_key: key.map(str::to_owned),
    }
}

#[tokio::test(start_paused = true)]
async fn a_sensor_runs_and_what_it_dispatches_carries_its_epoch() {
    let world = world(sensor(true), false).await;
    let status = world.reaches(SensorState::Running).await;
    let outcomes = world.host().dispatch(vec![tick(Some("k")), tick(Some("k"))]).await;
    let outcomes = outcomes.expect("accepted");
    assert!(matches!(outcomes[0], DispatchOutcome::Stored { .. }));
    assert_eq!(outcomes[1], DispatchOutcome::Duplicate);
    let too_long = "x".repeat(513);
    let refused = world.host().dispatch(vec![tick(Some(&too_long))]).await.expect("answered");
    assert!(matches!(refused[0], DispatchOutcome::Refused { .. }));
    let all = world.all::<TriggerInstance>().await;
    let ticks: Vec<_> = all.iter().filter(|i| i.trigger.name() == "tick").collect();
    assert_eq!(ticks.len(), 1);
    assert_eq!(ticks[0].epoch, status.epoch);
    assert!(status.epoch.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_sensor_that_crashes_is_started_again_and_never_given_up() {
    let world = world(sensor(true), false).await;
    for restart in 1..=12 {
        world.reaches(SensorState::Running).await;
        end(&world.script, crashed(), -9);
        let status = world.reaches(SensorState::BackingOff).await;
        assert_eq!(status.restarts, restart);
        assert_eq!(status.last_error.as_deref(), Some("boom"));
    }
    world.reaches(SensorState::Running).await;
    assert_eq!(world.starts(), 13);
    let exits = world.exits().await;
    assert_eq!(exits.len(), 12);
    assert_eq!((&exits[0]["id"], &exits[0]["exit_code"]), (&json!("Sensor"), &json!(-9)));
}

#[tokio::test(start_paused = true)]
async fn a_sensor_that_returns_rests_until_it_changes() {
    let world = world(sensor(true), false).await;
    world.reaches(SensorState::Running).await;
    end(&world.script, EndReason::Returned, 0);
    world.reaches(SensorState::Stopped).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(world.starts(), 1);
    put_sensor(&world.ports, &SensorType { digest: "2".to_owned(), ..sensor(true) }).await;
    world.reaches(SensorState::Running).await;
    assert_eq!(world.starts(), 2);
}

#[tokio::test(start_paused = true)]
async fn disabling_stops_and_an_unchanged_sensor_is_left_alone() {
    let world = world(sensor(true), false).await;
    world.reaches(SensorState::Running).await;
    put_sensor(&world.ports, &sensor(true)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.starts(), 1, "nothing changed");
    put_sensor(&world.ports, &sensor(false)).await;
    world.reaches(SensorState::Stopped).await;
    assert_eq!(*world.script.stopped.lock().expect("stopped"), 1, "it was asked to clean up");
    put_sensor(&world.ports, &sensor(true)).await;
    world.reaches(SensorState::Running).await;
}

#[tokio::test(start_paused = true)]
async fn triggers_come_and_go_while_the_sensor_runs() {
    let world = world(sensor(true), false).await;
    world.reaches(SensorState::Running).await;
    let trigger = put_trigger(&world.ports, "demo.tick", json!({"path": "/x"})).await;
    let name = trigger.reference.to_string();
    let serves =
        async |world: &World| world.script.served.lock().expect("served").contains_key(&name);
    world.until("served", serves).await;
    let shown = async |world: &World| {
        world.state().await.is_some_and(|status| status.triggers.contains(&name))
    };
    world.until("shown as served", shown).await;
    world.ports.repository::<Trigger>().delete(trigger.id).await.expect("deleted");
    world.ports.bus.publish(Topic::TriggerChanged, Wake::one(trigger.id)).await.expect("bus");
    world.until("no longer served", async |world| !serves(world).await).await;
}

#[tokio::test(start_paused = true)]
async fn a_stale_owner_is_not_heard() {
    let world = world(sensor(true), false).await;
    let status = world.reaches(SensorState::Running).await;
    let epoch = st2_model::Epoch(status.epoch.expect("an epoch").0 + 1);
    let fence = st2_ports::Fence { key: "sensor/demo.Sensor".to_owned(), epoch };
    world.ports.store.raise_fence(&fence).await.expect("raised");
    let refused = world.host().dispatch(vec![tick(None)]).await;
    assert_eq!(refused, Err(st2_plugin::HostError::Fenced));
}

#[tokio::test(start_paused = true)]
async fn single_mode_ends_with_the_sensor() {
    for (reason, code, expected) in
        [(crashed(), 3, Some(3)), (crashed(), -9, Some(-9)), (EndReason::Returned, 0, None)]
    {
        // Single mode does not ask whether the sensor is enabled.
        let world = world(sensor(false), true).await;
        world.reaches(SensorState::Running).await;
        end(&world.script, reason, code);
        let outcome = world.ended.await.expect("an end");
        assert_eq!(outcome.err().and_then(|error| error.exit_code), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn single_mode_refuses_a_sensor_that_does_not_exist() {
    let other: ResourceRef = "demo.Other".parse().expect("a ref");
    let unknown = SensorType { id: SensorType::id_of(&other), reference: other, ..sensor(true) };
    let world = world(sensor(true), true).await;
    world.reaches(SensorState::Running).await;
    let answer = SingleProvider::of(unknown.reference).assignment(&[sensor(true).reference]).await;
    assert!(answer.is_err());
}

#[tokio::test(start_paused = true)]
async fn local_datastore_items_carry_the_sensor_in_their_name() {
    let world = world(sensor(true), false).await;
    world.reaches(SensorState::Running).await;
    let host = world.host();
    let set = st2_protocol::DatastoreSet {
        name: "position".to_owned(),
        value: "42".to_owned(),
        local: true,
        ttl_seconds: None,
        encrypt: false,
    };
    host.datastore_set(set).await.expect("set");
    let items = world.all::<st2_model::KeyValue>().await;
    assert_eq!(items[0].name, "demo.Sensor:position");
    let list = st2_protocol::DatastoreList {
        prefix: "pos".to_owned(),
        local: true,
        limit: None,
        offset: 0,
    };
    let listed = host.datastore_list(list).await.expect("listed");
    assert_eq!((listed[0].name.as_str(), listed[0].value.as_str()), ("position", "42"));
}

#[test]
fn failures_are_answered_later_and_later_and_forgotten_when_it_ran_well() {
    let delays: Vec<u64> = (0..8)
        .map(|restarts| match after_failure(restarts) {
            Next::Retry { after, .. } => after.as_secs(),
            Next::Rest => panic!("a failure is never given up"),
        })
        .collect();
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60]);
    let long = Duration::from_secs(10);
    assert_eq!(after_end(&crashed(), long, 7), after_failure(0));
    assert_eq!(after_end(&crashed(), Duration::ZERO, 7), after_failure(7));
    assert_eq!(after_end(&EndReason::Returned, long, 7), Next::Rest);
}

#[test]
fn a_difference_removes_first_and_tells_only_what_changed() {
    let trigger = |id: &str, path: &str| st2_protocol::Trigger {
        id: id.to_owned(),
        parameters: json!({"path": path}).as_object().cloned().expect("an object"),
        ..st2_protocol::Trigger::default()
    };
    let of = |all: &[st2_protocol::Trigger]| -> Served {
        all.iter().map(|trigger| (trigger.id.clone(), trigger.clone())).collect()
    };
    let served = of(&[trigger("a", "/a"), trigger("b", "/b"), trigger("c", "/c")]);
    let wanted = of(&[trigger("b", "/b2"), trigger("c", "/c"), trigger("d", "/a")]);
    let expected = vec![
        Tell::Remove(trigger("a", "/a")),
        Tell::Update(trigger("b", "/b2")),
        Tell::Add(trigger("d", "/a")),
    ];
    assert_eq!(difference(&served, &wanted), expected);
}

//! Executions on ports in memory.

use std::sync::Arc;

use serde_json::{Value, json};
use st2_memory::simulated_ports;
use st2_model::{
    Action, Epoch, Execution, Id, Notify, Object, Owner, Policy, RunnerInfo, RunnerType, Secret,
    kinds,
};
use st2_ports::{Entity, KeyRing, KeyRingError, Ports, Topic, Versioned, Wake};

use crate::{Executions, Request, Settings};

/// A key ring whose ciphertext is the text backwards, and different each time.
#[derive(Default)]
pub(super) struct Backwards(std::sync::atomic::AtomicU64);

impl KeyRing for Backwards {
    fn seal(&self, plain: &str) -> Result<String, KeyRingError> {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(format!("{count}:{}", plain.chars().rev().collect::<String>()))
    }

    fn open(&self, ciphertext: &str) -> Result<Secret<String>, KeyRingError> {
        let (_, text) = ciphertext.split_once(':').unwrap();
        Ok(Secret::new(text.chars().rev().collect()))
    }
}

pub(super) struct Bench {
    pub(super) ports: Ports,
    pub(super) executions: Executions,
}

pub(super) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with_seed(1, true).await
    }

    pub(super) async fn with_seed(seed: u64, has_key: bool) -> Self {
        let (mut ports, _clock) = simulated_ports(seed);
        if has_key {
            ports.keyring = Arc::new(Backwards::default());
        }
        let executions = Executions::new(ports.clone(), Settings::default());
        let bench = Self { ports, executions };
        bench.store(runner_type()).await;
        bench.store(action("plain", false)).await;
        bench.store(action("again", true)).await;
        bench
    }

    /// Another service on the same ports.
    pub(super) fn another(&self) -> Executions {
        Executions::new(self.ports.clone(), Settings::default())
    }

    pub(super) async fn store<E: Entity>(&self, record: E) {
        self.ports.repository::<E>().put(&record).await.unwrap();
        let wake = Wake::one("test");
        self.ports.bus.publish(Topic::ContentChanged, wake).await.unwrap();
    }

    pub(super) async fn limit(&self, kind: &str, parameters: Value) {
        let reference = format!("test.{}", kind.replace('.', "_")).parse().unwrap();
        self.store(Policy {
            id: Policy::id_of(&reference),
            reference,
            description: None,
            enabled: true,
            resource_ref: "test.plain".into(),
            policy_type: kind.into(),
            parameters: object(parameters),
            metadata_file: String::new(),
        })
        .await;
    }

    pub(super) async fn request(&self, parameters: Value) -> Versioned<Execution> {
        let request = Request::new("test.plain".parse().unwrap(), object(parameters)).by("ada");
        self.executions.request(request).await.unwrap().execution
    }

    pub(super) async fn get(&self, id: Id<kinds::Execution>) -> Execution {
        self.executions.get(id).await.unwrap().value
    }

    pub(super) async fn admit(&self, id: Id<kinds::Execution>) -> crate::Admission {
        let found = self.executions.find(&[id]).await.unwrap();
        self.executions.admit(found).await
    }

    /// An execution that `owner` runs.
    pub(super) async fn running(&self, action: &str, owner: &Owner) -> Versioned<Execution> {
        let reference = format!("test.{action}").parse().unwrap();
        let request = Request::new(reference, Object::new()).by("ada");
        let id = self.executions.request(request).await.unwrap().execution.value.id;
        assert_eq!(self.admit(id).await.scheduled, 1);
        let scheduled = self.executions.get(id).await.unwrap();
        self.executions.claim(scheduled, owner, &info()).await.unwrap()
    }
}

pub(super) fn info() -> RunnerInfo {
    RunnerInfo { hostname: "box".into(), pid: 1 }
}

pub(super) fn owner(lease: &str, epoch: u64) -> Owner {
    Owner { lease: lease.into(), epoch: Epoch(epoch) }
}

fn runner_type() -> RunnerType {
    RunnerType {
        id: RunnerType::id_of("local"),
        name: "local".into(),
        description: None,
        enabled: true,
        runner_package: "local".into(),
        runner_module: "local".into(),
        runner_parameters: object(json!({
            "password": {"type": "string", "secret": true},
            "fixed": {"type": "string", "default": "as it is", "immutable": true},
        })),
        output_key: None,
        output_schema: Object::new(),
    }
}

pub(super) fn action(name: &str, idempotent: bool) -> Action {
    let reference = format!("test.{name}").parse().unwrap();
    Action {
        id: Action::id_of(&reference),
        reference,
        description: None,
        enabled: true,
        runner_type: "local".into(),
        entry_point: String::new(),
        parameters: object(json!({
            "group": {"type": "string", "default": "a"},
            "count": {"type": "integer"},
            "greeting": {"type": "string", "default": "hello {{ action_context.user }}"},
            "nested": {"type": "object", "properties": {"token": {"secret": true}}},
        })),
        output_schema: Object::new(),
        tags: Vec::new(),
        notify: Notify::default(),
        metadata_file: String::new(),
        content_version: None,
        idempotent,
    }
}

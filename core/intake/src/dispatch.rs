//! From an occurrence to a stored trigger instance.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use st2_model::{
    Id, InstanceStatus, Object, Payload, ResourceRef, Trigger, TriggerInstance, TriggerType, kinds,
};
use st2_ports::{Fence, Filter, Inserted, Ports, Query, StoreError, Topic, Wake};
use st2_schema::{Options, Schema};

/// What is meant by "the trigger".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// The trigger of this ref.
    Ref(String),
    /// The trigger of this id.
    Id(String),
    /// The trigger of this uid.
    Uid(String),
    /// The trigger of this type with exactly these parameters (as JSON text).
    Type(String, String),
}

impl Selector {
    /// The trigger of type `kind` with `parameters`.
    #[must_use]
    pub fn of_type(kind: &str, parameters: &Object) -> Self {
        Self::Type(kind.to_owned(), Value::Object(parameters.clone()).to_string())
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ref(text) | Self::Id(text) | Self::Uid(text) => f.write_str(text),
            Self::Type(kind, parameters) => write!(f, "{kind} with {parameters}"),
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// The trigger.
    pub trigger: Selector,
    /// What happened.
    pub payload: Value,
    /// The tag under which its consequences are traced.
    pub trace_tag: Option<String>,
    /// What identifies it: a second one with the same key is dropped.
    pub dedupe: Option<String>,
    /// Whether the payload is checked against the trigger type's schema.
    pub check: Check,
}

/// When a payload is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The product made it; the declared schemas of its own triggers are looser or older than it.
    Never,
    /// When the trigger type is a system one, or `validate_trigger_payload` is on.
    AsConfigured,
    /// Even when that is off: webhooks.
    Always,
}

impl Occurrence {
    /// An occurrence of one of the product's own triggers.
    pub fn internal(reference: impl Into<String>, payload: Value) -> Self {
        Self { check: Check::Never, ..Self::of(reference, payload) }
    }

    /// An occurrence of the trigger `reference`.
    pub fn of(reference: impl Into<String>, payload: Value) -> Self {
        Self {
            trigger: Selector::Ref(reference.into()),
            payload,
            trace_tag: None,
            dedupe: None,
            check: Check::AsConfigured,
        }
    }
}

/// What became of an occurrence that is not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// Its trigger instance is durable.
    Stored(Id<kinds::TriggerInstance>),
    /// One with the same key was stored before.
    Duplicate,
}

/// Why an occurrence was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// There is no such trigger.
    #[error("trigger \"{0}\" does not exist")]
    UnknownTrigger(String),
    /// The payload is not what the trigger type says.
    #[error("the payload for trigger \"{trigger}\" is not valid: {reason}")]
    Payload {
        /// The trigger.
        trigger: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store could not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes occurrences in. Cheap to clone.
#[derive(Clone)]
pub struct Intake {
    ports: Ports,
    validate_payload: bool,
}

/// A trigger and the compiled schema of its payload.
struct Known {
    reference: ResourceRef,
    schema: Result<Option<Schema>, String>,
    is_system: bool,
}

impl Intake {
    /// `validate_payload`: whether payloads of all trigger types are checked.
    #[must_use]
    pub const fn new(ports: Ports, validate_payload: bool) -> Self {
        Self { ports, validate_payload }
    }

    /// Accepts one occurrence.
    ///
    /// # Errors
    /// When the trigger is unknown, the payload invalid, or the store does not take it.
    pub async fn dispatch(&self, occurrence: Occurrence) -> Result<Accepted, IntakeError> {
        let mut answers = self.dispatch_all(vec![occurrence], None).await;
        answers.pop().unwrap_or(Ok(Accepted::Duplicate))
    }

    /// Accepts occurrences in their order, under the lease of the sensor that saw them, and says
    /// of each what became of it. All are on their way to the store at once, so that they share
    /// its commits and one flush to disk. Rules see them before that flush: what follows from an
    /// occurrence stands behind it in the store and is never found without it.
    pub async fn dispatch_all(
        &self,
        occurrences: Vec<Occurrence>,
        fence: Option<&Fence>,
    ) -> Vec<Result<Accepted, IntakeError>> {
        let mut known: HashMap<Selector, Option<Arc<Known>>> = HashMap::new();
        let mut prepared = Vec::with_capacity(occurrences.len());
        for occurrence in occurrences {
            if !known.contains_key(&occurrence.trigger) {
                match self.resolve(&occurrence.trigger).await {
                    Ok(found) => {
                        known.insert(occurrence.trigger.clone(), found.map(Arc::new));
                    }
                    Err(error) => {
                        prepared.push(Err(error.into()));
                        continue;
                    }
                }
            }
            let trigger = known.get(&occurrence.trigger).cloned().flatten();
            prepared.push(self.prepare(occurrence, trigger.as_deref(), fence).await);
        }
        let stored = prepared.into_iter().map(|instance| async {
            match instance {
                Ok(instance) => self.store(instance, fence).await,
                Err(error) => Err(error),
            }
        });
        let mut answers = futures::future::join_all(stored).await;
        self.wake(&answers).await;
        self.make_durable(&mut answers).await;
        answers
    }

    /// Nobody is told that an occurrence was accepted, or was accepted before, until it is on disk.
    async fn make_durable(&self, answers: &mut [Result<Accepted, IntakeError>]) {
        if answers.iter().all(Result::is_err) {
            return;
        }
        if let Err(error) = self.ports.store.flush().await {
            for answer in answers.iter_mut().filter(|answer| answer.is_ok()) {
                *answer = Err(error.clone().into());
            }
        }
    }

    async fn prepare(
        &self,
        occurrence: Occurrence,
        trigger: Option<&Known>,
        fence: Option<&Fence>,
    ) -> Result<TriggerInstance, IntakeError> {
        let Some(trigger) = trigger else {
            return Err(IntakeError::UnknownTrigger(occurrence.trigger.to_string()));
        };
        let mut payload = occurrence.payload;
        let is_checked = match occurrence.check {
            Check::Never => false,
            Check::AsConfigured => trigger.is_system || self.validate_payload,
            Check::Always => true,
        };
        if is_checked {
            check(trigger, &mut payload)?;
        }
        let now = self.ports.clock.now();
        Ok(TriggerInstance {
            id: self.ports.ids.id(now),
            trigger: trigger.reference.clone(),
            occurrence_time: now,
            payload: self.keep(payload).await?,
            status: InstanceStatus::Pending,
            trace_tag: occurrence.trace_tag,
            epoch: fence.map(|fence| fence.epoch),
            dedupe: occurrence.dedupe,
            failure: None,
        })
    }

    /// A payload that is too large for the record stands beside it.
    async fn keep(&self, payload: Value) -> Result<Payload, StoreError> {
        let text = payload.to_string();
        if text.len() <= Payload::INLINE_BYTES_MAX {
            return Ok(Payload::Inline(payload));
        }
        Ok(Payload::Blob(self.ports.relaxed_store().put_blob(Bytes::from(text)).await?))
    }

    async fn store(
        &self,
        instance: TriggerInstance,
        fence: Option<&Fence>,
    ) -> Result<Accepted, IntakeError> {
        let instances = self.ports.relaxed_repository::<TriggerInstance>();
        match instances.insert(&instance, fence).await? {
            Inserted::New => {
                metrics::counter!("st2_trigger_instances").increment(1);
                Ok(Accepted::Stored(instance.id))
            }
            Inserted::Exists | Inserted::Taken(_) => Ok(Accepted::Duplicate),
        }
    }

    async fn wake(&self, answers: &[Result<Accepted, IntakeError>]) {
        let ids: Vec<String> = answers
            .iter()
            .filter_map(|answer| match answer {
                Ok(Accepted::Stored(id)) => Some(id.to_string()),
                _ => None,
            })
            .collect();
        if ids.is_empty() {
            return;
        }
        let wake = Wake { ids, revision: None };
        if let Err(error) = self.ports.bus.publish(Topic::TriggerDispatched, wake).await {
            tracing::warn!(%error, "wake-up not sent; a sweep will find the trigger instances");
        }
    }

    async fn resolve(&self, selector: &Selector) -> Result<Option<Known>, StoreError> {
        let triggers = self.ports.repository::<Trigger>();
        let found = match selector {
            Selector::Ref(reference) => triggers.find_by("ref", reference).await?,
            Selector::Id(id) => triggers.get(id).await?,
            Selector::Uid(uid) => {
                // kind:pack:name:digest; the name may hold colons of its own.
                let mut parts = uid.splitn(3, ':').skip(1);
                let pack = parts.next().unwrap_or_default();
                let rest = parts.next().unwrap_or_default();
                let name = rest.rsplit_once(':').map_or(rest, |(name, _)| name);
                triggers.find_by("ref", format!("{pack}.{name}")).await?
            }
            Selector::Type(kind, parameters) => {
                let wanted: Value = serde_json::from_str(parameters).unwrap_or_default();
                let all = triggers.find(&Query::of(Filter::eq("type", kind.as_str()))).await?;
                all.into_iter()
                    .find(|trigger| Value::Object(trigger.value.parameters.clone()) == wanted)
            }
        };
        let Some(trigger) = found else { return Ok(None) };
        let kind = &trigger.value.kind;
        let types = self.ports.repository::<TriggerType>();
        let trigger_type = types.get(TriggerType::id_of(kind)).await?;
        let schema = match trigger_type {
            None => Ok(None),
            Some(found) if found.value.payload_schema.is_empty() => Ok(None),
            Some(found) => {
                Schema::compile(&Value::Object(found.value.payload_schema), Options::default())
                    .map(Some)
                    .map_err(|error| error.to_string())
            }
        };
        let is_system = kind.pack() == "core"
            && matches!(
                kind.name(),
                "st2.webhook" | "st2.IntervalTimer" | "st2.DateTimer" | "st2.CronTimer"
            );
        Ok(Some(Known { reference: trigger.value.reference, schema, is_system }))
    }
}

fn check(trigger: &Known, payload: &mut Value) -> Result<(), IntakeError> {
    let invalid =
        |reason: String| IntakeError::Payload { trigger: trigger.reference.to_string(), reason };
    match &trigger.schema {
        Ok(None) => Ok(()),
        Ok(Some(schema)) => schema.validate(payload).map_err(|errors| {
            invalid(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        }),
        Err(reason) => Err(invalid(format!("its schema can not be used: {reason}"))),
    }
}

//! What a running sensor can ask of the product.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use st2_intake::{
    Accepted, Datastore, DatastoreError, Intake, IntakeError, NewKeyValue, Occurrence,
};
use st2_model::{ResourceRef, Scope};
use st2_plugin::{GuestHost, GuestLog, HostError};
use st2_ports::{Fence, KeyRingError, StoreError};
use st2_protocol::{
    DatastoreDelete, DatastoreGet, DatastoreItem, DatastoreList, DatastoreSet, DispatchItem,
    DispatchOutcome,
};

use crate::status::StatusBoard;

/// Longest dedupe key, in bytes.
const DEDUPE_BYTES_MAX: usize = 512;
/// Most items of one listing.
const LIST_MAX: usize = 1_000;

/// Speaks for one sensor, under one lease.
pub(crate) struct SensorGuest {
    pub(crate) sensor: ResourceRef,
    pub(crate) fence: Fence,
    pub(crate) intake: Intake,
    pub(crate) datastore: Datastore,
    pub(crate) board: Arc<StatusBoard>,
}

impl SensorGuest {
    fn occurrence(&self, item: DispatchItem) -> Result<Occurrence, DispatchOutcome> {
        let key = item.dedupe_key.as_deref();
        if key.is_some_and(|key| key.is_empty() || key.len() > DEDUPE_BYTES_MAX) {
            let reason = format!("dedupe_key must have 1 to {DEDUPE_BYTES_MAX} bytes");
            return Err(DispatchOutcome::Refused { reason });
        }
        let dedupe = key.map(|key| format!("{}|{}|{key}", self.sensor, item.trigger));
        let mut occurrence = Occurrence::of(item.trigger, Value::Object(item.payload));
        occurrence.trace_tag = item.trace_tag;
        occurrence.dedupe = dedupe;
        Ok(occurrence)
    }

    /// The stored name of an item that is the sensor's own or everybody's.
    fn key(&self, name: &str, is_local: bool) -> String {
        if is_local { format!("{}{name}", self.prefix()) } else { name.to_owned() }
    }

    fn prefix(&self) -> String {
        format!("{}:", self.sensor)
    }
}

#[async_trait]
impl GuestHost for SensorGuest {
    async fn dispatch(&self, items: Vec<DispatchItem>) -> Result<Vec<DispatchOutcome>, HostError> {
        let mut outcomes = Vec::with_capacity(items.len());
        let mut accepted = Vec::with_capacity(items.len());
        for item in items {
            match self.occurrence(item) {
                Ok(occurrence) => {
                    accepted.push(occurrence);
                    outcomes.push(None);
                }
                Err(refused) => outcomes.push(Some(refused)),
            }
        }
        let answers = self.intake.dispatch_all(accepted, Some(&self.fence)).await;
        let mut answers = answers.into_iter();
        outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Some(refused) => Ok(refused),
                None => answers.next().map_or(Ok(DispatchOutcome::Duplicate), |answer| {
                    outcome_of(&self.sensor, answer)
                }),
            })
            .collect()
    }

    fn log(&self, record: GuestLog) {
        self.board.log(&self.sensor.to_string(), &record);
    }

    async fn datastore_get(&self, call: DatastoreGet) -> Result<Option<String>, HostError> {
        let name = self.key(&call.name, call.local);
        let found = self.datastore.get(&Scope::System, &name).await.map_err(unavailable)?;
        match found {
            Some(item) if call.decrypt => {
                let text = self.datastore.reveal(&item).map_err(refused)?;
                Ok(Some(text.reveal().clone()))
            }
            Some(item) => Ok(Some(item.value)),
            None => Ok(None),
        }
    }

    async fn datastore_set(&self, call: DatastoreSet) -> Result<(), HostError> {
        let new = NewKeyValue {
            scope: Scope::System,
            name: self.key(&call.name, call.local),
            value: call.value,
            secret: call.encrypt,
            encrypted: false,
            description: None,
            ttl: call.ttl_seconds.map(Duration::from_secs),
            is_note: call.local,
        };
        match self.datastore.set(new).await {
            Ok(_) => Ok(()),
            Err(DatastoreError::Store(error)) => Err(unavailable(error)),
            Err(error) => Err(HostError::Refused { reason: error.to_string() }),
        }
    }

    async fn datastore_list(&self, call: DatastoreList) -> Result<Vec<DatastoreItem>, HostError> {
        let prefix = self.key(&call.prefix, call.local);
        let limit = call.limit.map_or(LIST_MAX, |limit| (limit as usize).min(LIST_MAX));
        let offset = call.offset as usize;
        let found = self.datastore.list(&Scope::System, &prefix, Some(limit), offset).await;
        let own = if call.local { self.prefix() } else { String::new() };
        let items = found.map_err(unavailable)?.into_iter().map(|item| DatastoreItem {
            name: item.name.strip_prefix(&own).unwrap_or(&item.name).to_owned(),
            value: item.value,
        });
        Ok(items.collect())
    }

    async fn datastore_delete(&self, call: DatastoreDelete) -> Result<bool, HostError> {
        let name = self.key(&call.name, call.local);
        let deleted = if call.local {
            self.datastore.delete_note(&name).await
        } else {
            self.datastore.delete(&Scope::System, &name).await
        };
        deleted.map_err(unavailable)
    }
}

fn outcome_of(
    sensor: &ResourceRef,
    answer: Result<Accepted, IntakeError>,
) -> Result<DispatchOutcome, HostError> {
    match answer {
        Ok(Accepted::Stored(id)) => {
            Ok(DispatchOutcome::Stored { trigger_instance_id: id.to_string() })
        }
        Ok(Accepted::Duplicate) => Ok(DispatchOutcome::Duplicate),
        Err(IntakeError::Store(StoreError::Fenced { .. })) => Err(HostError::Fenced),
        Err(IntakeError::Store(error)) => Err(unavailable(error)),
        Err(error) => {
            tracing::warn!(%sensor, %error, "occurrence refused");
            metrics::counter!("st2_sensor_dispatches_refused").increment(1);
            Ok(DispatchOutcome::Refused { reason: error.to_string() })
        }
    }
}

fn unavailable(error: StoreError) -> HostError {
    HostError::Unavailable { reason: error.to_string() }
}

fn refused(error: KeyRingError) -> HostError {
    HostError::Refused { reason: error.to_string() }
}

//! Parameters and results of every method. `protocol.md` says when each may be sent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{LINE_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX};

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn yes() -> bool {
    true
}

/// Parameters of methods that have none: an empty object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Nothing {}

/// Result of methods that have nothing to tell: an empty object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {}

/// What kind of plugin the host wants to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GuestKind {
    /// A sensor.
    Sensor,
}

/// Limits of the channel, set by the host for both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChannelLimits {
    /// Longest line in bytes, line end included.
    pub line_bytes_max: usize,
    /// Requests of the guest the host works on at a time. With more in flight the host stops
    /// reading until it has answered one.
    pub requests_in_flight_max: u32,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self { line_bytes_max: LINE_BYTES_MAX, requests_in_flight_max: REQUESTS_IN_FLIGHT_MAX }
    }
}

/// `initialize`: the first message, from the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Initialize {
    /// Versions the host speaks.
    pub protocol_versions: Vec<u32>,
    /// What the guest shall be.
    pub kind: GuestKind,
    /// Pack of the sensor.
    pub pack: String,
    /// Class name of the sensor; its reference is `<pack>.<name>`.
    pub name: String,
    /// Limits from the next message on.
    #[serde(default)]
    pub limits: ChannelLimits,
}

/// Who decides when a sensor looks for news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorKind {
    /// The sensor: the host calls `run` once and it stays in there.
    Passive,
    /// The host: it calls `poll` again and again.
    Polling,
}

/// Result of `initialize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Initialized {
    /// The version the guest chose among those offered.
    pub protocol_version: u32,
    /// How the sensor wants to be driven.
    pub sensor_kind: SensorKind,
    /// Name and version of the guest's library, for logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
}

/// `configure`: the configuration of the pack, then the set-up of the sensor.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Configure {
    /// The pack's configuration with secrets revealed; empty when the pack has none.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Time between the end of one `poll` and the start of the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_interval_ms: Option<u64>,
}

/// Values of the configuration may be secrets: only its keys are shown.
impl std::fmt::Debug for Configure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configure")
            .field("config", &self.config.keys().collect::<Vec<_>>())
            .field("poll_interval_ms", &self.poll_interval_ms)
            .finish()
    }
}

/// A trigger the sensor serves: a trigger type of the sensor with the parameters of some rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Trigger {
    /// Id of the trigger; the same over its whole life.
    pub id: String,
    /// Reference, `<pack>.<name>`. This is what `dispatch` takes.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Name within the pack.
    pub name: String,
    /// Pack.
    pub pack: String,
    /// Reference of the trigger type.
    #[serde(rename = "type")]
    pub trigger_type: String,
    /// Parameters, valid against the schema of the trigger type.
    pub parameters: Map<String, Value>,
    /// Unique id of the kind `trigger:…`.
    pub uid: String,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// `add_trigger`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddTrigger {
    /// The new trigger.
    pub trigger: Trigger,
}

/// `update_trigger`: the trigger of the same id changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpdateTrigger {
    /// The trigger as it is now.
    pub trigger: Trigger,
}

/// `remove_trigger`: no rule needs it any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoveTrigger {
    /// The trigger as it was.
    pub trigger: Trigger,
}

/// `dispatch`: something happened. One or more occurrences, stored in the order given.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Dispatch {
    /// The occurrences, at most [`DISPATCH_ITEMS_MAX`](crate::DISPATCH_ITEMS_MAX).
    pub items: Vec<DispatchItem>,
}

/// One occurrence, which becomes a trigger instance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DispatchItem {
    /// Reference of a trigger handed to this guest, or of a trigger type of this sensor.
    pub trigger: String,
    /// Payload, valid against the schema of the trigger type.
    #[serde(default)]
    pub payload: Map<String, Value>,
    /// Trace tag of the trigger instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_tag: Option<String>,
    /// What identifies the occurrence: a second one with the same trigger and key is dropped. At
    /// most 512 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe_key: Option<String>,
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DispatchOutcome {
    /// The trigger instance is stored and survives a crash of any process.
    Stored {
        /// Its id.
        trigger_instance_id: String,
    },
    /// One with the same key was stored before; nothing was done.
    Duplicate,
    /// It can never be stored, for example because the payload breaks the schema.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Result of `dispatch`: one outcome for each item, in the same order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dispatched {
    /// The outcomes.
    pub outcomes: Vec<DispatchOutcome>,
}

/// Severity of a log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// Normal course of things.
    Info,
    /// Something the operator may want to look at.
    Warning,
    /// Something did not work.
    Error,
}

/// `log`: a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Severity.
    pub level: LogLevel,
    /// Text; line ends in it do not start a new record.
    pub message: String,
    /// Name of the logger, below that of the sensor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logger: Option<String>,
}

/// `datastore_get`. With `local` the name is that of the sensor: `<pack>.<class>:<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreGet {
    /// Name of the item.
    pub name: String,
    /// Whether the name is local to the sensor.
    #[serde(default = "yes")]
    pub local: bool,
    /// Whether an encrypted value is wanted in clear.
    #[serde(default, skip_serializing_if = "is_default")]
    pub decrypt: bool,
}

/// Result of `datastore_get`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatastoreValue {
    /// The value, absent when there is no such item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// `datastore_set`: answered when the value is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreSet {
    /// Name of the item.
    pub name: String,
    /// Its new value.
    pub value: String,
    /// Whether the name is local to the sensor.
    #[serde(default = "yes")]
    pub local: bool,
    /// Life time; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
    /// Whether to store it encrypted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub encrypt: bool,
}

/// `datastore_list`: items by name, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreList {
    /// Only names that start so; with `local` below the sensor's own prefix.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prefix: String,
    /// Whether names are local to the sensor.
    #[serde(default = "yes")]
    pub local: bool,
    /// At most so many; absent: the host's own maximum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Skip so many.
    #[serde(default, skip_serializing_if = "is_default")]
    pub offset: u32,
}

/// Result of `datastore_list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatastoreItems {
    /// The items.
    pub items: Vec<DatastoreItem>,
}

/// One item of the datastore.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatastoreItem {
    /// Name, without the sensor's prefix when the list was local.
    pub name: String,
    /// Value; encrypted ones stay so.
    pub value: String,
}

/// `datastore_delete`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreDelete {
    /// Name of the item.
    pub name: String,
    /// Whether the name is local to the sensor.
    #[serde(default = "yes")]
    pub local: bool,
}

/// Result of `datastore_delete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatastoreDeleted {
    /// False when there was no such item.
    pub deleted: bool,
}

//! Sensor types.

use serde::{Deserialize, Serialize};

use crate::{Epoch, Id, ResourceRef, Timestamp, Uid, kinds};

/// The metadata of a sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SensorType {
    /// Follows from the ref.
    pub id: Id<kinds::SensorType>,
    /// `pack.ClassName`.
    #[serde(rename = "ref")]
    pub reference: ResourceRef,
    /// What it watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `file:///<path of the code>`.
    pub artifact_uri: String,
    /// `<module path>.<Class>`, or the path of a native or WASM plugin.
    pub entry_point: String,
    /// Refs of the trigger types that it dispatches.
    pub trigger_types: Vec<String>,
    /// Seconds between polls; absent for a passive sensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poll_interval: Option<serde_json::Number>,
    /// Whether it is run.
    pub enabled: bool,
    /// Path of the defining file relative to the pack.
    pub metadata_file: String,
    /// Digest over its metadata and code, by which a change is recognised.
    #[serde(default)]
    pub digest: String,
}

impl SensorType {
    /// The id of the sensor `reference`.
    #[must_use]
    pub fn id_of(reference: &ResourceRef) -> Id<kinds::SensorType> {
        Id::derived(&["sensor_type", reference.pack(), reference.name()])
    }

    /// `sensor_type:<pack>:<name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["sensor_type", self.reference.pack(), self.reference.name()])
    }
}

/// Where a sensor stands on the node that runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SensorState {
    /// Another node holds its lease; this one is ready to take over.
    Standby,
    /// Its process is being brought up.
    Starting,
    /// It runs.
    Running,
    /// It failed and is tried again later.
    BackingOff,
    /// It ended by itself, or was stopped.
    Stopped,
    /// It can not be run until its content changes.
    Broken,
}

/// What its host knows of a sensor. One record per sensor, written by the node that holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SensorStatus {
    /// The sensor's own id.
    pub id: Id<kinds::SensorType>,
    /// The sensor.
    #[serde(rename = "ref")]
    pub reference: ResourceRef,
    /// The node.
    pub node: String,
    /// Where it stands.
    pub state: SensorState,
    /// Since when.
    pub since: Timestamp,
    /// Its process, while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The epoch under which it dispatches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// How often it was started again after a failure, since it last ran well.
    pub restarts: u32,
    /// Why it last ended or could not be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// Refs of the triggers that it has taken over: what it sees of them from now on is dispatched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
    /// The last lines that it logged or wrote.
    pub log_tail: Vec<String>,
}

//! Sensor types.

use serde::{Deserialize, Serialize};

use crate::{Id, ResourceRef, Uid, kinds};

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

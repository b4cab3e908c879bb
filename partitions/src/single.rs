//! One sensor is this node's, by name.

use async_trait::async_trait;
use st2_model::ResourceRef;

use crate::{PartitionError, PartitionProvider};

/// What `--sensor-ref` selects.
#[derive(Debug, Clone)]
pub struct SingleProvider {
    sensor: ResourceRef,
}

impl SingleProvider {
    /// The node of `sensor` alone.
    #[must_use]
    pub const fn of(sensor: ResourceRef) -> Self {
        Self { sensor }
    }
}

#[async_trait]
impl PartitionProvider for SingleProvider {
    fn name(&self) -> &'static str {
        "single"
    }

    async fn assignment(
        &self,
        sensors: &[ResourceRef],
    ) -> Result<Vec<ResourceRef>, PartitionError> {
        if sensors.contains(&self.sensor) {
            Ok(vec![self.sensor.clone()])
        } else {
            Err(PartitionError::UnknownSensor(self.sensor.to_string()))
        }
    }
}

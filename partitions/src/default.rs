//! Every sensor is this node's.

use async_trait::async_trait;
use st2_model::ResourceRef;

use crate::{PartitionError, PartitionProvider};

/// The provider `default`.
#[derive(Debug, Clone, Copy)]
pub struct DefaultProvider;

#[async_trait]
impl PartitionProvider for DefaultProvider {
    fn name(&self) -> &'static str {
        "default"
    }

    async fn assignment(
        &self,
        sensors: &[ResourceRef],
    ) -> Result<Vec<ResourceRef>, PartitionError> {
        Ok(sensors.to_vec())
    }
}

//! Which sensors a node runs.
//!
//! A provider answers with the refs that are this node's; the sensor host runs those of them that
//! are enabled and holds a lease for each, so that two nodes that claim the same sensor do not
//! both run it: the second stands by.
//!
//! Read first: [`PartitionProvider`].

mod default;
mod parse;
mod single;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use st2_model::ResourceRef;

pub use default::DefaultProvider;
pub use parse::provider;
pub use single::SingleProvider;

/// Why a partition can not be found out. The process exits with 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// `[sensorcontainer] partition_provider` can not be read.
    #[error("[sensorcontainer] partition_provider: {0}")]
    Invalid(String),
    /// No provider has this name.
    #[error("Partition provider {0} not found.")]
    UnknownProvider(String),
    /// The sensor that this node is to run does not exist.
    #[error("Sensor {0} not found.")]
    UnknownSensor(String),
}

/// Says which sensors are this node's. Asked at start and whenever sensors or the assignment
/// change; may wait for a store or a file, and never blocks the thread.
#[async_trait]
pub trait PartitionProvider: Send + Sync {
    /// The name under which it is configured.
    fn name(&self) -> &'static str;

    /// Those of `sensors` (every sensor there is, enabled or not) that are this node's.
    async fn assignment(&self, sensors: &[ResourceRef])
    -> Result<Vec<ResourceRef>, PartitionError>;

    /// Returns when the assignment has changed by itself. Static providers never return.
    async fn changed(&self) {
        std::future::pending().await
    }
}

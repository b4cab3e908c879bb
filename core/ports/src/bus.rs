//! The bus: wake-ups between services.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use st2_model::Revision;

/// What a wake-up is about. Closed: everything that can wake a service is listed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// A trigger instance was stored. Ids: trigger instances.
    TriggerDispatched,
    /// An execution was requested or is due. Ids: executions.
    ExecutionRequested,
    /// An execution may be claimed. Ids: executions.
    ExecutionScheduled,
    /// An execution has an intent for its holder. Ids: executions.
    ExecutionIntent,
    /// An execution changed in any way. Ids: executions.
    ExecutionChanged,
    /// Output was appended. Ids: executions.
    ExecutionOutput,
    /// A trigger was made, changed or removed. Ids: triggers.
    TriggerChanged,
    /// A rule was made, changed or removed. Ids: rules.
    RuleChanged,
    /// A sensor was made, changed or removed. Ids: sensor types.
    SensorChanged,
    /// A datastore item was made, changed or removed. Ids: key-value pairs.
    KeyChanged,
    /// Other content was made, changed or removed. Ids: packs' refs.
    ContentChanged,
}

impl Topic {
    /// Every topic.
    pub const ALL: [Self; 11] = [
        Self::TriggerDispatched,
        Self::ExecutionRequested,
        Self::ExecutionScheduled,
        Self::ExecutionIntent,
        Self::ExecutionChanged,
        Self::ExecutionOutput,
        Self::TriggerChanged,
        Self::RuleChanged,
        Self::SensorChanged,
        Self::KeyChanged,
        Self::ContentChanged,
    ];

    /// The name of the topic on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TriggerDispatched => "trigger.dispatched",
            Self::ExecutionRequested => "execution.requested",
            Self::ExecutionScheduled => "execution.scheduled",
            Self::ExecutionIntent => "execution.intent",
            Self::ExecutionChanged => "execution.changed",
            Self::ExecutionOutput => "execution.output",
            Self::TriggerChanged => "trigger.changed",
            Self::RuleChanged => "rule.changed",
            Self::SensorChanged => "sensor.changed",
            Self::KeyChanged => "key.changed",
            Self::ContentChanged => "content.changed",
        }
    }
}

/// A wake-up: ids, never documents. The reader reads the store and drops what is no longer true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// Ids of what the topic speaks of.
    pub ids: Vec<String>,
    /// The revision that was written, where there is one id and it is known.
    pub revision: Option<Revision>,
}

impl Wake {
    /// A wake-up about one record.
    pub fn one(id: impl ToString) -> Self {
        Self { ids: vec![id.to_string()], revision: None }
    }
}

/// Who gets a wake-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// One member of the group of this name. The group's wake-ups wait while no member is there.
    Shared(&'static str),
    /// Every subscriber, for as long as it is subscribed.
    Each,
}

/// Why the bus could not take a message.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// The backend is away. Nothing is lost: a sweep will find what the message spoke of.
    #[error("the bus is unavailable: {0}")]
    Unavailable(String),
}

/// Takes back what became of a delivery. Implemented by backends.
#[async_trait]
pub trait Settle: Send + Sync {
    /// The message has been dealt with.
    async fn ack(self: Box<Self>);
    /// Deliver it again, to any member of the group, not before `delay` has passed.
    async fn retry_after(self: Box<Self>, delay: Duration);
}

/// A wake-up in a reader's hands. Dropping it unsettled makes it come again.
pub struct Delivery {
    /// What it says.
    pub wake: Wake,
    settle: Box<dyn Settle>,
}

impl Delivery {
    /// A delivery; for backends.
    #[must_use]
    pub fn new(wake: Wake, settle: Box<dyn Settle>) -> Self {
        Self { wake, settle }
    }

    /// The message has been dealt with. Call it after the store write that it led to.
    pub async fn ack(self) {
        self.settle.ack().await;
    }

    /// Deliver it again, not before `delay` has passed.
    pub async fn retry_after(self, delay: Duration) {
        self.settle.retry_after(delay).await;
    }
}

/// A stream of wake-ups.
#[async_trait]
pub trait Subscription: Send {
    /// The next wake-up. Waits for it; `None` when the bus has shut down. Safe to cancel: a
    /// wake-up is not lost when the future is dropped.
    async fn next(&mut self) -> Option<Delivery>;
}

/// Wake-ups by topic. A wake-up is delivered at least once to each group while the bus lives, and
/// may be lost with it; order is kept within a topic for a single reader and promised nowhere.
#[async_trait]
pub trait Bus: Send + Sync {
    /// Sends a wake-up, after the write that it speaks of has returned. Never waits for readers.
    async fn publish(&self, topic: Topic, wake: Wake) -> Result<(), BusError>;

    /// Joins a group of readers. Subscribe before reading the state that the wake-ups are about,
    /// so that nothing falls between.
    async fn subscribe(
        &self,
        topic: Topic,
        group: Group,
    ) -> Result<Box<dyn Subscription>, BusError>;
}

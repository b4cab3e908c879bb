//! What the product speaks of: ids, references, time, statuses and the records that are stored.
//!
//! Values and functions only; no I/O, no clock, no runtime. Two invariants live here: a status
//! moves only along [`ExecutionStatus::may_become`], and an id that one record causes in another
//! is computed from the cause ([`Id::derived`]), so that doing it twice changes nothing.
//!
//! The serde form of a record is how it is stored. What outsiders see is made in `core/wire`.
//!
//! Read first: `ids.rs`, `status.rs`, `execution.rs`.

mod access;
mod action;
mod alias;
mod config;
mod datastore;
mod enforcement;
mod execution;
mod ids;
mod pack;
mod payload;
mod policy;
mod refs;
mod rule;
mod secret;
mod sensor;
mod status;
mod timestamp;
mod trigger;
mod version;

#[cfg(test)]
mod tests;

pub use access::{ApiKey, Token, User};
pub use action::{Action, Notify, NotifyRoute, RunnerType, Tag};
pub use alias::{ActionAlias, AliasFormat};
pub use config::{Config, ConfigSchema};
pub use datastore::{KeyValue, Scope};
pub use enforcement::{EnforcementStatus, RuleEnforcement, RuleIdentity};
pub use execution::{
    Execution, Intent, IntentKind, OutputChunk, OutputStream, Owner, RuleOrigin, RunnerInfo,
    Snapshot, StatusChange,
};
pub use ids::{Id, Kind, ParseIdError, kinds};
pub use pack::Pack;
pub use payload::{BlobRef, Digest, Payload};
pub use policy::{Policy, PolicyType};
pub use refs::{ActionRef, ParseRefError, ResourceRef, Uid};
pub use rule::{Rule, RuleAction, RuleType, RuleTypeSpec};
pub use secret::{MASK, Secret};
pub use sensor::{SensorState, SensorStatus, SensorType};
pub use status::{ExecutionStatus, ParseStatusError};
pub use timestamp::{ParseTimestampError, Timestamp};
pub use trigger::{InstanceStatus, Trigger, TriggerInstance, TriggerType};
pub use version::{Epoch, Revision};

/// A JSON object that keeps the order of its members.
pub type Object = serde_json::Map<String, serde_json::Value>;

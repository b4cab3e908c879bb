//! What a guest can ask of the product.

use async_trait::async_trait;
use st2_protocol::{
    DatastoreDelete, DatastoreGet, DatastoreItem, DatastoreList, DatastoreSet, DispatchItem,
    DispatchOutcome, ErrorCode, LogLevel, RpcError,
};

use crate::grants::MissingGrant;

/// Implemented by the sensor host, once per running sensor: it knows which sensor it speaks for and
/// under which lease. Called concurrently for datastore and log; `dispatch` is called again only
/// after the previous call has returned, so occurrences keep their order.
#[async_trait]
pub trait GuestHost: Send + Sync {
    /// Stores occurrences in order. Returns after all of them are durable, with one outcome each.
    /// On an error some of the first may have been stored: the guest sends the whole call again and
    /// the dedupe keys sort it out.
    async fn dispatch(&self, items: Vec<DispatchItem>) -> Result<Vec<DispatchOutcome>, HostError>;

    /// Takes a log record. Must not block.
    fn log(&self, record: GuestLog);

    /// Reads one datastore item, `None` when there is none.
    async fn datastore_get(&self, call: DatastoreGet) -> Result<Option<String>, HostError>;

    /// Writes one datastore item; durable on return.
    async fn datastore_set(&self, call: DatastoreSet) -> Result<(), HostError>;

    /// Lists datastore items by name.
    async fn datastore_list(&self, call: DatastoreList) -> Result<Vec<DatastoreItem>, HostError>;

    /// Deletes one datastore item; false when there was none.
    async fn datastore_delete(&self, call: DatastoreDelete) -> Result<bool, HostError>;
}

/// Where a log record of a guest comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogSource {
    /// The guest's logger, with the name it gave.
    Logger(Option<String>),
    /// A line of standard output.
    Stdout,
    /// A line of standard error.
    Stderr,
    /// The plugin host, about the guest.
    Host,
}

/// One log record of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestLog {
    /// Severity.
    pub level: LogLevel,
    /// Origin.
    pub source: LogSource,
    /// Text, not trusted: it may contain anything.
    pub message: String,
}

/// Why the product did not do what a guest asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The operator has not granted it.
    #[error(transparent)]
    NotGranted(#[from] MissingGrant),
    /// The call is wrong and stays wrong.
    #[error("{reason}")]
    Refused {
        /// What is wrong with it.
        reason: String,
    },
    /// The store does not answer; the same call may succeed later.
    #[error("not available now: {reason}")]
    Unavailable {
        /// What is missing.
        reason: String,
    },
    /// The lease of the sensor has gone to another node.
    #[error("this sensor now runs on another node")]
    Fenced,
}

impl From<HostError> for RpcError {
    fn from(error: HostError) -> Self {
        let code = match &error {
            HostError::NotGranted(_) => ErrorCode::NotGranted,
            HostError::Refused { .. } => ErrorCode::InvalidParams,
            HostError::Unavailable { .. } => ErrorCode::Unavailable,
            HostError::Fenced => ErrorCode::Fenced,
        };
        let data = match &error {
            HostError::NotGranted(missing) => {
                Some(serde_json::json!({ "grant": missing.0.to_string() }))
            }
            _ => None,
        };
        Self { code, message: error.to_string(), data }
    }
}

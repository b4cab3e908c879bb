//! Executions: one record is both StackStorm's live action and its execution.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ActionRef, Digest, Epoch, ExecutionStatus, Id, Notify, Object, Payload, ResourceRef, Timestamp,
    kinds,
};

/// A document of content as it was when an execution was requested. Many executions share one:
/// it is stored once, under the digest of its JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Digest of the JSON text of `body`.
    pub id: Digest,
    /// The API JSON of the content.
    pub body: Value,
}

impl Snapshot {
    /// The snapshot of `body`.
    #[must_use]
    pub fn of(body: Value) -> Self {
        Self { id: Digest::of(body.to_string().as_bytes()), body }
    }
}

/// A change of status, as the execution's `log` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    /// When.
    pub timestamp: Timestamp,
    /// The status entered.
    pub status: ExecutionStatus,
}

/// Which worker holds an execution, and under which epoch of its lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Key of the worker's lease.
    pub lease: String,
    /// Epoch of that lease when the execution was claimed.
    pub epoch: Epoch,
}

/// Where an execution ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerInfo {
    /// The node.
    pub hostname: String,
    /// The worker's process.
    pub pid: u32,
}

/// What somebody asked the holder of a running execution to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IntentKind {
    /// End it.
    Cancel,
    /// Pause it (workflows).
    Pause,
    /// Let it go on (workflows).
    Resume,
}

/// A durable request to the holder of an execution. Stored first, sent second, obeyed by the
/// holder of the lease; a lost message costs time, not the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What is asked.
    pub kind: IntentKind,
    /// By whom.
    pub user: String,
    /// When.
    pub at: Timestamp,
}

/// What a rule-born execution came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleOrigin {
    /// Ref of the rule.
    pub rule_ref: ResourceRef,
    /// Snapshot of the rule.
    pub rule: Digest,
    /// Snapshot of the trigger.
    pub trigger: Digest,
    /// Snapshot of the trigger type.
    pub trigger_type: Digest,
    /// Ref of the trigger.
    pub trigger_ref: ResourceRef,
    /// Ref of the trigger type.
    pub trigger_type_ref: ResourceRef,
    /// Id of the trigger instance.
    pub trigger_instance: Id<kinds::TriggerInstance>,
    /// Its payload.
    pub payload: Payload,
    /// When it occurred.
    pub occurrence_time: Timestamp,
}

/// One run of an action, from request to result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Derived from the cause where there is one.
    pub id: Id<kinds::Execution>,
    /// The id that StackStorm's clients see as `liveaction.id`.
    pub live_action: Id<kinds::LiveAction>,
    /// The action.
    pub action: ActionRef,
    /// Snapshot of the action's API JSON.
    pub action_snapshot: Digest,
    /// Name of the runner type.
    pub runner: String,
    /// Snapshot of the runner type's API JSON.
    pub runner_snapshot: Digest,
    /// Whether a workflow.
    pub is_workflow: bool,
    /// Whether it may be run again when its worker is gone.
    pub idempotent: bool,
    /// Where it stands. Changed by `core/execution` only.
    pub status: ExecutionStatus,
    /// When it was requested.
    pub start_timestamp: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_timestamp: Option<Timestamp>,
    /// The values given. A secret one stands sealed, as `{"$sealed": "<ciphertext>"}`.
    pub parameters: Object,
    /// What it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Payload>,
    /// Length of the result's JSON text in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_size: Option<u64>,
    /// User, trace, parent and more (`contract` words).
    pub context: Object,
    /// Whom to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// Where it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_info: Option<RunnerInfo>,
    /// The execution whose child it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Id<kinds::Execution>>,
    /// What it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Box<RuleOrigin>>,
    /// The statuses it went through.
    pub log: Vec<StatusChange>,
    /// The requested delay before scheduling, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// When the scheduler must look at it again. Set exactly while nobody holds it and it is not
    /// completed: no execution is without an owner or a due time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    /// Who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// What its holder was asked to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
}

/// The stream that output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// What a runner reports itself.
    Output,
}

impl OutputStream {
    /// The stream as StackStorm spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Output => "output",
        }
    }
}

/// Some lines of an execution's output, in one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputChunk {
    /// Follows from execution and sequence number.
    pub id: Id<kinds::OutputChunk>,
    /// The execution.
    pub execution_id: Id<kinds::Execution>,
    /// Counts the chunks of one execution, from 0, over all streams.
    pub sequence: u64,
    /// The action.
    pub action_ref: ActionRef,
    /// Name of the runner type.
    pub runner_ref: String,
    /// When the chunk was written.
    pub timestamp: Timestamp,
    /// The stream.
    pub output_type: OutputStream,
    /// The lines, each with its newline.
    pub data: String,
}

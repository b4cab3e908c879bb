//! The trait and what it is called with.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use st2_execution::{Content, Outcome};
use st2_model::{Execution, Object};
use tokio_util::sync::CancellationToken;

use crate::Output;

/// Everything one run gets. Parameters are final: rendered, cast, defaults filled in, secrets in
/// the clear.
pub struct RunContext {
    /// The execution as it was claimed; its own `parameters` are the stored ones, secrets sealed.
    pub execution: Arc<Execution>,
    /// The action and its runner type as they were when the execution was requested.
    pub content: Arc<Content>,
    /// What the runner itself reads.
    pub runner_parameters: Object,
    /// What the action's code receives; null where nothing was given.
    pub action_parameters: Object,
    /// Folder of the action's pack, where it is installed on this machine.
    pub pack_dir: Option<PathBuf>,
    /// The variables of the contract, `ST2_ACTION_*`; the token among them is a secret.
    pub env: BTreeMap<String, String>,
    /// Takes what the guest prints while it runs.
    pub output: Output,
    /// Cancelled when the guest is to end: somebody canceled the execution, or the worker stops.
    pub cancel: CancellationToken,
    /// How long a guest that was asked to end may take before it is killed.
    pub grace: Duration,
}

impl RunContext {
    /// The file that the action names as its entry point, when it names one.
    #[must_use]
    pub fn entry_point(&self) -> Option<PathBuf> {
        let entry_point = &self.content.action.entry_point;
        let pack_dir = self.pack_dir.as_ref()?;
        (!entry_point.is_empty()).then(|| pack_dir.join("actions").join(entry_point))
    }

    /// The runner parameter `name`; nothing when it is null.
    #[must_use]
    pub fn runner_parameter(&self, name: &str) -> Option<&Value> {
        let value = self.runner_parameters.get(name);
        value.filter(|value| !value.is_null())
    }

    /// The runner parameter `timeout`, in seconds: how long the guest may run. Zero and less mean
    /// no limit.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        let seconds = self.runner_parameter("timeout")?.as_f64()?;
        (seconds > 0.0).then(|| Duration::try_from_secs_f64(seconds).ok()).flatten()
    }
}

/// Parameters and token are secrets, so little is shown.
impl fmt::Debug for RunContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunContext")
            .field("execution", &self.execution.id)
            .field("action", &self.execution.action)
            .field("pack_dir", &self.pack_dir)
            .finish_non_exhaustive()
    }
}

/// Carries out actions of one or more runner types. One value serves all runs of a process, many
/// at a time.
#[async_trait]
pub trait Runner: Send + Sync {
    /// The names of the runner types that this code carries out.
    fn names(&self) -> &'static [&'static str];

    /// The definition of these runner types, as the text of a StackStorm `runner.yaml`.
    fn metadata(&self) -> &'static str;

    /// Whether guests get a token of the execution's user to call the API with. Making one costs
    /// two writes per run.
    fn needs_token(&self) -> bool {
        false
    }

    /// Runs the action and returns how it ended. It may take as long as it wants; it must not
    /// block the thread. It ends soon after `context.cancel` is cancelled. When the future is
    /// dropped nothing of the guest is left running.
    async fn run(&self, context: RunContext) -> Outcome;
}

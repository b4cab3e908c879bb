//! The life of a plugin, in phases. Each trait says how often its methods are called, in which
//! order, and what they may wait for.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};
use st2_model::ResourceRef;
use st2_protocol::Trigger;

use crate::error::Result;
use crate::grants::Grants;
use crate::host::GuestHost;
use crate::limits::Limits;

/// The content of one sensor, as registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// `<pack>.<class name>`.
    pub sensor: ResourceRef,
    /// Folder of the pack.
    pub pack_folder: PathBuf,
    /// The file the metadata names as entry point. Need not exist for built-in native plugins.
    pub entry_point: PathBuf,
}

/// Finds out whether and how a sensor can be run. One for each kind of guest, made once by the
/// composition root and shared.
#[async_trait]
pub trait PluginLoader: Send + Sync {
    /// Name of the kind of guest, for logs: `native`, `python`, `component`.
    fn kind(&self) -> &'static str;

    /// True when this loader is the one for the sensor. Called before [`load`](Self::load), cheap,
    /// looks at names only.
    fn claims(&self, artifact: &Artifact) -> bool;

    /// Reads, checks, and if need be compiles the content. Called once for each version of the
    /// content; may take seconds, must not block the thread.
    ///
    /// # Errors
    /// When the content cannot be run as it is.
    async fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Plugin>>;
}

/// Configuration, permissions and limits of one plugin.
#[derive(Clone, Default)]
pub struct Binding {
    /// The pack's configuration with secrets revealed; it reaches the guest and nothing else.
    pub config: Map<String, Value>,
    /// For a polling sensor.
    pub poll_interval: Option<Duration>,
    /// What it may do.
    pub grants: Grants,
    /// What it may use.
    pub limits: Limits,
}

/// Values of the configuration may be secrets: only its keys are shown.
impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binding")
            .field("config", &self.config.keys().collect::<Vec<_>>())
            .field("poll_interval", &self.poll_interval)
            .field("grants", &self.grants)
            .field("limits", &self.limits)
            .finish()
    }
}

/// A loaded plugin: content without configuration.
pub trait Plugin: Send + Sync {
    /// Joins content and configuration. Called whenever the configuration has changed; quick, no
    /// I/O; guests that run already keep what they were started with.
    ///
    /// # Errors
    /// When the plugin asks for something that is not granted, or a limit cannot be kept.
    fn bind(&self, binding: Binding) -> Result<Arc<dyn BoundPlugin>>;
}

/// What the host gives to one instance.
pub struct StartContext {
    /// Answers the calls of the guest.
    pub host: Arc<dyn GuestHost>,
    /// Variables the guest finds in its environment besides the standard ones, such as
    /// `ST2_API_URL` and `ST2_AUTH_TOKEN`.
    pub env: Vec<(String, String)>,
}

/// A plugin that can be started, any number of times.
#[async_trait]
pub trait BoundPlugin: Send + Sync {
    /// Starts a guest and brings it to the point where it is set up and takes triggers; returns
    /// then. Cancelling the future ends the guest.
    ///
    /// # Errors
    /// When it cannot be started or does not get so far within its limits; nothing is left running.
    async fn start(&self, context: StartContext) -> Result<Box<dyn PluginInstance>>;
}

/// A guest that is set up. Dropping it ends the guest at once, without grace.
#[async_trait]
pub trait PluginInstance: Send {
    /// For everybody who is not the one awaiting [`run`](Self::run).
    fn control(&self) -> Arc<dyn PluginControl>;

    /// The life of the guest: drives a passive sensor's `run` or a polling sensor's `poll`, serves
    /// its calls, moves its logs, and returns after it has ended and nothing of it is left. Called
    /// once, right after the start; the control works only while this is being awaited.
    async fn run(&mut self) -> Ended;
}

/// Reaches a running guest from elsewhere.
#[async_trait]
pub trait PluginControl: Send + Sync {
    /// Lets the guest serve one more trigger. Returns when the guest has taken it over.
    ///
    /// # Errors
    /// When the guest fails in it, does not answer, or is gone.
    async fn add_trigger(&self, trigger: Trigger) -> Result<()>;

    /// Tells the guest that a trigger it serves has changed.
    ///
    /// # Errors
    /// As [`add_trigger`](Self::add_trigger).
    async fn update_trigger(&self, trigger: Trigger) -> Result<()>;

    /// Lets the guest stop serving a trigger.
    ///
    /// # Errors
    /// As [`add_trigger`](Self::add_trigger).
    async fn remove_trigger(&self, trigger: Trigger) -> Result<()>;

    /// Asks whether the guest still answers.
    ///
    /// # Errors
    /// As [`add_trigger`](Self::add_trigger).
    async fn ping(&self) -> Result<()>;

    /// Asks the guest to clean up and end; it is killed after the grace of its limits. Returns at
    /// once; [`PluginInstance::run`] returns when it is done. Asking twice is asking once.
    fn stop(&self);

    /// Process id, for guests that are processes.
    fn process_id(&self) -> Option<u32>;
}

/// How the life of a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
    /// Exit code as StackStorm shows it: negative for a signal. `None` for guests that are no
    /// processes.
    pub exit_code: Option<i32>,
}

/// Why a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndReason {
    /// It was asked to.
    Stopped,
    /// The sensor returned from `run` by itself and exited with code 0.
    Returned,
    /// It failed, crashed, exited, or was killed from outside.
    Crashed {
        /// One sentence for the operator.
        reason: String,
    },
    /// It broke the protocol or a limit and was ended by the host.
    Violation {
        /// What it did.
        reason: String,
    },
}

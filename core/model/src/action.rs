//! Actions and the runner types that carry them out.

use serde::{Deserialize, Serialize};

use crate::{ActionRef, Id, Object, Uid, kinds};

/// A tag on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tag {
    /// Up to 1,024 characters.
    #[serde(default)]
    pub name: String,
    /// Up to 1,024 characters.
    #[serde(default)]
    pub value: String,
}

/// Whom to tell of an execution's end, and what.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Notify {
    /// Told in every completed status.
    #[serde(rename = "on-complete", skip_serializing_if = "Option::is_none")]
    pub on_complete: Option<NotifyRoute>,
    /// Told on `succeeded`.
    #[serde(rename = "on-success", skip_serializing_if = "Option::is_none")]
    pub on_success: Option<NotifyRoute>,
    /// Told on `failed`, `timeout` and `abandoned`.
    #[serde(rename = "on-failure", skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<NotifyRoute>,
}

impl Notify {
    /// Whether nobody is to be told.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.on_complete.is_none() && self.on_success.is_none() && self.on_failure.is_none()
    }
}

/// One section of [`Notify`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NotifyRoute {
    /// A template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Templates by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Object>,
    /// The routes to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routes: Option<Vec<String>>,
}

/// The metadata of an action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Follows from the ref.
    pub id: Id<kinds::Action>,
    /// `pack.name`.
    #[serde(rename = "ref")]
    pub reference: ActionRef,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it may be requested.
    pub enabled: bool,
    /// Name of the runner type.
    pub runner_type: String,
    /// Path relative to the pack's `actions/`, or empty.
    pub entry_point: String,
    /// Parameter definitions by name.
    pub parameters: Object,
    /// Schema of the result, or empty.
    pub output_schema: Object,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Whom to tell of an end.
    pub notify: Notify,
    /// Path of the defining file relative to the pack.
    pub metadata_file: String,
    /// The pack's version of the content, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_version: Option<String>,
    /// Whether a run that was cut short may be started again.
    #[serde(default)]
    pub idempotent: bool,
}

impl Action {
    /// The id of the action `reference`.
    #[must_use]
    pub fn id_of(reference: &ActionRef) -> Id<kinds::Action> {
        Id::derived(&["action", reference.pack(), reference.name()])
    }

    /// `action:<pack>:<name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["action", self.reference.pack(), self.reference.name()])
    }
}

/// The metadata of a runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunnerType {
    /// Follows from the name.
    pub id: Id<kinds::RunnerType>,
    /// The name that actions use.
    pub name: String,
    /// What it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it may be used.
    pub enabled: bool,
    /// StackStorm's Python package of that name; kept for clients.
    pub runner_package: String,
    /// StackStorm's Python module of that name; kept for clients.
    pub runner_module: String,
    /// Parameter definitions by name.
    pub runner_parameters: Object,
    /// The member of the result that an action's output schema describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_key: Option<String>,
    /// Schema of the result, or empty.
    pub output_schema: Object,
}

impl RunnerType {
    /// The id of the runner type `name`.
    #[must_use]
    pub fn id_of(name: &str) -> Id<kinds::RunnerType> {
        Id::derived(&["runner_type", name])
    }

    /// `runner_type:<name>`.
    #[must_use]
    pub fn uid(&self) -> Uid {
        Uid::of(&["runner_type", &self.name])
    }

    /// Whether executions of this runner are workflows.
    #[must_use]
    pub fn is_workflow(&self) -> bool {
        matches!(self.name.as_str(), "orquesta" | "action-chain")
    }
}

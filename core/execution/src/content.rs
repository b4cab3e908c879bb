//! Actions and runner types in memory: as they are now, for requests, and as they were when an
//! execution was requested, for those who run and show it.
//!
//! What is kept about the present is dropped when a wake-up says that content changed, and in any
//! case after [`FRESH_FOR`], because a wake-up may be lost. Snapshots never change.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use serde_json::Value;
use st2_model::{Action, ActionRef, Digest, Execution, Object, Policy, RunnerType, Snapshot};
use st2_ports::{Filter, Group, Ports, Query, StoreError, Subscription, Topic};
use st2_schema::Schema;
use tokio::time::Instant;

use crate::{Error, RequestError};

/// How long content is trusted without a look at the store.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// How many actions, and how many snapshots, are kept.
const ENTRIES_MAX: usize = 10_000;

/// An action with its runner type, ready to be requested and run.
#[derive(Debug)]
pub struct Content {
    /// The action.
    pub action: Action,
    /// Its runner type.
    pub runner: RunnerType,
    /// Digest of the action's snapshot.
    pub action_snapshot: Digest,
    /// Digest of the runner type's snapshot.
    pub runner_snapshot: Digest,
    /// Runner parameters with the action's on top.
    pub parameters: Object,
    /// Names of the parameters that are secret, or that hold something secret.
    pub secrets: BTreeSet<String>,
    schema: Result<Schema, st2_schema::Error>,
    action_body: Snapshot,
    runner_body: Snapshot,
}

impl Content {
    /// An action with its runner type.
    ///
    /// # Errors
    /// When one of them has no JSON form.
    pub fn new(action: Action, runner: RunnerType) -> Result<Self, serde_json::Error> {
        let action_body = Snapshot::of(serde_json::to_value(&action)?);
        let runner_body = Snapshot::of(serde_json::to_value(&runner)?);
        let parameters =
            st2_schema::merge_parameters(&runner.runner_parameters, &action.parameters);
        let secrets = parameters
            .iter()
            .filter(|(_, definition)| holds_secret(definition))
            .map(|(name, _)| name.clone())
            .collect();
        let schema = Schema::for_action(
            &action.reference.to_string(),
            &runner.runner_parameters,
            &action.parameters,
        );
        Ok(Self {
            action_snapshot: action_body.id.clone(),
            runner_snapshot: runner_body.id.clone(),
            action,
            runner,
            parameters,
            secrets,
            schema,
            action_body,
            runner_body,
        })
    }

    /// The compiled schema of the action's parameters.
    ///
    /// # Errors
    /// When the definitions are not well formed.
    pub const fn schema(&self) -> Result<&Schema, &st2_schema::Error> {
        self.schema.as_ref()
    }
}

/// Whether a definition, or any definition below it, says `secret: true`.
fn holds_secret(definition: &Value) -> bool {
    match definition {
        Value::Object(members) => {
            members.get("secret") == Some(&Value::Bool(true)) || members.values().any(holds_secret)
        }
        Value::Array(items) => items.iter().any(holds_secret),
        _ => false,
    }
}

/// An action as it is now.
#[derive(Clone)]
pub(crate) struct Current {
    pub(crate) content: Arc<Content>,
    pub(crate) policies: Arc<[Policy]>,
    loaded_at: Instant,
}

#[derive(Default)]
struct Kept {
    current: HashMap<ActionRef, Current>,
    past: HashMap<(Digest, Digest), Arc<Content>>,
    stored: HashSet<Digest>,
}

/// The content of one process.
pub(crate) struct Contents {
    ports: Ports,
    kept: Mutex<Kept>,
    changes: tokio::sync::Mutex<Option<Box<dyn Subscription>>>,
}

impl Contents {
    pub(crate) fn new(ports: Ports) -> Self {
        Self { ports, kept: Mutex::default(), changes: tokio::sync::Mutex::default() }
    }

    fn kept<T>(&self, with: impl FnOnce(&mut Kept) -> T) -> T {
        with(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The action `reference` as it is now.
    pub(crate) async fn current(&self, reference: &ActionRef) -> Result<Current, RequestError> {
        self.forget_changed().await;
        let known = self.kept(|kept| kept.current.get(reference).cloned());
        if let Some(current) = known.filter(|known| known.loaded_at.elapsed() < FRESH_FOR) {
            return Ok(current);
        }
        let current = self.load(reference).await?;
        self.kept(|kept| {
            if kept.current.len() >= ENTRIES_MAX {
                kept.current.clear();
            }
            kept.current.insert(reference.clone(), current.clone());
        });
        Ok(current)
    }

    /// Drops what wake-ups speak of that have come so far.
    async fn forget_changed(&self) {
        let mut changes = self.changes.lock().await;
        if changes.is_none() {
            match self.ports.bus.subscribe(Topic::ContentChanged, Group::Each).await {
                Ok(subscription) => *changes = Some(subscription),
                Err(error) => {
                    tracing::warn!(%error, "content is read anew for every request");
                    self.kept(|kept| kept.current.clear());
                    return;
                }
            }
        }
        let Some(subscription) = changes.as_mut() else {
            return;
        };
        while let Some(delivery) = subscription.next().now_or_never() {
            self.kept(|kept| kept.current.clear());
            match delivery {
                Some(delivery) => delivery.ack().await,
                None => {
                    *changes = None;
                    return;
                }
            }
        }
    }

    async fn load(&self, reference: &ActionRef) -> Result<Current, RequestError> {
        let loaded_at = Instant::now();
        let id = Action::id_of(reference);
        let action = self.ports.repository::<Action>().get(id).await?;
        let Some(action) = action.map(|found| found.value) else {
            return Err(RequestError::ActionNotFound(reference.clone()));
        };
        let runner = self.runner_type(&action).await?;
        let mine = Filter::eq("resource_ref", reference.to_string());
        let policies = self.ports.repository::<Policy>().find(&Query::of(mine)).await?;
        let content = Content::new(action, runner).map_err(|error| StoreError::Invalid {
            collection: "snapshot",
            reason: error.to_string(),
        })?;
        Ok(Current {
            content: Arc::new(content),
            policies: policies.into_iter().map(|found| found.value).collect(),
            loaded_at,
        })
    }

    /// The action's runner type; a name may be written with `_` for `-`.
    async fn runner_type(&self, action: &Action) -> Result<RunnerType, RequestError> {
        let repository = self.ports.repository::<RunnerType>();
        let name = &action.runner_type;
        for name in [name.clone(), name.replace('_', "-")] {
            if let Some(found) = repository.get(RunnerType::id_of(&name)).await? {
                return Ok(found.value);
            }
        }
        Err(RequestError::RunnerNotFound { action: action.reference.clone(), runner: name.clone() })
    }

    /// Stores the snapshots of `content` unless that was done before.
    pub(crate) async fn keep_snapshots(&self, content: &Content) -> Result<(), StoreError> {
        self.keep_snapshot(&content.action_body).await?;
        self.keep_snapshot(&content.runner_body).await
    }

    pub(crate) async fn keep_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        if self.kept(|kept| kept.stored.contains(&snapshot.id)) {
            return Ok(());
        }
        // The execution that follows is durable, and what comes before it is then, too.
        self.ports.relaxed_repository::<Snapshot>().insert(snapshot, None).await?;
        self.kept(|kept| {
            if kept.stored.len() >= ENTRIES_MAX {
                kept.stored.clear();
            }
            kept.stored.insert(snapshot.id.clone());
        });
        Ok(())
    }

    /// The content with which `execution` was requested.
    pub(crate) async fn of(&self, execution: &Execution) -> Result<Arc<Content>, Error> {
        let key = (execution.action_snapshot.clone(), execution.runner_snapshot.clone());
        if let Some(content) = self.kept(|kept| kept.past.get(&key).cloned()) {
            return Ok(content);
        }
        let unreadable = |reason: String| Error::Content { id: execution.id, reason };
        let action = self.snapshot(execution, &key.0).await?;
        let runner = self.snapshot(execution, &key.1).await?;
        let action = serde_json::from_value(action)
            .map_err(|error| unreadable(format!("the snapshot of the action: {error}")))?;
        let runner = serde_json::from_value(runner)
            .map_err(|error| unreadable(format!("the snapshot of the runner type: {error}")))?;
        let content = Content::new(action, runner)
            .map(Arc::new)
            .map_err(|error| unreadable(error.to_string()))?;
        self.kept(|kept| {
            if kept.past.len() >= ENTRIES_MAX {
                kept.past.clear();
            }
            kept.past.insert(key, Arc::clone(&content));
        });
        Ok(content)
    }

    async fn snapshot(&self, execution: &Execution, digest: &Digest) -> Result<Value, Error> {
        let found = self.ports.repository::<Snapshot>().get(digest).await?;
        let snapshot = found.ok_or_else(|| Error::Content {
            id: execution.id,
            reason: format!("the snapshot {digest} is not stored"),
        })?;
        Ok(snapshot.value.body)
    }
}

//! The shell: read, decide, write in the place of what was read, tell.

use std::sync::Arc;

use serde_json::Value;
use st2_expr::crypto::CryptoKey;
use st2_expr::jinja::Engine;
use st2_model::{Execution, ExecutionStatus, Id, Object, Timestamp, kinds};
use st2_ports::{Fence, Ports, Replaced, Repository, Store, StoreError, Topic, Versioned, Wake};

use crate::content::Contents;
use crate::decide::{self, Cancellation};
use crate::payload::{load_payload, store_payload};
use crate::{Content, Error, Refusal, RequestError, seal};

/// What the configuration says about executions.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[system_user] user`: in whose name the system acts.
    pub system_user: String,
    /// The datastore's key, for templates that decrypt.
    pub crypto_key: Option<Arc<CryptoKey>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { system_user: "stanley".to_owned(), crypto_key: None }
    }
}

/// Everything that can be done to executions. One value per process, or per service: it keeps
/// actions, policies and snapshots in memory. Cheap to clone.
#[derive(Clone)]
pub struct Executions {
    pub(crate) ports: Ports,
    /// For writes that follow from durable ones.
    pub(crate) relaxed: Arc<dyn Store>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) contents: Arc<Contents>,
    pub(crate) engine: Arc<Engine>,
    /// Admissions under policies, one at a time: the lease of an action keeps other processes
    /// out, this keeps out ourselves.
    pub(crate) admitting: Arc<tokio::sync::Mutex<()>>,
    /// Our name at the coordinator.
    pub(crate) instance: Arc<str>,
}

/// An execution after a change, and what the decision said.
pub(crate) struct Changed<T> {
    pub(crate) execution: Versioned<Execution>,
    pub(crate) answer: T,
}

impl Executions {
    /// The executions behind `ports`.
    #[must_use]
    pub fn new(ports: Ports, settings: Settings) -> Self {
        Self {
            contents: Arc::new(Contents::new(ports.clone())),
            settings: Arc::new(settings),
            engine: Arc::default(),
            admitting: Arc::default(),
            instance: ports.ids.token(8).into(),
            relaxed: ports.relaxed_store(),
            ports,
        }
    }

    pub(crate) fn repository(&self) -> Repository<Execution> {
        self.ports.repository()
    }

    /// The execution `id` as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of the store.
    pub async fn get(&self, id: Id<kinds::Execution>) -> Result<Versioned<Execution>, Error> {
        self.repository().get(id).await?.ok_or(Error::NotFound(id))
    }

    /// The action and the runner type with which `execution` was requested.
    ///
    /// # Errors
    /// When the snapshots can not be read.
    pub async fn content(&self, execution: &Execution) -> Result<Arc<Content>, Error> {
        self.contents.of(execution).await
    }

    /// Whether the runner type of `content` is enabled now. One that is gone is as it was.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn is_runner_enabled(&self, content: &Content) -> Result<bool, Error> {
        match self.contents.current(&content.action.reference).await {
            Ok(now) if now.content.runner.name == content.runner.name => {
                Ok(now.content.runner.enabled)
            }
            Err(RequestError::Store(error)) => Err(error.into()),
            Ok(_) | Err(_) => Ok(content.runner.enabled),
        }
    }

    /// The parameters that were given, secrets in the clear. For the worker that starts the
    /// guest, for a re-run, and for those who may see secrets.
    ///
    /// # Errors
    /// When the content or a secret can not be read.
    pub async fn unseal(&self, execution: &Execution) -> Result<Object, Error> {
        let content = self.contents.of(execution).await?;
        seal::unseal(&*self.ports.keyring, &content, &execution.parameters)
    }

    /// The whole result, however large.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load_result(&self, execution: &Execution) -> Result<Option<Value>, StoreError> {
        match &execution.result {
            Some(payload) => Ok(Some(load_payload(&*self.ports.store, payload).await?)),
            None => Ok(None),
        }
    }

    /// Cancels an execution in the name of `user`: at once when nobody holds it; otherwise its
    /// worker is asked, durably.
    ///
    /// # Errors
    /// [`Refusal::Completed`], [`Error::NotFound`], and those of the store.
    pub async fn cancel(
        &self,
        id: Id<kinds::Execution>,
        user: &str,
    ) -> Result<(Versioned<Execution>, Cancellation), Error> {
        let current = self.get(id).await?;
        let changed = self
            .change(current, None, |execution, now| decide::cancel(execution, user, now))
            .await?;
        // Told again when it was asked for before: the first wake-up may have been lost.
        if changed.execution.value.intent.is_some() {
            self.publish(Topic::ExecutionIntent, id).await;
        }
        Ok((changed.execution, changed.answer))
    }

    /// Pauses a workflow. No runner that can pause is here yet.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`], [`Error::NotFound`], and those of the store.
    pub async fn pause(&self, id: Id<kinds::Execution>, _user: &str) -> Result<(), Error> {
        self.unsupported(id).await
    }

    /// Lets a paused workflow go on. No runner that can pause is here yet.
    ///
    /// # Errors
    /// [`Refusal::Unsupported`], [`Error::NotFound`], and those of the store.
    pub async fn resume(&self, id: Id<kinds::Execution>, _user: &str) -> Result<(), Error> {
        self.unsupported(id).await
    }

    async fn unsupported(&self, id: Id<kinds::Execution>) -> Result<(), Error> {
        let runner = self.get(id).await?.value.runner;
        Err(refused(id, Refusal::Unsupported { runner }))
    }

    /// Sets status and result as somebody outside says who carries the execution out. A worker
    /// that holds it is told to let go.
    ///
    /// # Errors
    /// When the transition table forbids it, [`Error::NotFound`], and those of the store.
    pub async fn report(
        &self,
        id: Id<kinds::Execution>,
        status: ExecutionStatus,
        result: Option<Value>,
    ) -> Result<Versioned<Execution>, Error> {
        let current = self.get(id).await?;
        let was_held = current.value.owner.is_some();
        let result = match result {
            Some(value) => Some(store_payload(&*self.ports.store, value).await?),
            None => None,
        };
        let changed = self
            .change(current, None, |execution, now| {
                decide::report(execution, status, result.clone(), now)
            })
            .await?;
        if was_held && changed.execution.value.owner.is_none() {
            self.publish(Topic::ExecutionIntent, id).await;
        }
        Ok(changed.execution)
    }

    /// Decides on `current` and stores what comes out, deciding anew as often as somebody else
    /// wrote meanwhile. A decision that changes nothing is not written. What is written is
    /// durable when this returns.
    pub(crate) async fn change<T>(
        &self,
        current: Versioned<Execution>,
        fence: Option<&Fence>,
        decide: impl FnMut(&mut Execution, Timestamp) -> Result<T, Refusal>,
    ) -> Result<Changed<T>, Error> {
        self.change_in(&self.repository(), current, fence, decide).await
    }

    /// Like [`Executions::change`], for steps that lead to no effect outside the store before a
    /// durable one has followed: a loss of power may undo them, and they are then taken again.
    pub(crate) async fn change_relaxed<T>(
        &self,
        current: Versioned<Execution>,
        fence: Option<&Fence>,
        decide: impl FnMut(&mut Execution, Timestamp) -> Result<T, Refusal>,
    ) -> Result<Changed<T>, Error> {
        let repository = Repository::new(Arc::clone(&self.relaxed));
        self.change_in(&repository, current, fence, decide).await
    }

    async fn change_in<T>(
        &self,
        repository: &Repository<Execution>,
        mut current: Versioned<Execution>,
        fence: Option<&Fence>,
        mut decide: impl FnMut(&mut Execution, Timestamp) -> Result<T, Refusal>,
    ) -> Result<Changed<T>, Error> {
        let id = current.value.id;
        loop {
            let mut next = current.value.clone();
            let answer = decide(&mut next, self.ports.clock.now())
                .map_err(|refusal| refused(id, refusal))?;
            if next == current.value {
                return Ok(Changed { execution: current, answer });
            }
            match repository.replace(&next, current.revision, fence).await? {
                Replaced::At(revision) => {
                    let execution = Versioned { value: next, revision };
                    self.announce(current.value.status, &execution.value).await;
                    return Ok(Changed { execution, answer });
                }
                Replaced::Stale => {
                    current = repository.get(id).await?.ok_or(Error::NotFound(id))?;
                }
                Replaced::Missing | Replaced::Taken(_) => return Err(Error::NotFound(id)),
            }
        }
    }

    /// Tells of a change: to all who follow executions, and to the scheduler when a place under
    /// a concurrency policy became free.
    async fn announce(&self, before: ExecutionStatus, execution: &Execution) {
        let takes_place = crate::policy::takes_place;
        metrics::counter!("st2_executions", "status" => execution.status.as_str()).increment(1);
        self.publish(Topic::ExecutionChanged, execution.id).await;
        if takes_place(before) && !takes_place(execution.status) && self.is_limited(execution).await
        {
            self.publish(Topic::ExecutionRequested, execution.id).await;
        }
    }

    /// Sends a wake-up. A failure costs time only: sweeps find what it spoke of.
    pub(crate) async fn publish(&self, topic: Topic, id: Id<kinds::Execution>) {
        if let Err(error) = self.ports.bus.publish(topic, Wake::one(id)).await {
            tracing::warn!(topic = topic.name(), %id, %error, "wake-up not sent");
        }
    }
}

pub(crate) const fn refused(id: Id<kinds::Execution>, refusal: Refusal) -> Error {
    Error::Refused { id, refusal }
}

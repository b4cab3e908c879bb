//! Requesting an execution.

use std::sync::Arc;

use serde_json::{Value, json};
use st2_model::{
    ActionRef, Execution, ExecutionStatus, Id, Notify, Object, Payload, Rule, RuleOrigin, Snapshot,
    StatusChange, Timestamp, Trigger, TriggerInstance, TriggerType, kinds,
};
use st2_ports::{Inserted, Repository, StoreError, Topic, Versioned};

use crate::content::Current;
use crate::render::RenderError;
use crate::{Content, Executions, RequestError, seal};

/// What brings an execution about. The same cause gives the same id, so that asking twice changes
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// A moment that follows from the cause, so that ids sort by time.
    pub at: Timestamp,
    /// What makes the cause unique.
    pub key: Vec<String>,
}

impl Cause {
    /// A rule applied to a trigger instance.
    #[must_use]
    pub fn rule(instance: &TriggerInstance, rule: &Rule) -> Self {
        Self {
            at: instance.occurrence_time,
            key: vec!["rule".to_owned(), instance.id.to_string(), rule.reference.to_string()],
        }
    }

    /// The id of the execution that this cause brings about.
    #[must_use]
    pub fn execution_id(&self) -> Id<kinds::Execution> {
        self.derive("execution")
    }

    fn derive<K>(&self, kind: &str) -> Id<K> {
        let parts: Vec<&str> =
            std::iter::once(kind).chain(self.key.iter().map(String::as_str)).collect();
        Id::derived_at(self.at, &parts)
    }
}

/// What a rule-born execution comes from. Snapshots of all of it are kept with the execution.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// The rule.
    pub rule: Rule,
    /// The trigger.
    pub trigger: Trigger,
    /// Its type.
    pub trigger_type: TriggerType,
    /// The trigger instance.
    pub instance: TriggerInstance,
}

/// A request to run an action. `Request::new` and then the fields that differ.
#[derive(Debug, Clone)]
pub struct Request {
    /// The action.
    pub action: ActionRef,
    /// Values of its parameters, templates included.
    pub parameters: Object,
    /// The context: `user`, `trace_context`, `parent` and more. `pack` is set here, and `user` is
    /// that of `parent` when there is one.
    pub context: Object,
    /// Whom to tell; the action's own notify section when this is `None`.
    pub notify: Option<Notify>,
    /// How long to wait before scheduling, in milliseconds.
    pub delay_ms: Option<u64>,
    /// The execution whose child this is; else `context.parent.execution_id`.
    pub parent: Option<Id<kinds::Execution>>,
    /// What brings it about, where asking twice must not run it twice.
    pub cause: Option<Cause>,
    /// The rule and the trigger instance it comes from.
    pub origin: Option<Box<Origin>>,
    /// What templates may name besides datastore, parameters and contexts, as `trigger`.
    pub variables: Object,
}

impl Request {
    /// A plain request for `action`.
    #[must_use]
    pub fn new(action: ActionRef, parameters: Object) -> Self {
        Self {
            action,
            parameters,
            context: Object::new(),
            notify: None,
            delay_ms: None,
            parent: None,
            cause: None,
            origin: None,
            variables: Object::new(),
        }
    }

    /// In the name of `user`.
    #[must_use]
    pub fn by(mut self, user: &str) -> Self {
        self.context.insert("user".into(), user.into());
        self
    }

    fn parent(&self) -> Option<Id<kinds::Execution>> {
        let named = || self.context.get("parent")?.get("execution_id")?.as_str()?.parse().ok();
        self.parent.or_else(named)
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Requested {
    /// The execution.
    pub execution: Versioned<Execution>,
    /// Whether the same cause had requested it before.
    pub is_repeated: bool,
}

impl Executions {
    /// Accepts a request: checks it, stores the execution and wakes the scheduler. What returns
    /// `Ok` will end in a completed status, whatever happens to this process. It is durable then;
    /// with a [`Cause`] it is as durable as the cause, which stands before it in the store.
    ///
    /// # Errors
    /// When the request is not acceptable, or the store is away. After
    /// [`RequestError::Rendering`] the execution stands in the store as failed.
    pub async fn request(&self, request: Request) -> Result<Requested, RequestError> {
        let Current { content, .. } = self.contents.current(&request.action).await?;
        if !content.action.enabled {
            return Err(RequestError::ActionDisabled(request.action));
        }
        st2_schema::refuse_immutable(
            &content.runner.runner_parameters,
            &content.action.parameters,
            &request.parameters,
        )
        .map_err(|error| RequestError::Immutable(Box::new(error)))?;

        let context = context_of(&request);
        let rendered =
            self.render_request(&content, &request.parameters, &context, &request.variables).await;
        match rendered {
            Ok(parameters) => {
                let parameters = validated(&content, parameters)?;
                let mut execution = self.build(&request, &content, context, parameters)?;
                self.insert(&mut execution, &request, &content).await
            }
            Err(RenderError::Store(error)) => Err(error.into()),
            Err(RenderError::Cast(reason)) => Err(RequestError::Parameters(reason)),
            Err(RenderError::Template(reason)) => {
                let given = request.parameters.clone();
                let mut execution = self.build(&request, &content, context, given)?;
                fail(&mut execution, &reason);
                let stored = self.insert(&mut execution, &request, &content).await?;
                Err(RequestError::Rendering { reason, execution: stored.execution.value.id })
            }
        }
    }

    fn build(
        &self,
        request: &Request,
        content: &Content,
        context: Object,
        mut parameters: Object,
    ) -> Result<Execution, RequestError> {
        let now = self.ports.clock.now();
        seal::seal(&*self.ports.keyring, content, &mut parameters)?;
        let (id, live_action) = match &request.cause {
            Some(cause) => (cause.execution_id(), cause.derive("live action")),
            None => (self.ports.ids.id(now), self.ports.ids.id(now)),
        };
        let notify = match &request.notify {
            Some(notify) => notify.clone(),
            None => content.action.notify.clone(),
        };
        let status = ExecutionStatus::Requested;
        Ok(Execution {
            id,
            live_action,
            action: request.action.clone(),
            action_snapshot: content.action_snapshot.clone(),
            runner: content.runner.name.clone(),
            runner_snapshot: content.runner_snapshot.clone(),
            is_workflow: content.runner.is_workflow(),
            idempotent: content.action.idempotent,
            status,
            start_timestamp: now,
            end_timestamp: None,
            parameters,
            result: None,
            result_size: None,
            context,
            notify: Some(notify).filter(|notify| !notify.is_empty()),
            runner_info: None,
            parent: request.parent(),
            origin: None,
            log: vec![StatusChange { timestamp: now, status }],
            delay_ms: request.delay_ms.filter(|delay| *delay > 0),
            due: Some(now),
            owner: None,
            intent: None,
        })
    }

    async fn insert(
        &self,
        execution: &mut Execution,
        request: &Request,
        content: &Content,
    ) -> Result<Requested, RequestError> {
        self.contents.keep_snapshots(content).await?;
        if let Some(origin) = &request.origin {
            execution.origin = Some(Box::new(self.keep_origin(origin).await?));
        }
        let inserted = Repository::new(Arc::clone(&self.relaxed)).insert(execution, None).await?;
        let (execution, is_repeated) = match inserted {
            Inserted::New => (
                Versioned { value: execution.clone(), revision: st2_model::Revision::FIRST },
                false,
            ),
            Inserted::Exists => (self.stored(execution).await?, true),
            Inserted::Taken(index) => return Err(taken(execution, index).into()),
        };
        let value = &execution.value;
        if !is_repeated {
            metrics::counter!("st2_executions", "status" => value.status.as_str()).increment(1);
            self.publish(Topic::ExecutionChanged, value.id).await;
        }
        if value.status == ExecutionStatus::Requested {
            self.publish(Topic::ExecutionRequested, value.id).await;
        }
        if request.cause.is_none() {
            // Whoever asked may forget it now. What has a cause is asked for again until the
            // cause itself, which stands before it in the store, says that it is done with.
            self.ports.store.flush().await?;
        }
        Ok(Requested { execution, is_repeated })
    }

    async fn stored(&self, execution: &Execution) -> Result<Versioned<Execution>, StoreError> {
        let stored = self.repository().get(execution.id).await?;
        stored.ok_or_else(|| taken(execution, "id"))
    }

    async fn keep_origin(&self, origin: &Origin) -> Result<RuleOrigin, StoreError> {
        let rule = self.keep(&origin.rule).await?;
        let trigger = self.keep(&origin.trigger).await?;
        let trigger_type = self.keep(&origin.trigger_type).await?;
        Ok(RuleOrigin {
            rule_ref: origin.rule.reference.clone(),
            rule,
            trigger,
            trigger_type,
            trigger_ref: origin.trigger.reference.clone(),
            trigger_type_ref: origin.trigger_type.reference.clone(),
            trigger_instance: origin.instance.id,
            payload: origin.instance.payload.clone(),
            occurrence_time: origin.instance.occurrence_time,
        })
    }

    async fn keep(&self, record: &impl serde::Serialize) -> Result<st2_model::Digest, StoreError> {
        let body = serde_json::to_value(record).map_err(|error| StoreError::Invalid {
            collection: "snapshot",
            reason: error.to_string(),
        })?;
        let snapshot = Snapshot::of(body);
        self.contents.keep_snapshot(&snapshot).await?;
        Ok(snapshot.id)
    }
}

/// The context as it is stored: the pack is the action's, the user is the parent's.
fn context_of(request: &Request) -> Object {
    let mut context = request.context.clone();
    let inherited = context.get("parent").and_then(|parent| parent.get("user"));
    if let Some(user) = inherited.filter(|user| !user.is_null()).cloned() {
        context.insert("user".into(), user);
    }
    context.insert("pack".into(), request.action.pack().into());
    context
}

/// Judges the parameters with the defaults filled in; returns them without.
fn validated(content: &Content, parameters: Object) -> Result<Object, RequestError> {
    let schema = content.schema().map_err(|source| RequestError::Definition {
        action: content.action.reference.clone(),
        source: Box::new(source.clone()),
    })?;
    let mut filled = Value::Object(parameters.clone());
    match schema.validate(&mut filled) {
        Ok(()) => Ok(parameters),
        Err(errors) => {
            let first = errors.into_iter().next();
            let reason = first.map_or_else(String::new, |error| error.to_string());
            Err(RequestError::Parameters(reason))
        }
    }
}

/// Turns a request whose templates can not be rendered into an execution that has failed.
fn fail(execution: &mut Execution, reason: &str) {
    let result = json!({ "error": reason });
    execution.status = ExecutionStatus::Failed;
    execution.log.push(StatusChange {
        timestamp: execution.start_timestamp,
        status: ExecutionStatus::Failed,
    });
    execution.end_timestamp = Some(execution.start_timestamp);
    execution.due = None;
    execution.result_size = Some(result.to_string().len() as u64);
    execution.result = Some(Payload::Inline(result));
}

fn taken(execution: &Execution, index: &str) -> StoreError {
    StoreError::Invalid {
        collection: "execution",
        reason: format!("{} is taken under {index}", execution.id),
    }
}

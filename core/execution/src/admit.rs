//! Admission: the scheduler's part. Executions without policies are admitted side by side; those
//! of an action with concurrency policies one action at a time, under the lease of the action.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use st2_model::{ActionRef, Execution, ExecutionStatus, Id, Object, Timestamp, kinds};
use st2_ports::{
    CoordinationError, Cursor, Fence, Filter, Lease, Order, Patch, Query, StoreError, Topic,
    Versioned,
};

use crate::decide::{self, Admitted, POLICY_RECHECK, Verdict};
use crate::policy::{self, Limit, Places};
use crate::{Error, Executions, RequestError, seal};

/// How many commits are on their way to the store at a time.
const CONCURRENCY: usize = 256;
/// How long an action is kept for one admission at most.
const LEASE_TTL: Duration = Duration::from_secs(10);
/// How many waiting executions of an action are looked at in one go.
const PAGE: usize = 500;

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Admission {
    /// Executions that may be claimed now.
    pub scheduled: usize,
    /// Executions that wait.
    pub delayed: usize,
    /// Executions that a policy ended.
    pub canceled: usize,
    /// The nearest time at which a delayed one is due.
    pub next_due: Option<Timestamp>,
    /// Actions that another scheduler is busy with: look at them again soon.
    pub busy: BTreeSet<ActionRef>,
    /// The first error that kept executions from being decided: look at all of them again later.
    pub error: Option<Error>,
}

impl Admission {
    /// How many executions changed.
    #[must_use]
    pub const fn changed(&self) -> usize {
        self.scheduled + self.delayed + self.canceled
    }

    fn count(&mut self, admitted: Result<Admitted, Error>) {
        match admitted {
            Ok(Admitted::Scheduled) => self.scheduled += 1,
            Ok(Admitted::Canceled) => self.canceled += 1,
            Ok(Admitted::Delayed(due)) => {
                self.delayed += 1;
                self.note_due(due);
            }
            // It went on, or ended, while we looked.
            Err(Error::Refused { .. } | Error::NotFound(_)) => {}
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
    }

    fn note_due(&mut self, due: Timestamp) {
        self.next_due = Some(self.next_due.map_or(due, |known| known.min(due)));
    }
}

impl Executions {
    /// Decides about executions that were requested, are due, or whose end has made room for
    /// others of the same action.
    pub async fn admit(&self, executions: Vec<Versioned<Execution>>) -> Admission {
        let mut admission = Admission::default();
        let mut limited = BTreeSet::new();
        let mut free = Vec::new();
        for execution in executions {
            let is_due = decide::earliest(&execution.value) <= self.ports.clock.now();
            match self.limits(&execution.value.action).await {
                Ok(limits) if is_due && !limits.is_empty() => {
                    limited.insert(execution.value.action.clone());
                }
                Ok(_) if is_waiting(execution.value.status) => free.push(execution),
                Ok(_) => {}
                Err(error) => admission.error = Some(error.into()),
            }
        }
        let mut admitted = futures::stream::iter(free)
            .map(|execution| self.admit_one(execution, Verdict::Proceed, None))
            .buffer_unordered(CONCURRENCY);
        while let Some(one) = admitted.next().await {
            admission.count(one);
        }
        drop(admitted);
        self.fill_all(limited, &mut admission).await;
        admission
    }

    /// Gives out the free places of actions that were [`Admission::busy`].
    pub async fn admit_actions(&self, actions: BTreeSet<ActionRef>) -> Admission {
        let mut admission = Admission::default();
        self.fill_all(actions, &mut admission).await;
        admission
    }

    async fn fill_all(&self, actions: BTreeSet<ActionRef>, admission: &mut Admission) {
        for action in actions {
            if let Err(error) = self.fill(&action, admission).await {
                admission.error = Some(error);
            }
        }
    }

    /// The executions with these ids; those that are not there are left out.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn find(
        &self,
        ids: &[Id<kinds::Execution>],
    ) -> Result<Vec<Versioned<Execution>>, StoreError> {
        let ids = ids.iter().map(ToString::to_string);
        self.repository().find(&Query::of(Filter::is_in("id", ids))).await
    }

    /// Executions that the scheduler must look at at `now`, those that waited longest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Versioned<Execution>>, StoreError> {
        // The end of a range is exclusive: what is due at this very microsecond is due.
        let end = now.micros().saturating_add(1);
        let query = Query::of(due_between(0, Some(end))).by("due", Order::Ascending);
        self.repository().find(&query.limit(limit)).await
    }

    /// The nearest due time behind `now`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let later = due_between(now.micros().saturating_add(1), None);
        let query = Query::of(later).by("due", Order::Ascending).limit(1);
        let next = self.repository().find(&query).await?;
        Ok(next.first().and_then(|execution| execution.value.due))
    }

    /// Looks again at executions that are due and that nobody is to admit: wakes the workers
    /// once more, or lets them wait on.
    pub async fn remind(&self, executions: Vec<Versioned<Execution>>) -> Result<(), Error> {
        for execution in executions {
            let id = execution.value.id;
            let changed = self.change_relaxed(execution, None, decide::look_again).await;
            match changed {
                Ok(changed) if changed.answer => {
                    self.publish(Topic::ExecutionScheduled, id).await;
                }
                Ok(_) | Err(Error::Refused { .. } | Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn admit_one(
        &self,
        execution: Versioned<Execution>,
        verdict: Verdict,
        fence: Option<&Fence>,
    ) -> Result<Admitted, Error> {
        let id = execution.value.id;
        let decide = |execution: &mut Execution, now| decide::admit(execution, &verdict, now);
        // Before a guest starts there is a claim, which is durable. An end is final at once.
        let changed = if matches!(verdict, Verdict::Cancel(_)) {
            self.change(execution, fence, decide).await?
        } else {
            self.change_relaxed(execution, fence, decide).await?
        };
        if changed.answer == Admitted::Scheduled {
            self.publish(Topic::ExecutionScheduled, id).await;
        }
        Ok(changed.answer)
    }

    /// The concurrency policies of an action. An action that is gone has none.
    async fn limits(&self, action: &ActionRef) -> Result<Vec<Limit>, StoreError> {
        match self.contents.current(action).await {
            Ok(current) => Ok(policy::limits(&current.policies)),
            Err(RequestError::Store(error)) => Err(error),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Whether the end of `execution` makes room for others.
    pub(crate) async fn is_limited(&self, execution: &Execution) -> bool {
        let limits = self.limits(&execution.action).await;
        limits.map_or(true, |limits| !limits.is_empty())
    }

    /// Gives the free places of an action to those that wait longest, and lets new ones that
    /// find none wait. Nobody else counts or gives out places of this action meanwhile.
    async fn fill(&self, action: &ActionRef, admission: &mut Admission) -> Result<(), Error> {
        let _one_at_a_time = self.admitting.lock().await;
        let Some(lease) = self.reserve(action).await? else {
            admission.busy.insert(action.clone());
            return Ok(());
        };
        let filled = self.fill_reserved(action, &lease.fence(), admission).await;
        if let Err(error) = self.ports.coordinator.release(&lease).await {
            tracing::warn!(%action, %error, "lease not released: it will run out");
        }
        filled
    }

    async fn reserve(&self, action: &ActionRef) -> Result<Option<Lease>, CoordinationError> {
        let key = format!("policy/{action}");
        let coordinator = &self.ports.coordinator;
        let Some(lease) = coordinator.acquire(&key, &self.instance, LEASE_TTL).await? else {
            return Ok(None);
        };
        // From here on nobody who counted before us can write what it decided. Relaxed: a loss of
        // power ends whoever that was, too.
        match self.relaxed.raise_fence(&lease.fence()).await {
            Ok(()) => Ok(Some(lease)),
            Err(error) => {
                coordinator.release(&lease).await?;
                Err(CoordinationError::Unavailable(error.to_string()))
            }
        }
    }

    async fn fill_reserved(
        &self,
        action: &ActionRef,
        fence: &Fence,
        admission: &mut Admission,
    ) -> Result<(), Error> {
        let limits = self.limits(action).await?;
        let running = self.parameters_of_running(action).await?;
        let mut places = Places::taken_by(limits, &running);
        if !places.are_full() {
            self.let_go(action, ExecutionStatus::Delayed, &mut places, fence, admission).await?;
        }
        self.let_go(action, ExecutionStatus::Requested, &mut places, fence, admission).await?;
        self.put_off(action).await.map_err(Error::from)
    }

    /// Asks a place for every execution in `status`, those that waited longest first.
    async fn let_go(
        &self,
        action: &ActionRef,
        status: ExecutionStatus,
        places: &mut Places,
        fence: &Fence,
        admission: &mut Admission,
    ) -> Result<(), Error> {
        let mut query = Query::of(of_action(action, [status]))
            .by("start_timestamp", Order::Ascending)
            .limit(PAGE);
        loop {
            let page = self.repository().find(&query).await?;
            let is_last = page.len() < PAGE;
            query.after = page.last().map(|last| Cursor {
                values: vec![last.value.start_timestamp.micros().into()],
                id: last.value.id.to_string(),
            });
            for execution in page {
                if decide::earliest(&execution.value) > self.ports.clock.now() {
                    admission.count(self.admit_one(execution, Verdict::Delay, Some(fence)).await);
                    continue;
                }
                let verdict = places.ask(&self.effective(&execution.value).await?);
                if verdict == Verdict::Delay && status == ExecutionStatus::Delayed {
                    continue;
                }
                admission.count(self.admit_one(execution, verdict, Some(fence)).await);
            }
            if is_last || (status == ExecutionStatus::Delayed && places.are_full()) {
                return Ok(());
            }
        }
    }

    /// Those that still wait are looked at again later, all with one call.
    async fn put_off(&self, action: &ActionRef) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let filter = of_action(action, [ExecutionStatus::Delayed])
            .and(due_between(0, Some(now.micros().saturating_add(1))));
        let mut patch = Patch::default();
        let due = now.after(POLICY_RECHECK).micros();
        patch.set.insert("due".into(), due.into());
        let collection = <Execution as st2_ports::Entity>::collection();
        self.relaxed.update_many(collection, &filter, &patch).await?;
        Ok(())
    }

    async fn parameters_of_running(&self, action: &ActionRef) -> Result<Vec<Object>, Error> {
        let taking = [ExecutionStatus::Scheduled, ExecutionStatus::Running];
        let mut parameters = Vec::new();
        for execution in self.repository().find(&Query::of(of_action(action, taking))).await? {
            parameters.push(self.effective(&execution.value).await?);
        }
        Ok(parameters)
    }

    /// The parameters that were given, opened, on top of the defaults. What can not be read
    /// counts as it is stored: one execution must not keep the others of its action from running.
    async fn effective(&self, execution: &Execution) -> Result<Object, Error> {
        let given = &execution.parameters;
        let content = match self.contents.of(execution).await {
            Ok(content) => content,
            Err(error) if error.is_transient() => return Err(error),
            Err(_) => return Ok(given.clone()),
        };
        let opened = seal::unseal(&*self.ports.keyring, &content, given);
        let given = opened.unwrap_or_else(|_| given.clone());
        let defaults = content.parameters.iter();
        let mut effective: Object = defaults
            .filter_map(|(name, definition)| {
                Some((name.clone(), definition.get("default")?.clone()))
            })
            .collect();
        effective.extend(given.into_iter().filter(|(_, value)| !value.is_null()));
        Ok(effective)
    }
}

const fn is_waiting(status: ExecutionStatus) -> bool {
    matches!(status, ExecutionStatus::Requested | ExecutionStatus::Delayed)
}

fn of_action<const N: usize>(action: &ActionRef, statuses: [ExecutionStatus; N]) -> Filter {
    let statuses = statuses.map(|status| Value::from(status.as_str()));
    Filter::eq("action", action.to_string()).and(Filter::is_in("status", statuses))
}

fn due_between(from: i64, to: Option<i64>) -> Filter {
    Filter::Range { path: "due".into(), from: Some(from.into()), to: to.map(Value::from) }
}

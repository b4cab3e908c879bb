//! When executions are looked at.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::FutureExt;
use st2_execution::{Admission, Error};
use st2_model::{ActionRef, Execution, ExecutionStatus, Timestamp};
use st2_ports::{Delivery, Group, Readiness, ServiceContext, Subscription, Topic, Versioned};
use tokio::time::Instant;

use crate::{NAME, Scheduler};

/// One of all schedulers gets a wake-up.
const GROUP: Group = Group::Shared("scheduler");
/// How long to wait before the store or the bus is asked again.
const RETRY: Duration = Duration::from_secs(1);
/// How long another scheduler may take with one action, about.
const BUSY: Duration = Duration::from_millis(20);

/// What is looked at next without a wake-up, and when.
struct Agenda {
    next_sweep: Instant,
    busy: BTreeSet<ActionRef>,
}

impl Scheduler {
    /// Admits until the future is dropped.
    pub(crate) async fn admit_forever(&self, context: &ServiceContext) {
        loop {
            let subscribed = context.ports.bus.subscribe(Topic::ExecutionRequested, GROUP).await;
            match subscribed {
                Ok(mut requested) => {
                    context.health.set(NAME, Readiness::Ready);
                    self.admit_until_bus_is_lost(context, &mut *requested).await;
                    let reason = "the bus has shut down".to_owned();
                    context.health.set(NAME, Readiness::Unready(reason));
                }
                Err(error) => {
                    tracing::warn!(%error, "no wake-ups for the scheduler");
                    context.health.set(NAME, Readiness::Unready(error.to_string()));
                }
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn admit_until_bus_is_lost(
        &self,
        context: &ServiceContext,
        requested: &mut dyn Subscription,
    ) {
        let mut agenda = Agenda { next_sweep: Instant::now(), busy: BTreeSet::new() };
        loop {
            tokio::select! {
                delivery = requested.next() => {
                    let Some(first) = delivery else { return };
                    let batch = self.batch(first, requested);
                    self.on_wake_ups(context, batch, &mut agenda).await;
                }
                () = tokio::time::sleep_until(agenda.next_sweep) => {
                    self.sweep(context, &mut agenda).await;
                }
                () = tokio::time::sleep(BUSY), if !agenda.busy.is_empty() => {
                    let busy = std::mem::take(&mut agenda.busy);
                    let admission = self.executions.admit_actions(busy).await;
                    self.note(context, admission, &mut agenda);
                }
            }
        }
    }

    /// The wake-ups that have come so far, up to a bound.
    fn batch(&self, first: Delivery, requested: &mut dyn Subscription) -> Vec<Delivery> {
        let mut batch = vec![first];
        while batch.len() < self.config.batch
            && let Some(Some(next)) = requested.next().now_or_never()
        {
            batch.push(next);
        }
        batch
    }

    async fn on_wake_ups(
        &self,
        context: &ServiceContext,
        batch: Vec<Delivery>,
        agenda: &mut Agenda,
    ) {
        let ids = batch.iter().flat_map(|delivery| &delivery.wake.ids);
        let ids: Vec<_> = ids.filter_map(|id| id.parse().ok()).collect();
        let admission = match self.executions.find(&ids).await {
            Ok(executions) => self.executions.admit(executions).await,
            Err(error) => Admission { error: Some(error.into()), ..Admission::default() },
        };
        let is_done = self.note(context, admission, agenda);
        for delivery in batch {
            if is_done {
                delivery.ack().await;
            } else {
                delivery.retry_after(RETRY).await;
            }
        }
    }

    /// Takes over what an admission found out. Whether it decided about everything.
    fn note(&self, context: &ServiceContext, admission: Admission, agenda: &mut Agenda) -> bool {
        metrics::counter!("st2_scheduler_scheduled").increment(admission.scheduled as u64);
        metrics::counter!("st2_scheduler_delayed").increment(admission.delayed as u64);
        agenda.busy.extend(admission.busy);
        if let Some(due) = admission.next_due {
            agenda.next_sweep = agenda.next_sweep.min(at(context, due));
        }
        match admission.error {
            Some(error) => {
                tracing::warn!(%error, "executions could not be admitted yet");
                false
            }
            None => true,
        }
    }

    /// Looks at everything that is due.
    async fn sweep(&self, context: &ServiceContext, agenda: &mut Agenda) {
        agenda.next_sweep = Instant::now() + self.config.sweep_interval;
        let looked_at = loop {
            let now = context.ports.clock.now();
            let due = match self.executions.due(now, self.config.batch).await {
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "can not look for due executions");
                    return;
                }
            };
            let is_last = due.len() < self.config.batch;
            match self.on_due(context, due, agenda).await {
                Ok(true) if !is_last => {}
                Ok(_) => break now,
                Err(error) => {
                    tracing::warn!(%error, "due executions could not be dealt with");
                    return;
                }
            }
        };
        match self.executions.next_due(looked_at).await {
            Ok(Some(due)) => agenda.next_sweep = agenda.next_sweep.min(at(context, due)),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "can not look for the next due execution"),
        }
    }

    /// Deals with executions that are due. Whether that changed anything.
    async fn on_due(
        &self,
        context: &ServiceContext,
        due: Vec<Versioned<Execution>>,
        agenda: &mut Agenda,
    ) -> Result<bool, Error> {
        let (waiting, others): (Vec<_>, Vec<_>) = due.into_iter().partition(|execution| {
            let status = execution.value.status;
            matches!(status, ExecutionStatus::Requested | ExecutionStatus::Delayed)
        });
        let reminded = others.len();
        self.executions.remind(others).await?;
        let admission = self.executions.admit(waiting).await;
        let changed = admission.changed() + reminded;
        self.note(context, admission, agenda);
        Ok(changed > 0)
    }

    /// Takes over executions without a live owner until the future is dropped: at once, and from
    /// then on regularly.
    pub(crate) async fn take_over_forever(&self) {
        loop {
            match self.executions.take_over().await {
                Ok(found) if found.total() > 0 => tracing::warn!(
                    requested_again = found.requested_again,
                    abandoned = found.abandoned,
                    canceled = found.canceled,
                    "executions were without a live worker"
                ),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "owners of executions can not be looked at"),
            }
            tokio::time::sleep(self.config.take_over_interval).await;
        }
    }
}

/// The moment of the wall clock in the time that timers use.
fn at(context: &ServiceContext, due: Timestamp) -> Instant {
    Instant::now() + due.since(context.ports.clock.now())
}

//! What a worker does under one lease: claim what is scheduled, obey what is asked.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use st2_access::Credentials;
use st2_execution::Executions;
use st2_model::{Execution, Id, Owner, RunnerInfo, kinds};
use st2_ports::{
    BusError, Delivery, Group, HeldLease, Ports, Readiness, RoutineKind, ServiceContext,
    Subscription, Topic, Versioned,
};
use st2_runner::Runner;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::running::{Place, Running};
use crate::{NAME, RETRY, Worker, WorkerConfig};

/// Who gets the wake-ups of scheduled executions: one of all workers.
const GROUP: Group = Group::Shared("actionrunner");

/// How many ends may be on their way to the store before their runs keep their places.
const ENDS_MAX: usize = 1_000;

/// How many scheduled executions are read at a time, beyond those that may be on their way.
const BACKLOG_PAGE: usize = 128;

/// Scheduled executions that were found without a wake-up, oldest first. What another worker
/// claims meanwhile is found out by the claim.
struct Backlog {
    found: VecDeque<Versioned<Execution>>,
    may_have_more: bool,
}

/// Why a session ended.
pub(crate) enum Ended {
    /// The worker was asked to stop, and nothing runs any more.
    Stopped,
    /// Somebody else may hold what we held.
    LeaseLost,
    /// There are no wake-ups any more.
    BusLost,
}

pub(crate) struct Session {
    pub(crate) config: Arc<WorkerConfig>,
    pub(crate) ports: Ports,
    pub(crate) executions: Executions,
    pub(crate) runners: HashMap<&'static str, Arc<dyn Runner>>,
    pub(crate) credentials: Credentials,
    pub(crate) owner: Owner,
    /// Cancelled when nothing of this session may go on: guests end, nothing is written.
    pub(crate) dead: CancellationToken,
    /// Cancelled when what still runs is given up because the worker stops.
    pub(crate) giving_up: CancellationToken,
    running: Running,
    runner_info: RunnerInfo,
    workflows: Arc<Semaphore>,
    actions: Arc<Semaphore>,
    /// Ends that are on their way to the store: they no longer take a place in a pool.
    pub(crate) ends: Semaphore,
}

impl Session {
    pub(crate) fn new(
        worker: &Worker,
        context: &ServiceContext,
        lease: &HeldLease,
        credentials: Credentials,
    ) -> Self {
        let config = Arc::clone(&worker.config);
        Self {
            ports: context.ports.clone(),
            executions: worker.executions.clone(),
            runners: worker.runners.clone(),
            credentials,
            owner: Owner { lease: lease.lease().key.clone(), epoch: lease.lease().epoch },
            dead: CancellationToken::new(),
            giving_up: CancellationToken::new(),
            running: Running::default(),
            runner_info: RunnerInfo { hostname: config.hostname.clone(), pid: std::process::id() },
            workflows: Arc::new(Semaphore::new(config.workflows_pool_size)),
            actions: Arc::new(Semaphore::new(config.actions_pool_size)),
            ends: Semaphore::new(ENDS_MAX),
            config,
        }
    }

    /// Works until the worker is to stop or the lease is lost. Nothing runs when this returns.
    pub(crate) async fn serve(
        self: Arc<Self>,
        context: &ServiceContext,
        lease: &HeldLease,
    ) -> Ended {
        let lost = lease.lost();
        let ended = tokio::select! {
            biased;
            () = lost.cancelled() => Ended::LeaseLost,
            () = self.work_and_drain(context) => {
                if context.shutdown.is_cancelled() { Ended::Stopped } else { Ended::BusLost }
            }
            () = self.obey() => Ended::BusLost,
        };
        self.dead.cancel();
        self.running.until_empty().await;
        ended
    }

    async fn work_and_drain(self: &Arc<Self>, context: &ServiceContext) {
        tokio::select! {
            biased;
            () = context.shutdown.cancelled() => {}
            worked = self.work(context) => {
                if let Err(error) = worked {
                    tracing::warn!(%error, "no wake-ups for the worker");
                    context.health.set(NAME, Readiness::Unready(error.to_string()));
                    return;
                }
            }
        }
        if tokio::time::timeout(self.config.shutdown_grace, self.running.until_empty())
            .await
            .is_err()
        {
            tracing::warn!(running = self.running.len(), "giving up what still runs");
            self.giving_up.cancel();
            self.running.cancel_all();
            self.running.until_empty().await;
        }
    }

    /// Claims what is scheduled: on every wake-up, and from time to time without one.
    async fn work(self: &Arc<Self>, context: &ServiceContext) -> Result<(), BusError> {
        let bus = &self.ports.bus;
        let mut scheduled = bus.subscribe(Topic::ExecutionScheduled, GROUP).await?;
        context.health.set(NAME, Readiness::Ready);
        let mut sweep = tokio::time::interval(self.config.sweep_interval);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backlog = Backlog { found: VecDeque::new(), may_have_more: true };
        loop {
            let Ok(permit) = Arc::clone(&self.actions).acquire_owned().await else {
                return Ok(());
            };
            if let Some((place, execution)) = self.next_of(&mut backlog).await {
                self.start(permit, place, execution, None);
                continue;
            }
            tokio::select! {
                delivery = scheduled.next() => match delivery {
                    Some(delivery) => self.take(permit, delivery),
                    None => return Err(BusError::Unavailable("it has shut down".into())),
                },
                _ = sweep.tick() => backlog.may_have_more = true,
            }
        }
    }

    /// The next execution that is scheduled although no wake-up told of it, with its place.
    async fn next_of(
        self: &Arc<Self>,
        backlog: &mut Backlog,
    ) -> Option<(Place, Versioned<Execution>)> {
        loop {
            while let Some(execution) = backlog.found.pop_front() {
                // What runs here already is still stored as scheduled for a moment.
                if let Some(place) = self.running.enter(execution.value.id) {
                    return Some((place, execution));
                }
            }
            if !std::mem::take(&mut backlog.may_have_more) {
                return None;
            }
            // More than can be on their way from here, so that some of a full page are new.
            let limit = 2 * self.config.actions_pool_size + BACKLOG_PAGE;
            backlog.found = self.scheduled(false, limit).await.into();
            backlog.may_have_more = backlog.found.len() == limit;
            self.start_workflows().await;
        }
    }

    /// Claims workflows that are scheduled, as far as there are places for them.
    async fn start_workflows(self: &Arc<Self>) {
        let places = self.workflows.available_permits();
        if places == 0 {
            return;
        }
        for execution in self.scheduled(true, places).await {
            let permit = Arc::clone(&self.workflows).try_acquire_owned();
            let place = self.running.enter(execution.value.id);
            if let (Ok(permit), Some(place)) = (permit, place) {
                self.start(permit, place, execution, None);
            }
        }
    }

    async fn scheduled(&self, is_workflow: bool, limit: usize) -> Vec<Versioned<Execution>> {
        match self.executions.claimable(is_workflow, limit).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "can not look for scheduled executions");
                tokio::time::sleep(RETRY).await;
                Vec::new()
            }
        }
    }

    /// Starts what a wake-up speaks of, where it is still to be started.
    fn take(self: &Arc<Self>, permit: OwnedSemaphorePermit, delivery: Delivery) {
        let mut ids = ids_of(&delivery);
        let last = ids.pop();
        for id in ids {
            let session = Arc::clone(self);
            self.spawn("claim", async move {
                if let Ok(permit) = Arc::clone(&session.actions).acquire_owned().await {
                    session.take_one(permit, id, None).await;
                }
            });
        }
        let session = Arc::clone(self);
        self.spawn("claim", async move {
            match last {
                Some(id) => session.take_one(permit, id, Some(delivery)).await,
                None => delivery.ack().await,
            }
        });
    }

    fn spawn(&self, name: &str, routine: impl Future<Output = ()> + Send + 'static) {
        let routines = &self.ports.routines;
        routines.spawn(RoutineKind::Execution, name, routine);
    }

    async fn take_one(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        id: Id<kinds::Execution>,
        delivery: Option<Delivery>,
    ) {
        let Some(place) = self.running.enter(id) else {
            return settle(delivery).await;
        };
        let execution = match self.executions.get(id).await {
            Ok(execution) => execution,
            Err(error) if error.is_transient() => return put_back(delivery).await,
            Err(error) => {
                tracing::debug!(%id, %error, "nothing to claim");
                return settle(delivery).await;
            }
        };
        if !execution.value.is_workflow {
            return self.claim_and_run(permit, place, execution, delivery).await;
        }
        drop(permit);
        match Arc::clone(&self.workflows).try_acquire_owned() {
            Ok(permit) => self.claim_and_run(permit, place, execution, delivery).await,
            // Another worker may have a place.
            Err(_) => put_back(delivery).await,
        }
    }

    fn start(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        place: Place,
        execution: Versioned<Execution>,
        delivery: Option<Delivery>,
    ) {
        let session = Arc::clone(self);
        self.spawn("execution", async move {
            session.claim_and_run(permit, place, execution, delivery).await;
        });
    }

    async fn claim_and_run(
        &self,
        permit: OwnedSemaphorePermit,
        place: Place,
        execution: Versioned<Execution>,
        delivery: Option<Delivery>,
    ) {
        if self.dead.is_cancelled() {
            return put_back(delivery).await;
        }
        let id = execution.value.id;
        let claimed = self.executions.claim(execution, &self.owner, &self.runner_info).await;
        match claimed {
            Ok(claimed) => {
                settle(delivery).await;
                self.run(&place, permit, claimed).await;
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(%id, %error, "not claimed yet");
                put_back(delivery).await;
            }
            Err(error) => {
                tracing::debug!(%id, %error, "not claimed");
                settle(delivery).await;
            }
        }
        drop(place);
    }

    /// Passes on what somebody asks of running executions: on every wake-up, and from time to
    /// time without one. Returns when there are no wake-ups any more.
    async fn obey(&self) {
        let subscribed = self.ports.bus.subscribe(Topic::ExecutionIntent, Group::Each).await;
        let mut intents: Box<dyn Subscription> = match subscribed {
            Ok(intents) => intents,
            Err(error) => {
                tracing::warn!(%error, "no wake-ups for intents");
                return;
            }
        };
        let mut sweep = tokio::time::interval(self.config.sweep_interval);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                delivery = intents.next() => {
                    let Some(delivery) = delivery else { return };
                    for id in ids_of(&delivery) {
                        self.obey_one(id).await;
                    }
                    delivery.ack().await;
                }
                _ = sweep.tick() => self.obey_stored().await,
            }
        }
    }

    async fn obey_one(&self, id: Id<kinds::Execution>) {
        if !self.running.contains(id) {
            return;
        }
        match self.executions.get(id).await {
            // Ended by somebody else, or to be ended: either way the guest has to go.
            Ok(execution) if execution.value.owner.as_ref() == Some(&self.owner) => {
                if execution.value.intent.is_some() {
                    self.running.cancel(id);
                }
            }
            Ok(execution) if execution.value.status.is_completed() => self.running.cancel(id),
            Ok(_) => {}
            // The next sweep finds it.
            Err(error) => tracing::warn!(%id, %error, "an intent can not be read"),
        }
    }

    async fn obey_stored(&self) {
        if self.running.len() == 0 {
            return;
        }
        match self.executions.intents(&self.owner.lease).await {
            Ok(asked) => asked.iter().for_each(|execution| self.running.cancel(execution.value.id)),
            Err(error) => tracing::warn!(%error, "intents can not be read"),
        }
    }
}

fn ids_of(delivery: &Delivery) -> Vec<Id<kinds::Execution>> {
    let ids = delivery.wake.ids.iter();
    ids.filter_map(|id| id.parse().ok()).collect()
}

async fn settle(delivery: Option<Delivery>) {
    if let Some(delivery) = delivery {
        delivery.ack().await;
    }
}

async fn put_back(delivery: Option<Delivery>) {
    if let Some(delivery) = delivery {
        delivery.retry_after(RETRY).await;
    }
}

//! Which trigger instances are worked on: those told of, and those a sweep finds.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, stream};
use st2_execution::Executions;
use st2_model::TriggerInstance;
use st2_ports::{
    Delivery, Filter, Group, Order, Ports, Query, Readiness, Service, ServiceContext, ServiceError,
    StoreError, Topic,
};

use crate::enforce::Enforcer;
use crate::known::{Keeper, Known};

const NAME: &str = "rulesengine";
/// So many instances are worked on at a time.
const IN_FLIGHT: usize = 128;
/// How often instances are looked for that nobody told of.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// An instance that is older than this and still open was missed, or its engine died.
const MISSED_AFTER: Duration = Duration::from_secs(5);
/// So many missed instances are read at a time.
const SWEEP_BATCH: usize = 1_000;
/// How long a wake-up rests when the store is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The service.
pub struct RulesEngine {
    executions: Executions,
    system_user: String,
}

impl RulesEngine {
    /// An engine that requests through `executions`, in the name of `system_user`.
    #[must_use]
    pub const fn new(executions: Executions, system_user: String) -> Self {
        Self { executions, system_user }
    }
}

#[async_trait]
impl Service for RulesEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(self: Box<Self>, context: ServiceContext) -> Result<(), ServiceError> {
        let error = |error: st2_ports::BusError| ServiceError::new(NAME, error);
        let ports = context.ports.clone();
        let topic = Topic::TriggerDispatched;
        let mut wakes = ports.bus.subscribe(topic, Group::Shared(NAME)).await.map_err(error)?;
        let mut work = Work {
            enforcer: Arc::new(Enforcer::new(ports.clone(), self.executions, self.system_user)),
            keeper: Keeper::new(ports.clone()).await.map_err(error)?,
            ports,
        };
        // What an earlier process left open is done before anything new.
        work.sweep(Duration::ZERO).await;
        context.health.set(NAME, Readiness::Ready);
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = context.shutdown.cancelled() => return Ok(()),
                delivery = wakes.next() => match delivery {
                    Some(delivery) => work.deliver(delivery).await,
                    None => return Ok(()),
                },
                _ = sweep.tick() => work.sweep(MISSED_AFTER).await,
            }
        }
    }
}

struct Work {
    ports: Ports,
    enforcer: Arc<Enforcer>,
    keeper: Keeper,
}

impl Work {
    async fn deliver(&mut self, delivery: Delivery) {
        match self.process(&delivery.wake.ids).await {
            Ok(()) => delivery.ack().await,
            Err(error) => {
                tracing::warn!(%error, "trigger instances wait for the store");
                delivery.retry_after(RETRY_AFTER).await;
            }
        }
    }

    /// Works on instances, many at a time, begun in their order.
    async fn process(&mut self, ids: &[String]) -> Result<(), StoreError> {
        let known: Arc<Known> = self.keeper.current().await?;
        let works: Vec<_> = ids
            .iter()
            .map(|id| {
                let (enforcer, known, id) =
                    (Arc::clone(&self.enforcer), Arc::clone(&known), id.clone());
                async move { enforcer.process(&id, &known).await }
            })
            .collect();
        let mut outcomes = stream::iter(works).buffered(IN_FLIGHT);
        let mut answer = Ok(());
        while let Some(outcome) = outcomes.next().await {
            answer = answer.and(outcome);
        }
        answer
    }

    /// Works on instances that are open and older than `age` now. What comes meanwhile is not
    /// waited for: under a steady load there would be no end.
    async fn sweep(&mut self, age: Duration) {
        let now = self.ports.clock.now().micros();
        let before = now.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
        loop {
            let found = match Self::missed(&self.ports, before).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(%error, "no sweep for trigger instances");
                    return;
                }
            };
            if found.is_empty() {
                return;
            }
            tracing::info!(count = found.len(), "trigger instances found that were missed");
            metrics::counter!("st2_sweep_findings", "service" => NAME)
                .increment(found.len() as u64);
            if let Err(error) = self.process(&found).await {
                tracing::warn!(%error, "trigger instances wait for the store");
                return;
            }
        }
    }

    /// Some of the open instances that occurred before this moment, in microseconds.
    async fn missed(ports: &Ports, before: i64) -> Result<Vec<String>, StoreError> {
        let filter = Filter::is_in("status", ["pending", "processing"])
            .and(Filter::below("occurrence_time", before));
        let query = Query::of(filter).by("occurrence_time", Order::Ascending).limit(SWEEP_BATCH);
        let found = ports.repository::<TriggerInstance>().find(&query).await?;
        Ok(found.into_iter().map(|instance| instance.value.id.to_string()).collect())
    }
}

//! Which sensors run here: the desired state, compared whenever something changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use st2_intake::{Datastore, Intake};
use st2_model::{ResourceRef, SensorType};
use st2_partitions::PartitionProvider;
use st2_plugin::PluginLoader;
use st2_ports::{
    Filter, Group, Ports, Query, Readiness, RoutineKind, Service, ServiceContext, ServiceError,
    Subscription, Topic,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::supervisor::{Supervisor, Tools};

const NAME: &str = "sensorcontainer";
/// How often sensors are compared without being told of a change.
const SENSOR_SWEEP: Duration = Duration::from_secs(30);

/// How a node runs sensors.
#[derive(Debug, Clone)]
pub struct SensorSettings {
    /// Name of this node.
    pub node: String,
    /// Run this one sensor whether or not it is enabled, and exit with its exit code.
    pub single: Option<ResourceRef>,
    /// Variables that every sensor finds in its environment.
    pub environment: Vec<(String, String)>,
}

/// The service that runs sensors.
pub struct SensorHost {
    settings: SensorSettings,
    provider: Box<dyn PartitionProvider>,
    loaders: Vec<Arc<dyn PluginLoader>>,
    intake: Intake,
    datastore: Datastore,
}

/// A supervised sensor.
struct Supervised {
    desired: watch::Sender<Option<SensorType>>,
    done: oneshot::Receiver<()>,
}

impl SensorHost {
    /// A host for the sensors that `provider` assigns, with plugins loaded by the first of
    /// `loaders` that claims them.
    #[must_use]
    pub fn new(
        settings: SensorSettings,
        provider: Box<dyn PartitionProvider>,
        loaders: Vec<Arc<dyn PluginLoader>>,
        intake: Intake,
        datastore: Datastore,
    ) -> Self {
        Self { settings, provider, loaders, intake, datastore }
    }

    /// The sensors that should run here.
    async fn desired(
        &self,
        ports: &Ports,
    ) -> Result<BTreeMap<ResourceRef, SensorType>, ServiceError> {
        let error = |error: &dyn std::fmt::Display| ServiceError::new(NAME, error);
        let found = ports.repository::<SensorType>().find(&Query::of(Filter::All)).await;
        let found = found.map_err(|e| error(&e))?;
        let refs: Vec<ResourceRef> =
            found.iter().map(|sensor| sensor.value.reference.clone()).collect();
        let mine = self
            .provider
            .assignment(&refs)
            .await
            .map_err(|e| ServiceError { exit_code: Some(1), ..error(&e) })?;
        let is_single = self.settings.single.is_some();
        Ok(found
            .into_iter()
            .map(|sensor| sensor.value)
            .filter(|sensor| mine.contains(&sensor.reference) && (sensor.enabled || is_single))
            .map(|sensor| (sensor.reference.clone(), sensor))
            .collect())
    }
}

/// Brings the supervised sensors to the desired state.
fn apply(
    supervised: &mut BTreeMap<ResourceRef, Supervised>,
    mut desired: BTreeMap<ResourceRef, SensorType>,
    tools: &Tools,
    shutdown: &CancellationToken,
) {
    for (reference, sensor) in supervised.iter() {
        let wanted = desired.remove(reference);
        sensor.desired.send_if_modified(|current| {
            let changed = *current != wanted;
            *current = wanted;
            changed
        });
    }
    for (reference, sensor) in desired {
        let (sender, receiver) = watch::channel(Some(sensor));
        let (finished, done) = oneshot::channel();
        let supervisor = Supervisor::new(tools.clone(), receiver, shutdown.clone());
        let name = reference.to_string();
        tools.ports.routines.spawn(RoutineKind::Sensor, &name, async move {
            supervisor.run().await;
            drop(finished);
        });
        supervised.insert(reference, Supervised { desired: sender, done });
    }
}

#[async_trait]
impl Service for SensorHost {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(self: Box<Self>, context: ServiceContext) -> Result<(), ServiceError> {
        let ports = &context.ports;
        let (single, mut exit_code) = mpsc::channel(1);
        let owner = format!("{}/{}", self.settings.node, ports.ids.token(6));
        let tools = Tools {
            ports: ports.clone(),
            intake: self.intake.clone(),
            datastore: self.datastore.clone(),
            loaders: self.loaders.clone().into(),
            node: self.settings.node.clone(),
            owner,
            environment: self.settings.environment.clone().into(),
            single: self.settings.single.as_ref().map(|_| single),
        };
        let stop = context.shutdown.child_token();
        let subscription = ports.bus.subscribe(Topic::SensorChanged, Group::Each).await;
        let mut changes = subscription.map_err(|error| ServiceError::new(NAME, error))?;
        let mut supervised = BTreeMap::new();
        // The first answer of the provider decides whether this node can work at all.
        apply(&mut supervised, self.desired(ports).await?, &tools, &stop);
        context.health.set(NAME, Readiness::Ready);
        let code = loop {
            tokio::select! {
                () = context.shutdown.cancelled() => break None,
                code = exit_code.recv(), if tools.single.is_some() => break code,
                () = changed(&mut changes, &*self.provider) => {}
            }
            if self.settings.single.is_some() {
                continue;
            }
            match self.desired(ports).await {
                Ok(desired) => apply(&mut supervised, desired, &tools, &stop),
                Err(error) => tracing::error!(%error, "sensors stay as they are"),
            }
        };
        stop.cancel();
        for (_, sensor) in supervised {
            // An error says that the supervisor is done.
            if sensor.done.await.is_ok() {
                tracing::debug!("a supervisor reported its end");
            }
        }
        match code {
            None | Some(0) => Ok(()),
            Some(code) => Err(ServiceError {
                exit_code: Some(code),
                ..ServiceError::new(NAME, format!("the sensor ended with code {code}"))
            }),
        }
    }
}

/// Returns when sensors, or the assignment, may have changed.
async fn changed(changes: &mut Box<dyn Subscription>, provider: &dyn PartitionProvider) {
    tokio::select! {
        delivery = changes.next() => match delivery {
            Some(delivery) => delivery.ack().await,
            None => std::future::pending().await,
        },
        () = provider.changed() => {}
        () = tokio::time::sleep(SENSOR_SWEEP) => {}
    }
}

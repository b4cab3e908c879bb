//! The life of one sensor on this node: lease, start, triggers, end, and again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use st2_intake::{Datastore, Intake, Occurrence};
use st2_model::{Config, Pack, SensorState, SensorType, Trigger};
use st2_plugin::{
    Artifact, Binding, EndReason, Ended, Plugin, PluginControl, PluginInstance, PluginLoader,
    StartContext,
};
use st2_ports::{Filter, Group, HeldLease, Ports, Query, StoreError, Subscription, Topic, hold};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::{self, Next};
use crate::guest::SensorGuest;
use crate::status::{Now, StatusBoard};
use crate::triggers::{self, Served, Tell};

/// How long a sensor's lease lasts without renewal: the longest gap when its node dies.
const LEASE_TTL: Duration = Duration::from_secs(3);
/// How often a node that stands by asks for the lease.
const STANDBY_RETRY: Duration = Duration::from_secs(1);
/// How often triggers are compared without being told of a change.
const TRIGGER_SWEEP: Duration = Duration::from_secs(30);

/// What a supervisor works with; the same for all sensors of a host.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) ports: Ports,
    pub(crate) intake: Intake,
    pub(crate) datastore: Datastore,
    pub(crate) loaders: Arc<[Arc<dyn PluginLoader>]>,
    pub(crate) node: String,
    /// Names this process at the coordinator.
    pub(crate) owner: String,
    pub(crate) environment: Arc<[(String, String)]>,
    /// In single-sensor mode: takes the exit code of the one sensor, which is not started again.
    pub(crate) single: Option<mpsc::Sender<i32>>,
}

/// Supervises one sensor.
pub(crate) struct Supervisor {
    tools: Tools,
    /// The sensor as it should run; `None` while it should not.
    desired: watch::Receiver<Option<SensorType>>,
    shutdown: CancellationToken,
    board: Arc<StatusBoard>,
    restarts: u32,
    last_error: Option<String>,
    plugin: Option<(String, Arc<dyn Plugin>)>,
}

/// Why a run of a sensor is over.
enum Over {
    Shutdown,
    /// The desired state is another one now.
    Changed,
    LeaseLost,
    /// It ended by itself, after this time.
    Ended(Ended, Duration),
    /// It could not be started.
    NotStarted(st2_plugin::Error),
}

impl Supervisor {
    pub(crate) fn new(
        tools: Tools,
        desired: watch::Receiver<Option<SensorType>>,
        shutdown: CancellationToken,
    ) -> Self {
        let board = Arc::new(StatusBoard::new(tools.ports.clone(), tools.node.clone()));
        Self { tools, desired, shutdown, board, restarts: 0, last_error: None, plugin: None }
    }

    /// Runs until shutdown.
    pub(crate) async fn run(mut self) {
        while !self.shutdown.is_cancelled() {
            let wanted = self.desired.borrow_and_update().clone();
            let Some(sensor) = wanted else {
                self.wait(None).await;
                continue;
            };
            let Some(lease) = self.lease(&sensor).await else { continue };
            let over = self.once(&sensor, &lease).await;
            lease.release().await;
            self.after(&sensor, over).await;
        }
    }

    /// Waits for a change of the desired state, for shutdown, or for so long.
    async fn wait(&mut self, at_most: Option<Duration>) {
        let elapsed = async {
            match at_most {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            changed = self.desired.changed() => if changed.is_err() { self.shutdown.cancel() },
            () = elapsed => {}
        }
    }

    /// Takes the sensor's lease, or `None` after a wait.
    async fn lease(&mut self, sensor: &SensorType) -> Option<HeldLease> {
        let key = format!("sensor/{}", sensor.reference);
        match hold(&self.tools.ports, &key, &self.tools.owner, LEASE_TTL).await {
            Ok(Some(lease)) => return Some(lease),
            Ok(None) => {
                tracing::debug!(sensor = %sensor.reference, "another node runs it; standing by")
            }
            Err(error) => tracing::warn!(sensor = %sensor.reference, %error, "no lease"),
        }
        let retry = self.tools.ports.ids.jitter(STANDBY_RETRY);
        self.wait(Some(retry)).await;
        None
    }

    async fn after(&mut self, sensor: &SensorType, over: Over) {
        let next = match over {
            Over::Shutdown | Over::Changed | Over::LeaseLost => {
                self.set(sensor, SensorState::Stopped, None, None).await;
                self.restarts = 0;
                return;
            }
            Over::NotStarted(error @ st2_plugin::Error::NotLoadable { .. }) => {
                return self.broken(sensor, &error).await;
            }
            Over::NotStarted(error) => {
                self.last_error = Some(chain(&error));
                tracing::error!(sensor = %sensor.reference, error = chain(&error), "sensor not started");
                self.report_single(1).await;
                backoff::after_failure(self.restarts)
            }
            Over::Ended(ended, ran) => {
                self.last_error = error_of(&ended);
                self.report_exit(sensor, &ended).await;
                self.report_single(ended.exit_code.unwrap_or(0)).await;
                backoff::after_end(&ended.reason, ran, self.restarts)
            }
        };
        match next {
            Next::Rest => {
                tracing::info!(sensor = %sensor.reference, "sensor ended by itself; it rests until it changes");
                self.set(sensor, SensorState::Stopped, None, None).await;
                self.wait(None).await;
            }
            Next::Retry { after, restarts } => {
                self.restarts = restarts;
                metrics::counter!("st2_sensor_restarts").increment(1);
                let after = self.tools.ports.ids.jitter(after);
                let error = self.last_error.as_deref().unwrap_or_default();
                tracing::warn!(sensor = %sensor.reference, restarts, ?after, error, "sensor failed; it is started again");
                self.set(sensor, SensorState::BackingOff, None, None).await;
                self.wait(Some(after)).await;
            }
        }
    }

    async fn broken(&mut self, sensor: &SensorType, error: &st2_plugin::Error) {
        self.last_error = Some(chain(error));
        tracing::error!(sensor = %sensor.reference, error = chain(error), "sensor can not be run until it changes");
        self.set(sensor, SensorState::Broken, None, None).await;
        self.report_single(1).await;
        self.wait(None).await;
    }

    /// One run, from load to end.
    async fn once(&mut self, sensor: &SensorType, lease: &HeldLease) -> Over {
        self.set(sensor, SensorState::Starting, None, Some(lease)).await;
        let (shutdown, mut desired) = (self.shutdown.clone(), self.desired.clone());
        let started = tokio::select! {
            started = self.start(sensor, lease) => started,
            () = shutdown.cancelled() => return Over::Shutdown,
            _ = desired.changed() => return Over::Changed,
            () = lease_lost(lease) => return Over::LeaseLost,
        };
        let mut instance = match started {
            Ok(instance) => instance,
            Err(error) => return Over::NotStarted(error),
        };
        let control = instance.control();
        let pid = control.process_id();
        self.set(sensor, SensorState::Running, pid, Some(lease)).await;
        self.report_spawn(sensor, pid).await;
        let since = Instant::now();
        let mut run = std::pin::pin!(instance.run());
        let stopped = tokio::select! {
            ended = &mut run => return Over::Ended(ended, since.elapsed()),
            () = self.serve_triggers(sensor, &*control, lease) => Over::Shutdown,
            () = shutdown.cancelled() => Over::Shutdown,
            _ = desired.changed() => Over::Changed,
            // No grace: the next owner may be starting already.
            () = lease_lost(lease) => return Over::LeaseLost,
        };
        control.stop();
        let ended = run.await;
        self.report_exit(sensor, &ended).await;
        stopped
    }

    async fn start(
        &mut self,
        sensor: &SensorType,
        lease: &HeldLease,
    ) -> Result<Box<dyn PluginInstance>, st2_plugin::Error> {
        let not_started = |source: StoreError| st2_plugin::Error::NotStarted {
            sensor: sensor.reference.clone(),
            source: Box::new(source),
        };
        let plugin = self.load(sensor).await?;
        let pack = sensor.reference.pack();
        let configs = self.tools.ports.repository::<Config>();
        let config = configs.get(Config::id_of(pack)).await.map_err(not_started)?;
        let seconds = sensor.poll_interval.as_ref().and_then(serde_json::Number::as_f64);
        // Zero is how a passive sensor may say that it is not polled.
        let seconds = seconds.filter(|seconds| *seconds > 0.0);
        let binding = Binding {
            config: config.map(|found| found.value.values).unwrap_or_default(),
            poll_interval: seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            ..Binding::default()
        };
        let host = Arc::new(SensorGuest {
            sensor: sensor.reference.clone(),
            fence: lease.fence(),
            intake: self.tools.intake.clone(),
            datastore: self.tools.datastore.clone(),
            board: Arc::clone(&self.board),
        });
        let env = self.tools.environment.to_vec();
        plugin.bind(binding)?.start(StartContext { host, env }).await
    }

    /// The loaded plugin; loaded once for each version of the content.
    async fn load(&mut self, sensor: &SensorType) -> Result<Arc<dyn Plugin>, st2_plugin::Error> {
        if let Some((digest, plugin)) = &self.plugin
            && *digest == sensor.digest
        {
            return Ok(Arc::clone(plugin));
        }
        let not_loadable = |reason: String| st2_plugin::Error::NotLoadable {
            sensor: sensor.reference.clone(),
            reason,
        };
        let packs = self.tools.ports.repository::<Pack>();
        let pack = packs.get(Pack::id_of(sensor.reference.pack())).await;
        let pack = pack.map_err(|error| not_loadable(error.to_string()))?;
        let folder = pack.and_then(|found| found.value.path).unwrap_or_default();
        let path = sensor.artifact_uri.strip_prefix("file://").unwrap_or(&sensor.artifact_uri);
        let artifact = Artifact {
            sensor: sensor.reference.clone(),
            pack_folder: folder.into(),
            entry_point: path.into(),
        };
        let loader = self.tools.loaders.iter().find(|loader| loader.claims(&artifact));
        let loader = loader.ok_or_else(|| {
            not_loadable(format!("no plugin host can run entry_point \"{}\"", sensor.entry_point))
        })?;
        let plugin = loader.load(&artifact).await?;
        self.plugin = Some((sensor.digest.clone(), Arc::clone(&plugin)));
        Ok(plugin)
    }

    async fn set(
        &self,
        sensor: &SensorType,
        state: SensorState,
        pid: Option<u32>,
        lease: Option<&HeldLease>,
    ) {
        let now = Now {
            pid,
            epoch: lease.map(|lease| lease.lease().epoch),
            restarts: self.restarts,
            last_error: self.last_error.clone(),
            triggers: Vec::new(),
        };
        self.board.set(sensor, state, &now).await;
    }

    /// Tells the sensor of its triggers, now and whenever they change, and shows which it serves.
    /// Never returns by itself.
    async fn serve_triggers(
        &self,
        sensor: &SensorType,
        control: &dyn PluginControl,
        lease: &HeldLease,
    ) {
        let ports = &self.tools.ports;
        let mut served = Served::new();
        let mut changes = ports.bus.subscribe(Topic::TriggerChanged, Group::Each).await.ok();
        loop {
            match wanted(ports, sensor).await {
                Ok(wanted) if wanted != served => {
                    tell(sensor, control, &mut served, &wanted).await;
                    let now = Now {
                        pid: control.process_id(),
                        epoch: Some(lease.lease().epoch),
                        restarts: self.restarts,
                        last_error: self.last_error.clone(),
                        triggers: served.values().map(|t| t.reference.clone()).collect(),
                    };
                    self.board.set(sensor, SensorState::Running, &now).await;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(sensor = %sensor.reference, %error, "triggers can not be read");
                }
            }
            tokio::select! {
                () = next(&mut changes) => {}
                () = tokio::time::sleep(TRIGGER_SWEEP) => {}
            }
        }
    }

    async fn report_single(&self, code: i32) {
        if let Some(single) = &self.tools.single {
            // The host takes one code and stops; a second one has nobody to read it.
            if single.try_send(code).is_err() {
                tracing::debug!("the host stops already");
            }
            self.shutdown.cancelled().await;
        }
    }

    async fn report_spawn(&self, sensor: &SensorType, pid: Option<u32>) {
        let command = match pid {
            Some(pid) => command_line(pid).await,
            None => String::new(),
        };
        tracing::info!(sensor = %sensor.reference, pid, "sensor started");
        let payload = json!({
            "id": sensor.reference.name(),
            "timestamp": self.seconds(),
            "pid": pid,
            "cmd": command,
        });
        self.occur("core.st2.sensor.process_spawn", payload).await;
    }

    async fn report_exit(&self, sensor: &SensorType, ended: &Ended) {
        tracing::info!(sensor = %sensor.reference, reason = ?ended.reason, code = ended.exit_code, "sensor ended");
        let payload = json!({
            "id": sensor.reference.name(),
            "timestamp": self.seconds(),
            "exit_code": ended.exit_code,
        });
        self.occur("core.st2.sensor.process_exit", payload).await;
    }

    async fn occur(&self, trigger: &str, payload: serde_json::Value) {
        if let Err(error) = self.tools.intake.dispatch(Occurrence::internal(trigger, payload)).await
        {
            tracing::warn!(trigger, %error, "not dispatched");
        }
    }

    fn seconds(&self) -> i64 {
        self.tools.ports.clock.now().micros() / 1_000_000
    }
}

async fn lease_lost(lease: &HeldLease) {
    lease.lost().cancelled_owned().await;
}

async fn next(changes: &mut Option<Box<dyn Subscription>>) {
    if let Some(subscription) = changes
        && let Some(delivery) = subscription.next().await
    {
        delivery.ack().await;
        return;
    }
    std::future::pending().await
}

async fn wanted(ports: &Ports, sensor: &SensorType) -> Result<Served, StoreError> {
    let types = sensor.trigger_types.iter().map(String::as_str);
    let query = Query::of(Filter::is_in("type", types));
    let found = ports.repository::<Trigger>().find(&query).await?;
    let all: Vec<Trigger> = found.into_iter().map(|found| found.value).collect();
    Ok(triggers::of_sensor(sensor, &all))
}

/// What the sensor does not take is tried again at the next comparison.
async fn tell(
    sensor: &SensorType,
    control: &dyn PluginControl,
    served: &mut Served,
    wanted: &Served,
) {
    for tell in triggers::difference(served, wanted) {
        let (id, answer, now) = match tell {
            Tell::Remove(trigger) => {
                (trigger.id.clone(), control.remove_trigger(trigger).await, None)
            }
            Tell::Add(trigger) => {
                (trigger.id.clone(), control.add_trigger(trigger.clone()).await, Some(trigger))
            }
            Tell::Update(trigger) => {
                (trigger.id.clone(), control.update_trigger(trigger.clone()).await, Some(trigger))
            }
        };
        match (answer, now) {
            (Ok(()), Some(trigger)) => {
                served.insert(id, trigger);
            }
            (Ok(()), None) => {
                served.remove(&id);
            }
            (Err(error), _) => {
                tracing::error!(sensor = %sensor.reference, trigger = id, error = chain(&error), "trigger not taken over");
            }
        }
    }
}

fn error_of(ended: &Ended) -> Option<String> {
    match &ended.reason {
        EndReason::Stopped | EndReason::Returned => None,
        EndReason::Crashed { reason } | EndReason::Violation { reason } => Some(reason.clone()),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The command line of a process, as `ps` shows it.
async fn command_line(pid: u32) -> String {
    let raw = tokio::fs::read(format!("/proc/{pid}/cmdline")).await.unwrap_or_default();
    String::from_utf8_lossy(&raw).trim_end_matches('\0').replace('\0', " ")
}

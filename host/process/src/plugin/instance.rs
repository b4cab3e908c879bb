//! One guest from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use st2_model::ResourceRef;
use st2_plugin::{
    Binding, EndReason, Ended, Error, Guarded, GuestHost, Limits, PluginControl, PluginInstance,
    Result, StartContext,
};
use st2_protocol::{
    AddTrigger, ChannelLimits, Configure, FD_VARIABLE, GuestKind, HostCall, Initialize,
    Initialized, Nothing, PROTOCOL_VERSION, RemoveTrigger, SensorKind, Trigger, UpdateTrigger,
};
use tokio::net::UnixStream;
use tokio::sync::Notify;

use super::Program;
use super::caller::Caller;
use super::engine::{Engine, Outcome};
use super::logs::LogTap;
use crate::process::{self, ExitStatus};
use crate::spec::{ProcessLimits, Spec};

/// StackStorm's pause between polls when neither metadata nor code name one.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// From SIGTERM to SIGKILL, for a guest that has not ended when asked on its channel.
const TERM_GRACE: Duration = Duration::from_secs(2);

/// Starts the process and brings it to the end of its set-up.
pub(crate) async fn start(
    program: &Program,
    binding: &Binding,
    context: StartContext,
) -> Result<Instance> {
    let host: Arc<dyn GuestHost> = Arc::new(Guarded::new(context.host, binding.grants.clone()));
    let not_started = |source: Box<dyn std::error::Error + Send + Sync>| Error::NotStarted {
        sensor: program.sensor.clone(),
        source,
    };
    let (ours, theirs) =
        std::os::unix::net::UnixStream::pair().map_err(|error| not_started(error.into()))?;
    ours.set_nonblocking(true).map_err(|error| not_started(error.into()))?;
    let stream = UnixStream::from_std(ours).map_err(|error| not_started(error.into()))?;
    let mut spec = spec(program, &binding.limits, context.env);
    spec.inherit.push((FD_VARIABLE.into(), theirs.into()));
    let mut tap = LogTap::new(Arc::clone(&host), binding.limits.log_line_bytes_max);
    let spec = spec.on_output(move |stream, chunk| tap.push(stream, chunk));
    let process = process::spawn(spec).await.map_err(|error| not_started(error.into()))?;
    let (caller, commands) = Caller::new(program.sensor.clone());
    let limits = binding.limits.clone();
    let mut engine = Engine::new(process, stream, commands, host, limits);
    let kind = set_up(&mut engine, &caller, binding, &program.sensor).await?;
    let control = Control {
        caller,
        call_timeout: binding.limits.call_timeout,
        process: engine.process().control(),
        stop: Notify::new(),
    };
    let poll_interval = binding.poll_interval.unwrap_or(POLL_INTERVAL);
    let stop_grace = binding.limits.stop_grace;
    Ok(Instance { engine, control: Arc::new(control), kind, poll_interval, stop_grace })
}

fn spec(program: &Program, limits: &Limits, env: Vec<(String, String)>) -> Spec {
    let mut spec = Spec::new(program.argv.clone());
    spec.executable.clone_from(&program.executable);
    spec.cwd.clone_from(&program.cwd);
    spec.no_new_privs = !program.may_gain;
    spec.limits = ProcessLimits {
        address_space_bytes: limits.memory_bytes,
        open_files: limits.open_files,
        processes: limits.processes,
        ..ProcessLimits::default()
    };
    for (name, value) in env {
        spec.set_env(name, value);
    }
    spec
}

/// `initialize` and `configure`, while the engine serves what the guest asks meanwhile.
async fn set_up(
    engine: &mut Engine,
    caller: &Caller,
    binding: &Binding,
    sensor: &ResourceRef,
) -> Result<SensorKind> {
    let limits = &binding.limits;
    let calls = async {
        let answer = caller.call_within(
            limits.start_timeout,
            HostCall::Initialize(Initialize {
                protocol_versions: vec![PROTOCOL_VERSION],
                kind: GuestKind::Sensor,
                pack: sensor.pack().to_owned(),
                name: sensor.name().to_owned(),
                limits: ChannelLimits {
                    line_bytes_max: limits.line_bytes_max,
                    requests_in_flight_max: limits.requests_in_flight_max,
                },
            }),
        );
        let answer = answer.await?;
        let initialized: Initialized = serde_json::from_str(answer.get()).map_err(|error| {
            let reason = format!("the answer to initialize cannot be read: {error}");
            Error::Violation { sensor: sensor.clone(), reason }
        })?;
        let interval = binding.poll_interval.unwrap_or(POLL_INTERVAL);
        let configure = HostCall::Configure(Configure {
            config: binding.config.clone(),
            poll_interval_ms: u64::try_from(interval.as_millis()).ok(),
        });
        caller.call_within(limits.call_timeout, configure).await?;
        Ok(initialized.sensor_kind)
    };
    tokio::select! {
        biased;
        ready = calls => ready,
        outcome = engine.serve() => {
            Err(ended_early(sensor, outcome))
        }
    }
}

fn ended_early(sensor: &ResourceRef, outcome: crate::Result<Outcome>) -> Error {
    let sensor = sensor.clone();
    match outcome {
        Ok(Outcome { violation: Some(reason), .. }) => Error::Violation { sensor, reason },
        Ok(Outcome { status, .. }) => Error::NotStarted {
            sensor,
            source: format!("it ended during its set-up with {status}").into(),
        },
        Err(error) => Error::NotStarted { sensor, source: error.into() },
    }
}

pub(crate) struct Instance {
    engine: Engine,
    control: Arc<Control>,
    kind: SensorKind,
    poll_interval: Duration,
    stop_grace: Duration,
}

/// What ended the normal life of a guest.
enum Turn {
    /// Its process is gone.
    Exited(crate::Result<Outcome>),
    /// `run` or `poll` was answered for good.
    Finished(Result<()>),
    /// Somebody called `stop`.
    Stop,
}

#[async_trait]
impl PluginInstance for Instance {
    fn control(&self) -> Arc<dyn PluginControl> {
        Arc::clone(&self.control) as Arc<dyn PluginControl>
    }

    async fn run(&mut self) -> Ended {
        let control = Arc::clone(&self.control);
        let turn = tokio::select! {
            biased;
            outcome = self.engine.serve() => Turn::Exited(outcome),
            () = control.stop.notified() => Turn::Stop,
            finished = drive(&control.caller, self.kind, self.poll_interval) => {
                Turn::Finished(finished)
            }
        };
        match turn {
            Turn::Exited(outcome) => exited(outcome),
            Turn::Finished(Err(error)) => {
                let status = self.end().await;
                // A guest that broke the channel fails its calls too: tell the cause.
                match (error, status) {
                    (_, Ok(Outcome { violation: Some(reason), status })) => {
                        ended(EndReason::Violation { reason }, status)
                    }
                    (Error::GuestFailed { message, call, .. }, status) => {
                        let reason = format!("the sensor failed in {call}: {message}");
                        Ended {
                            reason: EndReason::Crashed { reason },
                            exit_code: failed_code(status),
                        }
                    }
                    (_, status) => exited(status),
                }
            }
            Turn::Finished(Ok(())) => exited(self.end().await),
            Turn::Stop => match self.end().await {
                Ok(outcome) => ended(EndReason::Stopped, outcome.status),
                Err(error) => exited(Err(error)),
            },
        }
    }
}

impl Instance {
    /// Asks the guest to clean up and exit, more firmly from step to step.
    async fn end(&mut self) -> crate::Result<Outcome> {
        let control = Arc::clone(&self.control);
        let polite = async {
            // Errors do not matter: the firmer steps follow anyway.
            drop(control.caller.call(HostCall::Cleanup(Nothing {})).await);
            drop(control.caller.call(HostCall::Shutdown(Nothing {})).await);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            outcome = self.engine.serve() => return outcome,
            () = polite => {}
            () = tokio::time::sleep(self.stop_grace) => {}
        }
        control.process.terminate();
        if let Ok(outcome) = tokio::time::timeout(TERM_GRACE, self.engine.serve()).await {
            return outcome;
        }
        control.process.kill();
        self.engine.serve().await
    }
}

/// Lets the sensor do its work; returns when it has returned from `run`, or with its failure.
async fn drive(caller: &Caller, kind: SensorKind, poll_interval: Duration) -> Result<()> {
    match kind {
        SensorKind::Passive => caller.call(HostCall::Run(Nothing {})).await.map(drop),
        SensorKind::Polling => loop {
            caller.call(HostCall::Poll(Nothing {})).await?;
            tokio::time::sleep(poll_interval).await;
        },
    }
}

fn exited(outcome: crate::Result<Outcome>) -> Ended {
    match outcome {
        Ok(Outcome { violation: Some(reason), status }) => {
            ended(EndReason::Violation { reason }, status)
        }
        // By itself and content with that, only less polite.
        Ok(Outcome { violation: None, status }) if status.is_success() => {
            ended(EndReason::Returned, status)
        }
        Ok(Outcome { violation: None, status }) => {
            ended(EndReason::Crashed { reason: format!("the process ended with {status}") }, status)
        }
        Err(error) => {
            let reason = EndReason::Crashed { reason: error.to_string() };
            Ended { reason, exit_code: None }
        }
    }
}

fn ended(reason: EndReason, status: ExitStatus) -> Ended {
    Ended { reason, exit_code: Some(status.return_code()) }
}

/// StackStorm's exit code of a sensor whose `run` raised, whatever the process made of it.
fn failed_code(outcome: crate::Result<Outcome>) -> Option<i32> {
    outcome.ok().map(|outcome| match outcome.status.return_code() {
        0 => 1,
        code => code,
    })
}

struct Control {
    caller: Caller,
    call_timeout: Duration,
    process: process::Control,
    stop: Notify,
}

impl Control {
    async fn call(&self, call: HostCall) -> Result<()> {
        self.caller.call_within(self.call_timeout, call).await.map(drop)
    }
}

#[async_trait]
impl PluginControl for Control {
    async fn add_trigger(&self, trigger: Trigger) -> Result<()> {
        self.call(HostCall::AddTrigger(AddTrigger { trigger })).await
    }

    async fn update_trigger(&self, trigger: Trigger) -> Result<()> {
        self.call(HostCall::UpdateTrigger(UpdateTrigger { trigger })).await
    }

    async fn remove_trigger(&self, trigger: Trigger) -> Result<()> {
        self.call(HostCall::RemoveTrigger(RemoveTrigger { trigger })).await
    }

    async fn ping(&self) -> Result<()> {
        self.call(HostCall::Ping(Nothing {})).await
    }

    fn stop(&self) {
        self.stop.notify_one();
    }

    fn process_id(&self) -> Option<u32> {
        Some(self.process.pid())
    }
}

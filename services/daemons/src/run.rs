//! Running services until they are to stop.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use st2_config::{Raw, Settings};
use st2_ports::{RoutineKind, Service, ServiceContext, ServiceError};
use st2_telemetry::LogFormat as Format;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::bootstrap::{self, Installation, Sharing};
use crate::demo;
use crate::flags::{CommonFlags, Demo, LogFormat};
use crate::services::{Assembled, Selection, assemble};

/// How long the rest may take after the services have stopped.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What a process is to do.
pub struct Main {
    /// Flags of every executable.
    pub common: CommonFlags,
    /// Adds the executable's own flags to the configuration.
    pub add_flags: Box<dyn FnOnce(&mut Raw)>,
    /// The services.
    pub selection: Selection,
    /// Whether it may use the store of another process that owns the data directory.
    pub is_companion: bool,
    /// Whether the main job is shown, and what comes then.
    pub demo: Option<Demo>,
}

/// Runs a process and turns its outcome into an exit code; an error goes to standard error.
#[must_use]
pub fn exit(outcome: anyhow::Result<i32>) -> ExitCode {
    match outcome {
        // A negative code, of a sensor that a signal ended, wraps as the shell shows it.
        Ok(code) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)),
        Err(error) => {
            // Nobody can be told when standard error is closed.
            drop(writeln!(std::io::stderr(), "error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Sets up, runs, and stops.
///
/// # Errors
/// When the process can not be set up or a service fails.
pub fn main_of(main: Main) -> anyhow::Result<i32> {
    let started = tokio::time::Instant::now();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        anyhow::bail!("TLS was set up twice");
    }
    let mut raw = bootstrap::read_config(&main.common.config_files)?;
    (main.add_flags)(&mut raw);
    let settings = Settings::from_raw(&raw)?;
    let format = match main.common.log_format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    st2_telemetry::init_logs(format, settings.debug)?;
    st2_telemetry::init_metrics()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    let sharing = if main.is_companion { Sharing::Companion } else { Sharing::Owner };
    let installation = runtime.block_on(bootstrap::open(settings, sharing))?;
    let code = runtime.block_on(run(installation, main.selection, main.demo, started));
    // All that matters has been waited for.
    runtime.shutdown_background();
    code
}

async fn run(
    installation: Installation,
    selection: Selection,
    demo: Option<Demo>,
    started: tokio::time::Instant,
) -> anyhow::Result<i32> {
    let Assembled { content, others, api_url, auth_url, health, executions } =
        assemble(&installation, selection).await?;
    let ports = installation.ports.clone();
    let context = ServiceContext {
        ports: ports.clone(),
        shutdown: ports.routines.shutdown(),
        health: health.clone(),
    };
    let (ended, mut ends) = mpsc::channel(16);
    let mut running = 0;
    let mut stop = Stop::listen()?;
    let mut first = None;
    if let Some(content) = content {
        running += 1;
        start(content, &context, &ended);
        first = wait(health.ready(), &mut stop, &mut ends, &context).await;
    }
    if first.is_none() {
        for service in others {
            running += 1;
            start(service, &context, &ended);
        }
        first = wait(health.ready(), &mut stop, &mut ends, &context).await;
    }
    if first.is_none() {
        announce(&installation, api_url.as_deref(), auth_url.as_deref(), started)?;
        let shown = async {
            match demo {
                Some(then) => demo::show(&installation, &executions, then).await,
                None => std::future::pending().await,
            }
        };
        let mut demo_outcome = Ok(());
        first = wait(async { demo_outcome = shown.await }, &mut stop, &mut ends, &context).await;
        demo_outcome?;
    }
    let outcome = finish(first, running, &mut ends, &mut stop, &installation).await;
    st2_process::end_all(Duration::from_secs(1)).await;
    if let Some(store) = &installation.store
        && tokio::time::timeout(STOP_GRACE, store.close()).await.is_err()
    {
        tracing::error!("the store did not close in time; the next start finds all that was kept");
    }
    outcome
}

/// Why the process stops.
enum Why {
    Signal,
    Panic,
    Service(&'static str, Result<(), ServiceError>),
}

/// Waits until `goal` is reached (`None`) or the process is to stop.
async fn wait(
    goal: impl Future<Output = ()>,
    stop: &mut Stop,
    ends: &mut mpsc::Receiver<(&'static str, Result<(), ServiceError>)>,
    context: &ServiceContext,
) -> Option<Why> {
    let failed = context.ports.routines.failed();
    tokio::select! {
        () = goal => None,
        () = stop.requested() => Some(Why::Signal),
        () = failed.cancelled() => Some(Why::Panic),
        end = ends.recv() => end.map(|(name, outcome)| Why::Service(name, outcome)),
    }
}

fn start(
    service: Box<dyn Service>,
    context: &ServiceContext,
    ended: &mpsc::Sender<(&'static str, Result<(), ServiceError>)>,
) {
    let (name, context, ended) = (service.name(), context.clone(), ended.clone());
    context.health.set(name, st2_ports::Readiness::Starting);
    let routines = context.ports.routines.clone();
    routines.spawn(RoutineKind::Service, name, async move {
        let outcome = service.run(context).await;
        // The receiver is gone only when the process is past caring.
        drop(ended.send((name, outcome)).await);
    });
}

/// Stops every service, waits for them, and says how it went.
async fn finish(
    why: Option<Why>,
    running: usize,
    ends: &mut mpsc::Receiver<(&'static str, Result<(), ServiceError>)>,
    stop: &mut Stop,
    installation: &Installation,
) -> anyhow::Result<i32> {
    let routines = &installation.ports.routines;
    let mut left = running;
    let mut outcome = match why {
        None | Some(Why::Signal) => Ok(0),
        Some(Why::Panic) => Err(anyhow::anyhow!("a routine panicked; see the log")),
        Some(Why::Service(name, result)) => {
            left -= 1;
            judge(name, result)
        }
    };
    tracing::info!("stopping");
    routines.shutdown().cancel();
    let deadline = tokio::time::sleep(installation.settings.shutdown_grace + STOP_GRACE);
    tokio::pin!(deadline);
    while left > 0 {
        tokio::select! {
            () = &mut deadline => {
                tracing::error!(left, "services did not stop in time");
                break;
            }
            () = stop.requested() => {
                tracing::warn!(left, "asked to stop again: not waiting any longer");
                break;
            }
            end = ends.recv() => match end {
                Some((name, result)) => {
                    left -= 1;
                    if let Err(error) = result {
                        tracing::error!(name, %error, "service stopped with an error");
                        outcome = outcome.and(Ok(error.exit_code.unwrap_or(1)));
                    }
                }
                None => break,
            },
        }
    }
    if !routines.stop(STOP_GRACE).await {
        tracing::error!(routines = routines.len(), "routines did not stop in time");
    }
    outcome
}

/// A service that ended by itself ends the process.
fn judge(name: &str, result: Result<(), ServiceError>) -> anyhow::Result<i32> {
    match result {
        Ok(()) => {
            tracing::info!(name, "service ended by itself");
            Ok(0)
        }
        Err(ServiceError { exit_code: Some(code), service, reason }) => {
            drop(writeln!(std::io::stderr(), "error: {service}: {reason}"));
            Ok(code)
        }
        Err(error) => Err(error.into()),
    }
}

/// Says on standard output that the process is ready, and where.
fn announce(
    installation: &Installation,
    api_url: Option<&str>,
    auth_url: Option<&str>,
    started: tokio::time::Instant,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let data = installation.root.display();
    write!(
        out,
        "ready in {} ms",
        since_process_start().unwrap_or_else(|| started.elapsed()).as_millis()
    )?;
    if let (Some(api), Some(auth)) = (api_url, auth_url) {
        write!(out, ", api {api}, auth {auth}")?;
    }
    writeln!(out, ", data {data}")?;
    if let Some(path) = installation.users.new_password_file.as_ref().filter(|_| api_url.is_some())
    {
        writeln!(
            out,
            "user {} was made; its password is in {}",
            crate::admin::ADMIN,
            path.display()
        )?;
    }
    out.flush()?;
    Ok(())
}

/// The time since this process was started, loading of the executable included.
fn since_process_start() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: u64 = fields.split_whitespace().nth(19)?.parse().ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let up: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    // The kernel counts a hundred ticks a second for user space.
    Duration::try_from_secs_f64(up - Duration::from_millis(ticks * 10).as_secs_f64()).ok()
}

/// The signals that ask the process to stop.
pub(crate) struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn requested(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

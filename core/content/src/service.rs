//! The service that registers content at start and follows it on disk.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use st2_ports::{FileChange, Readiness, Service, ServiceContext, ServiceError};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::problem::Problem;
use crate::registrar::{ContentSettings, Registrar, Request};
use crate::report::Report;

const NAME: &str = "content";

/// Waiting time before a registration that the store refused is tried again, at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Changes that never come to rest are looked at after so many quiet times nevertheless.
const QUIET_TIMES_MAX: u32 = 10;

/// More changed paths than this are looked at as a change of everything.
const PATHS_MAX: usize = 10_000;

/// Registers content at start, reports ready, and follows changes on disk.
pub struct ContentService {
    registrar: Arc<Registrar>,
    /// Problems that were logged and still last, so that a sweep does not repeat them.
    logged: HashSet<Problem>,
}

impl ContentService {
    /// The service of `registrar`, which others may use at the same time.
    #[must_use]
    pub fn new(registrar: Arc<Registrar>) -> Self {
        Self { registrar, logged: HashSet::new() }
    }

    fn settings(&self) -> &ContentSettings {
        self.registrar.settings()
    }

    /// Registers, and again while the store is away. Nothing when the process is to stop.
    async fn register(
        &mut self,
        request: Request,
        context: &ServiceContext,
    ) -> Option<Result<(), ServiceError>> {
        let mut wait = RETRY_MIN;
        let is_everything = request.packs.is_none();
        loop {
            let registered = tokio::select! {
                registered = self.registrar.register(request.clone()) => registered,
                () = context.shutdown.cancelled() => return None,
            };
            match registered {
                Ok(report) => {
                    self.log(&report, is_everything);
                    return Some(Ok(()));
                }
                Err(crate::Error::PackNotFound { .. }) => return Some(Ok(())),
                Err(error) if error.is_transient() => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "content waits for the store"
                    );
                    let reason = Readiness::Unready(error.to_string());
                    context.health.set(NAME, reason);
                    pause(wait, &context.shutdown).await?;
                    wait = (wait * 2).min(RETRY_MAX);
                }
                Err(error) => {
                    let cause =
                        std::error::Error::source(&error).map(|source| format!(": {source}"));
                    let text = format!("{error}{}", cause.unwrap_or_default());
                    return Some(Err(ServiceError::new(NAME, text)));
                }
            }
        }
    }

    /// Logs what was done, and each problem when it is new.
    fn log(&mut self, report: &Report, is_everything: bool) {
        let now: HashSet<Problem> = report.problems.iter().cloned().collect();
        for problem in now.difference(&self.logged) {
            tracing::error!(
                pack = problem.pack,
                file = problem.file,
                field = problem.field,
                reason = problem.reason,
                "content not registered"
            );
        }
        for warning in report.warnings.iter().filter(|_| report.written() > 0) {
            tracing::warn!(
                pack = warning.pack,
                file = warning.file,
                reason = warning.reason,
                "content registered"
            );
        }
        if report.written() > 0 || !report.removed.is_empty() {
            tracing::info!(
                packs = report.packs,
                unchanged = report.unchanged_packs,
                written = report.written(),
                removed = report.removed.len(),
                "content registered"
            );
        }
        if is_everything {
            self.logged = now;
        } else {
            self.logged.extend(now);
        }
    }

    /// The directories that exist and are to be watched.
    fn roots(&self) -> Vec<PathBuf> {
        let settings = self.settings();
        let fixed = [&settings.configs, &settings.overrides];
        let all = settings.base_paths.iter().chain(fixed);
        let mut roots: Vec<PathBuf> = all.filter(|root| root.is_dir()).cloned().collect();
        roots.sort();
        roots.dedup();
        roots
    }

    /// What a change of these paths asks for.
    fn request(&self, changes: Changes) -> Request {
        let Changes::Paths(touched) = changes else {
            return Request::default();
        };
        let settings = self.settings();
        let mut packs = BTreeSet::new();
        for path in &touched {
            match pack_of(path, settings) {
                Some(pack) => packs.insert(pack),
                // What stands for all packs, or can not be told, is a change of everything.
                None => return Request { touched, ..Request::default() },
            };
        }
        // Packs that have gone are not looked for by name: they are found missing.
        let is_there = |pack: &String| {
            let mut bases = settings.base_paths.iter();
            bases.any(|base| base.join(pack).is_dir())
        };
        let packs = packs.iter().all(is_there).then_some(packs);
        Request { packs, touched, ..Request::default() }
    }
}

/// The pack that a path belongs to, by its place.
fn pack_of(path: &Path, settings: &ContentSettings) -> Option<String> {
    for base in &settings.base_paths {
        if let Ok(relative) = path.strip_prefix(base) {
            let pack = relative.components().next()?;
            return Some(pack.as_os_str().to_str()?.to_owned());
        }
    }
    let stem = path.file_stem()?.to_str()?;
    let is_own = path.starts_with(&settings.configs) || path.starts_with(&settings.overrides);
    (is_own && stem != "_global").then(|| stem.to_owned())
}

/// What has changed on disk.
#[derive(Debug)]
enum Changes {
    /// At these paths.
    Paths(BTreeSet<PathBuf>),
    /// Nobody knows.
    Anywhere,
}

impl Changes {
    fn add(self, change: FileChange) -> Self {
        match (self, change) {
            (Self::Paths(mut paths), FileChange::Path(path)) if paths.len() < PATHS_MAX => {
                paths.insert(path);
                Self::Paths(paths)
            }
            _ => Self::Anywhere,
        }
    }
}

/// Waits for a first change, then for silence.
async fn next_changes(changes: &mut Receiver<FileChange>, quiet: Duration) -> Option<Changes> {
    let mut found = Changes::Paths(BTreeSet::new()).add(changes.recv().await?);
    let latest = Instant::now() + quiet * QUIET_TIMES_MAX;
    loop {
        let silence = (Instant::now() + quiet).min(latest);
        tokio::select! {
            biased;
            () = sleep_until(silence) => return Some(found),
            change = changes.recv() => match change {
                Some(change) => found = found.add(change),
                None => return Some(found),
            },
        }
    }
}

/// Waits; nothing when the process is to stop meanwhile.
async fn pause(time: Duration, shutdown: &CancellationToken) -> Option<()> {
    tokio::select! {
        () = sleep(time) => Some(()),
        () = shutdown.cancelled() => None,
    }
}

#[async_trait]
impl Service for ContentService {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(mut self: Box<Self>, context: ServiceContext) -> Result<(), ServiceError> {
        context.health.set(NAME, Readiness::Starting);
        let mut roots = Vec::new();
        let mut changes: Option<Receiver<FileChange>> = None;
        let mut request = Request::default();
        loop {
            // Watched before it is read, so that nothing falls between.
            let wanted = self.roots();
            if self.settings().follow && (changes.is_none() || wanted != roots) {
                changes = match context.ports.files.watch(&wanted) {
                    Ok(receiver) => Some(receiver),
                    Err(error) => {
                        tracing::warn!(%error, "changes on disk are found by sweeps only");
                        None
                    }
                };
                roots = wanted;
                request = Request { packs: None, ..request };
            }
            match self.register(request, &context).await {
                None => return Ok(()),
                Some(done) => done?,
            }
            context.health.set(NAME, Readiness::Ready);
            if !self.settings().follow {
                context.shutdown.cancelled().await;
                return Ok(());
            }
            let (quiet, sweep) = (self.settings().quiet, self.settings().sweep);
            let next = async {
                match &mut changes {
                    Some(receiver) => next_changes(receiver, quiet).await,
                    None => std::future::pending().await,
                }
            };
            request = tokio::select! {
                () = context.shutdown.cancelled() => return Ok(()),
                () = sleep(sweep) => Request::default(),
                found = next => match found {
                    Some(found) => self.request(found),
                    None => {
                        changes = None;
                        Request::default()
                    }
                },
            };
        }
    }
}

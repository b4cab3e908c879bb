//! Making the store say what the pack directories say.
//!
//! `register` looks at every pack, reads what has changed since the last time, writes what differs
//! from the store, removes what is gone, and wakes who has to know. It can be called at any time,
//! from any number of processes: doing it twice changes nothing.

mod apply;
mod builtin;
mod remove;
mod stages;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use st2_model::Pack;
use st2_ports::{Filter, Ports, Query};

use crate::Error;
use crate::builtin::Builtin;
use crate::kind::Kind;
use crate::load::{Reading, Task, load_all};
use crate::manifest::{Manifest, Remembered, digest_of};
use crate::parse::{RunnerTypes, parse_runner_types};
use crate::report::Report;
use crate::survey::{FoundPack, Places, Survey, survey};
use apply::at_once;
use stages::blob_digest;
use state::PackState;

/// Packs that are written at the same time.
const PACKS_AT_ONCE: usize = 16;

/// Where content is and how it is kept.
#[derive(Debug, Clone)]
pub struct ContentSettings {
    /// Directories of packs. Of a pack that is in several, the first counts.
    pub base_paths: Vec<PathBuf>,
    /// Directory of `<pack>.yaml` with the packs' configs.
    pub configs: PathBuf,
    /// Directory of `_global.yaml` and `<pack>.yaml` with overrides.
    pub overrides: PathBuf,
    /// The metadata of each runner, as YAML.
    pub runner_metadata: Vec<String>,
    /// Whether parameters of triggers of packs are checked; those of `core` always are.
    pub validate_trigger_parameters: bool,
    /// Whether records go when their files go.
    pub prune: bool,
    /// Whether changes on disk are followed.
    pub follow: bool,
    /// For so long nothing has to change before changes are looked at.
    pub quiet: Duration,
    /// So often everything is looked at, whether or not a change was announced.
    pub sweep: Duration,
}

impl Default for ContentSettings {
    fn default() -> Self {
        let base = Path::new("/opt/stackstorm");
        Self {
            base_paths: vec![base.join("packs")],
            configs: base.join("configs"),
            overrides: base.join("overrides"),
            runner_metadata: Vec::new(),
            validate_trigger_parameters: true,
            prune: true,
            follow: true,
            quiet: Duration::from_millis(250),
            sweep: Duration::from_secs(60),
        }
    }
}

/// What to register.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// These packs only.
    pub packs: Option<BTreeSet<String>>,
    /// These kinds only.
    pub kinds: Option<BTreeSet<Kind>>,
    /// Every file is read and compared with the store, whatever is remembered of it. What was
    /// changed through the API is set back to what the files say.
    pub force: bool,
    /// Files that are known to have changed.
    pub touched: BTreeSet<PathBuf>,
}

/// Registers content.
pub struct Registrar {
    ports: Ports,
    settings: ContentSettings,
    reading: Reading,
    /// One registration at a time in this process.
    turn: tokio::sync::Mutex<()>,
}

impl Registrar {
    /// A registrar with these settings.
    ///
    /// # Errors
    /// [`Error::Runner`] when the metadata of a runner is wrong.
    pub fn new(ports: Ports, settings: ContentSettings) -> Result<Self, Error> {
        let builtin = Builtin::load().map_err(Error::Builtin)?;
        let mut runners = Vec::new();
        for yaml in &settings.runner_metadata {
            runners.extend(parse_runner_types(yaml).map_err(Error::Runner)?);
        }
        let runners = RunnerTypes::from_iter(runners);
        Ok(Self::of(ports, settings, Arc::new(runners), Arc::new(builtin)))
    }

    /// A registrar with these runner types, whatever the settings say of runners.
    pub(crate) fn of(
        ports: Ports,
        settings: ContentSettings,
        runners: Arc<RunnerTypes>,
        builtin: Arc<Builtin>,
    ) -> Self {
        let text = serde_json::to_vec(&runners.iter().collect::<Vec<_>>()).unwrap_or_default();
        let places = Places {
            base_paths: settings.base_paths.clone(),
            configs: settings.configs.clone(),
            overrides: settings.overrides.clone(),
            runners: digest_of([text.as_slice()]),
            refs: BTreeMap::new(),
        };
        Self {
            reading: Reading { places: Arc::new(places), runners, builtin },
            ports,
            settings,
            turn: tokio::sync::Mutex::new(()),
        }
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &ContentSettings {
        &self.settings
    }

    /// The runner types of this process.
    #[must_use]
    pub fn runners(&self) -> &RunnerTypes {
        &self.reading.runners
    }

    /// The built-in content.
    #[must_use]
    pub fn builtin(&self) -> &Builtin {
        &self.reading.builtin
    }

    /// Registers what was asked for. What is wrong with single files stands in the report and
    /// stops nothing else.
    ///
    /// # Errors
    /// Those of the store, or a pack that was asked for is not there.
    pub async fn register(&self, request: Request) -> Result<Report, Error> {
        let _turn = self.turn.lock().await;
        let mut report = Report::default();
        self.register_builtin(&mut report).await?;
        let stored = self.stored_packs().await?;
        let survey = self.look(&request, &stored).await?;
        self.check_found(&request, &survey)?;
        report.problems.extend(survey.problems);
        report.warnings.extend(survey.warnings);
        let found: BTreeSet<PathBuf> =
            survey.packs.iter().map(|found| found.tree.dir.clone()).collect();
        let mut tasks = Vec::new();
        for found in survey.packs {
            let known = stored_of(&stored, &found);
            tasks.extend(self.task(&request, found, known, &mut report).await?);
        }
        let states = load_all(&self.reading, tasks)
            .await?
            .into_iter()
            .map(|batch| {
                let known = stored_of(&stored, &batch.task.found).cloned();
                PackState::of(batch, known)
            })
            .collect();
        self.write(states, &stored, &mut report).await?;
        if request.packs.is_none() && request.kinds.is_none() && self.settings.prune {
            let gone = stored
                .values()
                .filter(|pack| is_gone(pack, &survey.complete) && !found.contains(&path_of(pack)));
            for pack in gone {
                report.add(self.remove_files_of(pack).await?);
            }
        }
        report.problems.sort();
        report.problems.dedup();
        Ok(report)
    }

    async fn stored_packs(&self) -> Result<BTreeMap<String, Pack>, Error> {
        let packs = self.ports.repository::<Pack>();
        let found = packs.find(&Query::of(Filter::All)).await?;
        Ok(found.into_iter().map(|found| (found.value.reference.clone(), found.value)).collect())
    }

    async fn look(
        &self,
        request: &Request,
        stored: &BTreeMap<String, Pack>,
    ) -> Result<Survey, Error> {
        let mut places = (*self.reading.places).clone();
        places.refs = stored.values().map(|pack| (path_of(pack), pack.reference.clone())).collect();
        let only = request.packs.clone();
        tokio::task::spawn_blocking(move || survey(&places, only.as_ref()))
            .await
            .map_err(|_| Error::Interrupted)
    }

    fn check_found(&self, request: &Request, survey: &Survey) -> Result<(), Error> {
        let found: BTreeSet<&str> =
            survey.packs.iter().map(|found| found.tree.pack.as_str()).collect();
        let missing = |pack: &&String| !found.contains(pack.as_str());
        match request.packs.iter().flatten().find(missing) {
            None => Ok(()),
            Some(pack) => Err(Error::PackNotFound {
                pack: pack.clone(),
                directory: self
                    .settings
                    .base_paths
                    .first()
                    .map_or_else(String::new, |base| base.join(pack).display().to_string()),
            }),
        }
    }

    /// What there is to do for a pack; nothing when it has not changed.
    async fn task(
        &self,
        request: &Request,
        found: FoundPack,
        stored: Option<&Pack>,
        report: &mut Report,
    ) -> Result<Option<Task>, Error> {
        let touched = self.touched_in(&found, &request.touched);
        let remembered = stored.map(|pack| Remembered::parse(&pack.digest));
        let remembered = remembered.unwrap_or_default();
        let is_same = remembered.fingerprint == found.fingerprint;
        if is_same && touched.is_empty() && !request.force {
            report.unchanged_packs += 1;
            return Ok(None);
        }
        let mut found = found;
        let overrides = match std::mem::replace(&mut found.overrides, Ok(Default::default())) {
            Ok(overrides) => overrides,
            Err(problems) => {
                report.problems.extend(problems);
                return Ok(None);
            }
        };
        let blob = match blob_digest(&remembered.manifest) {
            Some(digest) => self.ports.store.get_blob(&digest).await?,
            None => None,
        };
        let is_remembered = blob.is_some();
        // What can not be read or was read under other conditions is not trusted: everything is
        // parsed and compared.
        let manifest: Manifest = match blob.filter(|_| !request.force) {
            Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            None => Manifest::default(),
        };
        let manifest = match manifest.environment == found.environment {
            true => manifest,
            false => Manifest::default(),
        };
        let kinds = request.kinds.clone();
        Ok(Some(Task {
            found,
            overrides,
            manifest,
            is_remembered,
            touched,
            kinds: kinds.unwrap_or_else(|| BTreeSet::from(Kind::ALL)),
        }))
    }

    /// Paths of changed files relative to the pack.
    fn touched_in(&self, found: &FoundPack, touched: &BTreeSet<PathBuf>) -> BTreeSet<String> {
        let relative = |path: &PathBuf| {
            let path = path.strip_prefix(&found.tree.dir).ok()?;
            Some(path.to_str()?.to_owned())
        };
        touched.iter().filter_map(relative).collect()
    }

    /// Writes packs stage by stage, several at the same time within a stage.
    async fn write(
        &self,
        mut states: Vec<PackState>,
        stored: &BTreeMap<String, Pack>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let stage = states.iter_mut().map(|state| self.write_sensors(state).boxed());
        at_once(stage.collect(), PACKS_AT_ONCE).await?;
        let stage = states.iter_mut().map(|state| self.write_actions(state).boxed());
        at_once(stage.collect(), PACKS_AT_ONCE).await?;
        let stage = states.iter_mut().map(|state| self.write_rules(state).boxed());
        at_once(stage.collect(), PACKS_AT_ONCE).await?;
        // One pack after the other, because two may want the same place.
        for state in &mut states {
            self.write_policies(state).await?;
        }
        let stage = states.iter_mut().map(|state| self.write_configs(state).boxed());
        at_once(stage.collect(), PACKS_AT_ONCE).await?;
        let mut names: BTreeMap<String, String> =
            stored.values().map(|pack| (pack.name.clone(), pack.reference.clone())).collect();
        for pack in states.iter().filter_map(|state| state.head.pack.as_ref()) {
            names.entry(pack.name.clone()).or_insert_with(|| pack.reference.clone());
        }
        let stage = states.iter_mut();
        let stage = stage.map(|state| self.write_pack(state, &names).boxed());
        at_once(stage.collect(), PACKS_AT_ONCE).await?;
        for state in states {
            report.add(state.report);
        }
        Ok(())
    }
}

fn path_of(pack: &Pack) -> PathBuf {
    PathBuf::from(pack.path.as_deref().unwrap_or_default())
}

/// The record of a pack that was found: the one of its directory, else the one of its name.
fn stored_of<'a>(stored: &'a BTreeMap<String, Pack>, found: &FoundPack) -> Option<&'a Pack> {
    let of_dir =
        |pack: &&Pack| Path::new(pack.path.as_deref().unwrap_or_default()) == found.tree.dir;
    stored
        .get(&found.tree.pack)
        .filter(of_dir)
        .or_else(|| stored.values().find(of_dir))
        .or_else(|| stored.get(&found.tree.pack))
}

/// Whether a pack's directory is gone from a base path that was read to its end.
fn is_gone(pack: &Pack, complete: &[PathBuf]) -> bool {
    let path = path_of(pack);
    path.parent().is_some_and(|base| complete.iter().any(|complete| complete == base))
}

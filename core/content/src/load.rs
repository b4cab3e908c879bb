//! From files to records: reading and parsing, spread over threads, nothing written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use st2_model::{Action, ActionAlias, Config, ConfigSchema, Pack, Policy, TriggerType};

use crate::builtin::Builtin;
use crate::document::{self, Document};
use crate::kind::Kind;
use crate::manifest::{Code, Entry, Manifest, digest_of};
use crate::parse::{
    Overrides, Place, RuleDraft, RunnerTypes, Section, SensorDraft, parse_action, parse_alias,
    parse_config, parse_config_schema, parse_pack, parse_policy, parse_rule, parse_sensor,
    parse_trigger_type,
};
use crate::problem::{Fault, Problem};
use crate::read;
use crate::scan::{PACK_FILE, SCHEMA_FILE, Stat};
use crate::survey::{FoundPack, Places};

/// What reading depends on.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) places: Arc<Places>,
    pub(crate) runners: Arc<RunnerTypes>,
    pub(crate) builtin: Arc<Builtin>,
}

/// A pack that has to be looked into.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) found: FoundPack,
    pub(crate) overrides: Overrides,
    /// What is remembered of it, if that still counts.
    pub(crate) manifest: Manifest,
    /// Whether the blob that the pack's record names is there.
    pub(crate) is_remembered: bool,
    /// Files that are known to have changed, whatever their stat says.
    pub(crate) touched: BTreeSet<String>,
    /// The kinds that were asked for.
    pub(crate) kinds: BTreeSet<Kind>,
}

/// What a file defines.
#[derive(Debug)]
pub(crate) enum Parsed {
    Trigger(TriggerType),
    Sensor(SensorDraft),
    Action(Action),
    Rule(RuleDraft),
    Alias(ActionAlias),
    Policy(Policy),
}

/// What became of a file.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) file: String,
    pub(crate) kind: Kind,
    /// What to remember; nothing when the file has a problem.
    pub(crate) entry: Option<Entry>,
    /// What it defines; nothing when it is unchanged.
    pub(crate) parsed: Option<Parsed>,
    /// Whether overrides switched it.
    pub(crate) is_overridden: bool,
    pub(crate) problem: Option<Problem>,
    pub(crate) warnings: Vec<Problem>,
}

/// What stands in the files that speak of the pack itself.
#[derive(Debug, Default)]
pub(crate) struct Head {
    /// The pack; nothing when `pack.yaml` is missing or wrong.
    pub(crate) pack: Option<Pack>,
    /// The ref under which schema and config are stored.
    pub(crate) reference: String,
    pub(crate) schema: Option<ConfigSchema>,
    pub(crate) config: Option<Config>,
    /// Whether schema and config could be read: what is absent is gone.
    pub(crate) is_schema_known: bool,
    pub(crate) is_config_known: bool,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
}

/// The files of metadata of a pack that were asked for.
pub(crate) fn files_of(task: &Task) -> Vec<(String, Kind, Stat)> {
    let is_asked = |file: &String, stat: &Option<Stat>| {
        let kind = Kind::of_file(file).filter(|kind| task.kinds.contains(kind))?;
        Some((file.clone(), kind, (*stat)?))
    };
    task.found.tree.files.iter().filter_map(|(file, stat)| is_asked(file, stat)).collect()
}

/// Reads one file and parses it if it has changed.
pub(crate) fn load(
    reading: &Reading,
    task: &Task,
    (file, kind, stat): (String, Kind, Stat),
) -> Loaded {
    let pack = task.found.tree.pack.as_str();
    let mut loaded = Loaded {
        kind,
        entry: None,
        parsed: None,
        is_overridden: false,
        problem: None,
        warnings: Vec::new(),
        file,
    };
    if let Err(fault) = fill(reading, task, stat, &mut loaded) {
        loaded.problem = Some(fault.in_file(pack, &loaded.file));
        loaded.entry = None;
        loaded.parsed = None;
    }
    loaded
}

fn fill(reading: &Reading, task: &Task, stat: Stat, loaded: &mut Loaded) -> Result<(), Fault> {
    let remembered = task.manifest.files.get(&loaded.file);
    let is_trusted = |entry: &&Entry| {
        let code = entry.code.as_ref();
        entry.stat == stat
            && !task.touched.contains(&loaded.file)
            && code.is_none_or(|code| is_code_trusted(task, code))
    };
    if let Some(entry) = remembered.filter(is_trusted) {
        loaded.entry = Some(entry.clone());
        return Ok(());
    }
    let dir = task.found.tree.dir.as_path();
    if stat.size > read::METADATA_BYTES_MAX {
        return Err(Fault::whole(format!(
            "the file is larger than {} bytes",
            read::METADATA_BYTES_MAX
        )));
    }
    let bytes = read::metadata(&dir.join(&loaded.file))?;
    let mut entry = Entry { stat, digest: digest_of([bytes.as_slice()]), code: None };
    if let Some(remembered) = remembered.filter(|remembered| remembered.digest == entry.digest) {
        let code = match &remembered.code {
            None => None,
            Some(code) => Some(code_of(task, &code.file)?),
        };
        let is_same = code.as_ref().map(|code| &code.digest)
            == remembered.code.as_ref().map(|code| &code.digest);
        if is_same {
            entry.code = code;
            loaded.entry = Some(entry);
            return Ok(());
        }
    }
    let document = document::read(&bytes)?;
    let place = Place { pack: &task.found.tree.pack, dir, file: &loaded.file };
    let mut parsed = parse_one(reading, place, loaded.kind, &document)?;
    if let Parsed::Sensor(draft) = &mut parsed {
        let code = code_of(task, &draft.code)?;
        draft.sensor.digest = digest_of([bytes.as_slice(), code.digest.as_bytes()]);
        entry.code = Some(code);
    }
    loaded.is_overridden = switch(&task.overrides, &document.content, &mut parsed);
    let warnings = document.warnings.into_iter();
    loaded.warnings = warnings.map(|fault| fault.in_file(place.pack, place.file)).collect();
    loaded.entry = Some(entry);
    loaded.parsed = Some(parsed);
    Ok(())
}

fn is_code_trusted(task: &Task, code: &Code) -> bool {
    let stat = task.found.tree.files.get(&code.file).copied().flatten();
    stat.is_some() && stat == code.stat && !task.touched.contains(&code.file)
}

fn code_of(task: &Task, file: &str) -> Result<Code, Fault> {
    let digest = read::code_digest(&task.found.tree.dir.join(file))
        .map_err(|fault| Fault::new("entry_point", format!("{file}: {}", fault.reason)))?;
    Ok(Code {
        file: file.to_owned(),
        stat: task.found.tree.files.get(file).copied().flatten(),
        digest,
    })
}

fn parse_one(
    reading: &Reading,
    place: Place<'_>,
    kind: Kind,
    document: &Document,
) -> Result<Parsed, Fault> {
    let content = &document.content;
    match kind {
        Kind::Triggers => {
            document.refuse_dates("name")?;
            parse_trigger_type(place, content).map(Parsed::Trigger)
        }
        Kind::Sensors => parse_sensor(place, content).map(Parsed::Sensor),
        Kind::Rules => {
            document.refuse_dates("trigger.parameters")?;
            parse_rule(place, content).map(Parsed::Rule)
        }
        Kind::Aliases => parse_alias(place, content).map(Parsed::Alias),
        Kind::Policies => {
            let kinds = &reading.builtin.compiled_policy_types;
            parse_policy(place, content, kinds).map(Parsed::Policy)
        }
        _ => parse_action(place, content, &reading.runners).map(Parsed::Action),
    }
}

/// Applies the overrides; whether they differ from what the file says.
fn switch(overrides: &Overrides, content: &Value, parsed: &mut Parsed) -> bool {
    let (section, name, enabled) = match parsed {
        Parsed::Sensor(draft) => {
            let sensor = &mut draft.sensor;
            (Section::Sensors, sensor.reference.name(), &mut sensor.enabled)
        }
        Parsed::Action(action) => (Section::Actions, action.reference.name(), &mut action.enabled),
        Parsed::Rule(draft) => {
            let rule = &mut draft.rule;
            (Section::Rules, rule.reference.name(), &mut rule.enabled)
        }
        Parsed::Alias(alias) => (Section::Aliases, alias.reference.name(), &mut alias.enabled),
        Parsed::Trigger(_) | Parsed::Policy(_) => return false,
    };
    let stated = content.get("enabled").and_then(Value::as_bool);
    match overrides.decide(section, name, stated) {
        None => false,
        Some((value, differs)) => {
            *enabled = value;
            differs
        }
    }
}

/// Reads the files that speak of the pack itself. They are few and small, so they are read
/// whenever anything of the pack has changed.
pub(crate) fn load_head(reading: &Reading, task: &Task) -> Head {
    let tree = &task.found.tree;
    let mut head = Head { reference: tree.pack.clone(), ..Head::default() };
    if tree.lacks(PACK_FILE) {
        let reason = format!("there is no {PACK_FILE}; its content is registered nevertheless");
        head.warnings.push(Fault::whole(reason).in_file(&tree.pack, PACK_FILE));
    } else {
        match read_pack(task, &mut head.warnings) {
            Ok(pack) => {
                head.reference.clone_from(&pack.reference);
                head.pack = Some(pack);
            }
            Err(fault) => head.problems.push(fault.in_file(&tree.pack, PACK_FILE)),
        }
    }
    let schema = match tree.lacks(SCHEMA_FILE) {
        true => Ok(None),
        false => read_schema(tree.dir.as_path(), task, &head.reference).map(Some),
    };
    match schema {
        Ok(schema) => {
            head.schema = schema;
            head.is_schema_known = true;
        }
        Err(fault) => head.problems.push(fault.in_file(&tree.pack, SCHEMA_FILE)),
    }
    if task.kinds.contains(&Kind::Configs) && head.is_schema_known {
        let path = reading.places.config(&head.reference);
        match read_config(&path, &head) {
            Ok(config) => {
                head.config = config;
                head.is_config_known = true;
            }
            Err(fault) => {
                let problem = fault.in_file(&tree.pack, &path.display().to_string());
                head.problems.push(problem);
            }
        }
    }
    head
}

fn read_pack(task: &Task, warnings: &mut Vec<Problem>) -> Result<Pack, Fault> {
    let tree = &task.found.tree;
    let document = document::read(&read::metadata(&tree.dir.join(PACK_FILE))?)?;
    document.refuse_dates("system")?;
    let place = Place { pack: &tree.pack, dir: &tree.dir, file: PACK_FILE };
    let mut pack = parse_pack(place, &document.content)?;
    pack.files = tree.files.keys().cloned().collect();
    if pack.reference != tree.pack {
        let reason = format!(
            "the ref \"{}\" is not the name of the directory, which is the pack of its content",
            pack.reference
        );
        warnings.push(Fault::new("ref", reason).in_file(&tree.pack, PACK_FILE));
    }
    let noticed = document.warnings.into_iter();
    warnings.extend(noticed.map(|fault| fault.in_file(&tree.pack, PACK_FILE)));
    Ok(pack)
}

fn read_schema(dir: &Path, task: &Task, reference: &str) -> Result<ConfigSchema, Fault> {
    let document = document::read(&read::metadata(&dir.join(SCHEMA_FILE))?)?;
    let place = Place { pack: &task.found.tree.pack, dir, file: SCHEMA_FILE };
    parse_config_schema(place, reference, &document.content)
}

fn read_config(path: &Path, head: &Head) -> Result<Option<Config>, Fault> {
    let Some(bytes) = read::optional_metadata(path)? else {
        return Ok(None);
    };
    let content = document::read(&bytes)?.content;
    let file = path.display().to_string();
    parse_config(&head.reference, &file, &content, head.schema.as_ref()).map(Some)
}

/// A pack that has been read, before anything of it is written.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) task: Task,
    pub(crate) head: Head,
    pub(crate) files: Vec<Loaded>,
}

/// Reads packs on blocking threads: the files of all packs are dealt out evenly.
pub(crate) async fn load_all(
    reading: &Reading,
    tasks: Vec<Task>,
) -> Result<Vec<Batch>, crate::Error> {
    let tasks: Vec<Arc<Task>> = tasks.into_iter().map(Arc::new).collect();
    let jobs: Vec<(usize, (String, Kind, Stat))> = tasks
        .iter()
        .enumerate()
        .flat_map(|(index, task)| files_of(task).into_iter().map(move |file| (index, file)))
        .collect();
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let share = jobs.len().div_ceil(threads).max(1);
    let mut running = Vec::new();
    for jobs in jobs.chunks(share) {
        let (jobs, tasks, reading) = (jobs.to_vec(), tasks.clone(), reading.clone());
        running.push(tokio::task::spawn_blocking(move || {
            let one = |(index, file): (usize, (String, Kind, Stat))| {
                tasks.get(index).map(|task| (index, load(&reading, task, file)))
            };
            jobs.into_iter().filter_map(one).collect::<Vec<_>>()
        }));
    }
    let (all, context) = (tasks.clone(), reading.clone());
    let heads = tokio::task::spawn_blocking(move || {
        all.iter().map(|task| load_head(&context, task)).collect::<Vec<_>>()
    });
    let mut files: BTreeMap<usize, Vec<Loaded>> = BTreeMap::new();
    for share in running {
        for (index, loaded) in share.await.map_err(|_| crate::Error::Interrupted)? {
            files.entry(index).or_default().push(loaded);
        }
    }
    let heads = heads.await.map_err(|_| crate::Error::Interrupted)?;
    tasks
        .into_iter()
        .zip(heads)
        .enumerate()
        .map(|(index, (task, head))| {
            Ok(Batch {
                task: Arc::into_inner(task).ok_or(crate::Error::Interrupted)?,
                head,
                files: files.remove(&index).unwrap_or_default(),
            })
        })
        .collect()
}

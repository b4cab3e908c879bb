//! One pack on its way into the store.

use std::collections::{BTreeMap, BTreeSet};

use st2_model::{Action, ActionAlias, Pack, Policy, SensorType, TriggerType};

use super::apply::{Applied, Content, Scope};
use crate::kind::Kind;
use crate::load::{Batch, Head, Parsed, Task};
use crate::manifest::Entry;
use crate::parse::RuleDraft;
use crate::problem::{Fault, Problem};
use crate::report::Report;

/// A pack that has been read, sorted by kind, and what has become of it.
#[derive(Debug)]
pub(super) struct PackState {
    pub(super) task: Task,
    pub(super) head: Head,
    /// The pack's record as it was stored.
    pub(super) stored: Option<Pack>,
    pub(super) trigger_types: Vec<TriggerType>,
    pub(super) sensors: Vec<SensorType>,
    pub(super) actions: Vec<Action>,
    pub(super) rules: Vec<RuleDraft>,
    pub(super) aliases: Vec<ActionAlias>,
    pub(super) policies: Vec<Policy>,
    /// What to remember of each file.
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) parsed: BTreeSet<String>,
    pub(super) failed: BTreeSet<String>,
    pub(super) gone: Option<BTreeSet<String>>,
    pub(super) report: Report,
    /// Whether anything was written.
    pub(super) is_changed: bool,
}

impl PackState {
    pub(super) fn of(batch: Batch, stored: Option<Pack>) -> Self {
        let Batch { task, head, files } = batch;
        let remembered = &task.manifest.files;
        let gone = (!remembered.is_empty()).then(|| {
            let gone = remembered.keys().filter(|file| task.found.tree.lacks(file));
            gone.cloned().collect()
        });
        let mut state = Self {
            stored,
            trigger_types: Vec::new(),
            sensors: Vec::new(),
            actions: Vec::new(),
            rules: Vec::new(),
            aliases: Vec::new(),
            policies: Vec::new(),
            entries: BTreeMap::new(),
            parsed: BTreeSet::new(),
            failed: BTreeSet::new(),
            gone,
            report: Report { packs: 1, ..Report::default() },
            is_changed: false,
            head,
            task,
        };
        state.take_notes();
        for loaded in files {
            state.take(loaded);
        }
        state
    }

    fn take_notes(&mut self) {
        let problems = &mut self.report.problems;
        problems.append(&mut self.task.found.tree.problems);
        problems.append(&mut self.head.problems);
        self.report.warnings.append(&mut self.head.warnings);
    }

    fn take(&mut self, mut loaded: crate::load::Loaded) {
        self.report.warnings.append(&mut loaded.warnings);
        if let Some(problem) = loaded.problem {
            self.report.problems.push(problem);
            self.failed.insert(loaded.file);
            return;
        }
        let count = self.report.count(loaded.kind);
        count.found += 1;
        count.overridden += usize::from(loaded.is_overridden);
        if let Some(entry) = loaded.entry {
            self.entries.insert(loaded.file.clone(), entry);
        }
        let Some(parsed) = loaded.parsed else {
            return;
        };
        self.parsed.insert(loaded.file);
        match parsed {
            Parsed::Trigger(kind) => self.trigger_types.push(kind),
            Parsed::Sensor(draft) => {
                self.trigger_types.extend(draft.trigger_types);
                self.sensors.push(draft.sensor);
            }
            Parsed::Action(action) => self.actions.push(action),
            Parsed::Rule(draft) => self.rules.push(draft),
            Parsed::Alias(alias) => self.aliases.push(alias),
            Parsed::Policy(policy) => self.policies.push(policy),
        }
    }

    /// What is known of the files, for comparing records.
    pub(super) fn scope(&self, prune: bool) -> Scope<'_> {
        Scope {
            tree: &self.task.found.tree,
            parsed: &self.parsed,
            failed: &self.failed,
            gone: self.gone.as_ref(),
            prune,
        }
    }

    /// Takes a file back that turned out to be wrong after it was parsed.
    pub(super) fn refuse(&mut self, kind: Kind, file: &str, fault: Fault) {
        let problem = fault.in_file(&self.task.found.tree.pack, file);
        self.report.problems.push(problem);
        self.entries.remove(file);
        self.failed.insert(file.to_owned());
        let count = self.report.count(kind);
        count.found = count.found.saturating_sub(1);
    }

    /// Takes note of what was written.
    pub(super) fn note<E: Content>(&mut self, kind: Kind, applied: &Applied<E>) {
        let count = self.report.count(kind);
        count.written += applied.written.len();
        count.removed += applied.removed.len();
        let removed = applied.removed.iter();
        self.report
            .removed
            .extend(removed.map(|record| format!("{} {}", E::NAME, record.reference())));
        self.report.warnings.extend(applied.warnings.iter().cloned());
        self.is_changed |= !applied.written.is_empty() || !applied.removed.is_empty();
    }

    /// Whether a kind was asked for.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.task.kinds.contains(&kind)
    }

    pub(super) fn problem(&mut self, file: &str, fault: Fault) {
        let problem: Problem = fault.in_file(&self.task.found.tree.pack, file);
        self.report.problems.push(problem);
    }
}

//! The stages in which a pack is written: what others refer to comes first, and what says that the
//! pack is done comes last. A stage that is cut short is gone through again the next time.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use st2_model::{
    Config, ConfigSchema, Digest, Object, Pack, Policy, ResourceRef, Rule, Trigger, TriggerType,
};
use st2_ports::{Filter, Query, StoreError, Topic};

use super::Registrar;
use super::apply::{Applied, apply, put_if_changed};
use super::state::PackState;
use crate::kind::Kind;
use crate::manifest::{Manifest, Remembered};
use crate::parse::RuleDraft;
use crate::problem::Fault;
use crate::scan::PACK_FILE;
use crate::triggers::{collect_trigger, ensure_trigger, remove_unused, settle_trigger, wake};

/// The pack of what is made through the API without naming one.
const DEFAULT_PACK: &str = "default";

impl Registrar {
    /// Trigger types with their shadow triggers, then sensors.
    pub(super) async fn write_sensors(&self, state: &mut PackState) -> Result<(), StoreError> {
        let kinds = std::mem::take(&mut state.trigger_types);
        let shadows: Vec<ResourceRef> = kinds
            .iter()
            .filter(|kind| kind.parameters_schema.is_empty())
            .map(|kind| kind.reference.clone())
            .collect();
        if state.has(Kind::Triggers) || state.has(Kind::Sensors) {
            let applied = apply(&self.ports, kinds, &state.scope(self.settings.prune)).await?;
            for reference in shadows {
                if let Ok(shadow) = Trigger::of(&reference, Object::new()) {
                    state.is_changed |= ensure_trigger(&self.ports, &shadow).await?;
                }
            }
            self.remove_shadows(&applied).await?;
            state.note(Kind::Triggers, &applied);
        }
        if state.has(Kind::Sensors) {
            let sensors = std::mem::take(&mut state.sensors);
            let applied = apply(&self.ports, sensors, &state.scope(self.settings.prune)).await?;
            wake(&self.ports, Topic::SensorChanged, applied.ids()).await;
            state.note(Kind::Sensors, &applied);
        }
        Ok(())
    }

    /// A type that is gone, or has parameters now, has no trigger of its own name.
    async fn remove_shadows(&self, applied: &Applied<TriggerType>) -> Result<(), StoreError> {
        let with_parameters = applied.written.iter();
        let with_parameters = with_parameters.filter(|kind| !kind.parameters_schema.is_empty());
        let without_shadow: BTreeSet<String> = with_parameters
            .chain(&applied.removed)
            .map(|kind| kind.reference.to_string())
            .collect();
        let had_shadow = applied.replaced.iter().chain(&applied.removed);
        for kind in had_shadow.filter(|kind| kind.parameters_schema.is_empty()) {
            if without_shadow.contains(&kind.reference.to_string())
                && let Ok(shadow) = Trigger::of(&kind.reference, Object::new())
            {
                remove_unused(&self.ports, &shadow).await?;
            }
        }
        Ok(())
    }

    /// Actions and aliases.
    pub(super) async fn write_actions(&self, state: &mut PackState) -> Result<(), StoreError> {
        if state.has(Kind::Actions) {
            let actions = std::mem::take(&mut state.actions);
            let applied = apply(&self.ports, actions, &state.scope(self.settings.prune)).await?;
            state.note(Kind::Actions, &applied);
        }
        if state.has(Kind::Aliases) {
            let aliases = std::mem::take(&mut state.aliases);
            let applied = apply(&self.ports, aliases, &state.scope(self.settings.prune)).await?;
            state.note(Kind::Aliases, &applied);
        }
        Ok(())
    }

    /// Rules, each with its trigger.
    pub(super) async fn write_rules(&self, state: &mut PackState) -> Result<(), StoreError> {
        if !state.has(Kind::Rules) {
            return Ok(());
        }
        let drafts = std::mem::take(&mut state.rules);
        let kinds = self.trigger_types_of(&drafts).await?;
        let (mut rules, mut triggers) = (Vec::new(), Vec::new());
        for draft in drafts {
            let known = kinds.get(&draft.trigger_type.to_string());
            let validate = self.settings.validate_trigger_parameters;
            match settle_trigger(&draft.trigger_type, known, draft.parameters, validate) {
                Ok(trigger) => {
                    rules.push(Rule { trigger: trigger.reference.to_string(), ..draft.rule });
                    triggers.push(trigger);
                }
                Err(fault) => state.refuse(Kind::Rules, &draft.rule.metadata_file, fault),
            }
        }
        // Before, so that no rule waits for a trigger that is not there; after, because a trigger
        // that no rule waited for yet may have been collected.
        self.ensure(&triggers).await?;
        let applied = apply(&self.ports, rules, &state.scope(self.settings.prune)).await?;
        self.ensure(&triggers).await?;
        self.remove_from_default(state, &applied).await?;
        wake(&self.ports, Topic::RuleChanged, applied.ids()).await;
        let left = applied.replaced.iter().chain(&applied.removed);
        let left: BTreeSet<&str> = left.map(|rule| rule.trigger.as_str()).collect();
        for trigger in left {
            collect_trigger(&self.ports, trigger).await?;
        }
        state.note(Kind::Rules, &applied);
        Ok(())
    }

    async fn trigger_types_of(
        &self,
        drafts: &[RuleDraft],
    ) -> Result<BTreeMap<String, TriggerType>, StoreError> {
        if drafts.is_empty() {
            return Ok(BTreeMap::new());
        }
        let refs: BTreeSet<String> =
            drafts.iter().map(|draft| draft.trigger_type.to_string()).collect();
        let found = self
            .ports
            .repository::<TriggerType>()
            .find(&Query::of(Filter::is_in("ref", refs)))
            .await?;
        Ok(found
            .into_iter()
            .map(|found| (found.value.reference.to_string(), found.value))
            .collect())
    }

    async fn ensure(&self, triggers: &[Trigger]) -> Result<(), StoreError> {
        for trigger in triggers {
            ensure_trigger(&self.ports, trigger).await?;
        }
        Ok(())
    }

    /// A rule that was made through the API and has found its pack is not to fire twice.
    async fn remove_from_default(
        &self,
        state: &mut PackState,
        applied: &Applied<Rule>,
    ) -> Result<(), StoreError> {
        let names: Vec<&str> = applied
            .written
            .iter()
            .filter(|rule| rule.reference.pack() != DEFAULT_PACK)
            .map(|rule| rule.reference.name())
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let refs = names.iter().map(|name| format!("{DEFAULT_PACK}.{name}"));
        let rules = self.ports.repository::<Rule>();
        let found = rules.find(&Query::of(Filter::is_in("ref", refs))).await?;
        for found in found {
            rules.delete(found.value.id).await?;
            let removed = format!("rule {}", found.value.reference);
            state.report.removed.push(removed);
            let id = found.value.id.to_string();
            wake(&self.ports, Topic::RuleChanged, vec![id]).await;
            collect_trigger(&self.ports, &found.value.trigger).await?;
        }
        Ok(())
    }

    /// Policies: one of each type for each action.
    pub(super) async fn write_policies(&self, state: &mut PackState) -> Result<(), StoreError> {
        if !state.has(Kind::Policies) {
            return Ok(());
        }
        let policies = std::mem::take(&mut state.policies);
        let mut taken: BTreeMap<(String, String), String> = BTreeMap::new();
        if !policies.is_empty() {
            let stored = self.ports.repository::<Policy>();
            for found in stored.find(&Query::of(Filter::All)).await? {
                let policy = found.value;
                let is_leaving = policy.reference.pack() == state.task.found.tree.pack
                    && (state.parsed.contains(&policy.metadata_file)
                        || state.task.found.tree.lacks(&policy.metadata_file));
                if !is_leaving {
                    let place = (policy.resource_ref, policy.policy_type);
                    taken.insert(place, policy.reference.to_string());
                }
            }
        }
        let mut wanted = Vec::new();
        for policy in policies {
            let place = (policy.resource_ref.clone(), policy.policy_type.clone());
            let reference = policy.reference.to_string();
            match taken.get(&place) {
                Some(other) if *other != reference => {
                    let reason = format!(
                        "{} already has a policy of type {}: {other}",
                        policy.resource_ref, policy.policy_type
                    );
                    let fault = Fault::new("policy_type", reason);
                    state.refuse(Kind::Policies, &policy.metadata_file, fault);
                }
                _ => {
                    taken.insert(place, reference);
                    wanted.push(policy);
                }
            }
        }
        let applied = apply(&self.ports, wanted, &state.scope(self.settings.prune)).await?;
        state.note(Kind::Policies, &applied);
        Ok(())
    }

    /// The schema of the config, then the config.
    pub(super) async fn write_configs(&self, state: &mut PackState) -> Result<(), StoreError> {
        let prune = self.settings.prune;
        match &state.head.schema {
            Some(schema) => state.is_changed |= put_if_changed(&self.ports, schema).await?,
            None if state.head.is_schema_known && prune => {
                let id = ConfigSchema::id_of(&state.head.reference);
                let schemas = self.ports.repository::<ConfigSchema>();
                state.is_changed |= schemas.delete(id).await?;
            }
            None => {}
        }
        let count = state.report.count(Kind::Configs);
        match &state.head.config {
            Some(config) => {
                let is_new = put_if_changed(&self.ports, config).await?;
                count.found += 1;
                count.written += usize::from(is_new);
                state.is_changed |= is_new;
            }
            None if state.head.is_config_known && prune => {
                let configs = self.ports.repository::<Config>();
                let id = Config::id_of(&state.head.reference);
                let was_there = configs.delete(id).await?;
                count.removed += usize::from(was_there);
                state.is_changed |= was_there;
            }
            None => {}
        }
        Ok(())
    }

    /// The pack itself, with what is remembered of its files.
    pub(super) async fn write_pack(
        &self,
        state: &mut PackState,
        names: &BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        let Some(mut pack) = state.head.pack.take() else {
            self.finish(state).await;
            return Ok(());
        };
        if let Some(other) = names.get(&pack.name).filter(|other| **other != pack.reference) {
            let reason = format!("the name \"{}\" is that of the pack {other}", pack.name);
            state.problem(PACK_FILE, Fault::new("name", reason));
            self.finish(state).await;
            return Ok(());
        }
        let before = state.stored.as_ref().map(|stored| Remembered::parse(&stored.digest));
        let before = before.unwrap_or_default();
        let mut after = Remembered::default();
        let is_whole = Kind::ALL.iter().all(|kind| state.has(*kind));
        if state.report.problems.is_empty() && is_whole {
            after.fingerprint.clone_from(&state.task.found.fingerprint);
        }
        let bytes = manifest(state)?;
        after.manifest = Digest::of(&bytes).as_str().to_owned();
        if before.manifest != after.manifest || !state.task.is_remembered {
            self.ports.store.put_blob(Bytes::from(bytes)).await?;
        }
        pack.digest = after.text();
        if state.stored.as_ref() != Some(&pack) {
            self.ports.repository::<Pack>().put(&pack).await?;
            state.is_changed |= differs_for_readers(state.stored.as_ref(), &pack);
        }
        if before.manifest != after.manifest
            && let Some(digest) = blob_digest(&before.manifest)
        {
            self.ports.store.delete_blob(&digest).await?;
        }
        self.finish(state).await;
        Ok(())
    }

    async fn finish(&self, state: &PackState) {
        if state.is_changed {
            let id = state.head.reference.clone();
            wake(&self.ports, Topic::ContentChanged, vec![id]).await;
        }
    }
}

/// What to remember, as the content of a blob. Of kinds that were not asked for, what was remembered before.
fn manifest(state: &PackState) -> Result<Vec<u8>, StoreError> {
    let mut files = state.entries.clone();
    for (file, entry) in &state.task.manifest.files {
        let is_asked = Kind::of_file(file).is_none_or(|kind| state.has(kind));
        if !is_asked && !state.task.found.tree.lacks(file) {
            files.insert(file.clone(), entry.clone());
        }
    }
    let manifest = Manifest {
        pack: state.task.found.tree.pack.clone(),
        environment: state.task.found.environment.clone(),
        files,
    };
    serde_json::to_vec(&manifest).map_err(|error| StoreError::Invalid {
        collection: "pack",
        reason: format!("what is remembered of its files can not be stored: {error}"),
    })
}

/// Whether more differs than what is remembered of the files.
fn differs_for_readers(stored: Option<&Pack>, pack: &Pack) -> bool {
    stored.is_none_or(|stored| {
        let stored = Pack { digest: pack.digest.clone(), ..stored.clone() };
        stored != *pack
    })
}

pub(super) fn blob_digest(text: &str) -> Option<Digest> {
    if text.is_empty() {
        return None;
    }
    serde_json::from_value(serde_json::Value::from(text)).ok()
}

//! Registering what is built in: runner types, internal trigger types, rule and policy types.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use st2_model::{Object, RunnerType, Trigger};
use st2_ports::{Entity, Filter, Ports, Query, StoreError, Topic};

use super::Registrar;
use super::apply::{WRITES_AT_ONCE, at_once};
use crate::builtin::CORE_PACK;
use crate::kind::Kind;
use crate::report::Report;
use crate::triggers::{ensure_trigger, wake};

impl Registrar {
    /// Registers what needs no pack.
    pub(super) async fn register_builtin(&self, report: &mut Report) -> Result<(), StoreError> {
        let ports = &self.ports;
        let builtin = &self.reading.builtin;
        let runners = self.runner_types().await?;
        let triggers = builtin.trigger_types.clone();
        let shadows = triggers.iter().filter(|kind| kind.parameters_schema.is_empty());
        let shadows: Vec<Trigger> =
            shadows.filter_map(|kind| Trigger::of(&kind.reference, Object::new()).ok()).collect();
        let trigger_types = sync(ports, triggers).await?;
        let trigger_ids: BTreeMap<String, ()> = existing(ports, &shadows).await?;
        for shadow in shadows {
            if !trigger_ids.contains_key(&shadow.document_id()) {
                ensure_trigger(ports, &shadow).await?;
            }
        }
        let mut changed = trigger_types > 0;
        for (kind, found, written) in [
            (Kind::Runners, runners.len(), sync(ports, runners).await?),
            (
                Kind::RuleTypes,
                builtin.rule_types.len(),
                sync(ports, builtin.rule_types.clone()).await?,
            ),
            (
                Kind::PolicyTypes,
                builtin.policy_types.len(),
                sync(ports, builtin.policy_types.clone()).await?,
            ),
        ] {
            let count = report.count(kind);
            count.found += found;
            count.written += written;
            changed |= written > 0;
        }
        report.count(Kind::Triggers).written += trigger_types;
        if changed {
            wake(ports, Topic::ContentChanged, vec![CORE_PACK.to_owned()]).await;
        }
        Ok(())
    }

    /// The runner types as they are to be stored: who switched one off keeps it off.
    async fn runner_types(&self) -> Result<Vec<RunnerType>, StoreError> {
        let stored = self.ports.repository::<RunnerType>();
        let stored = stored.find(&Query::of(Filter::All)).await?;
        let enabled: BTreeMap<String, bool> =
            stored.into_iter().map(|found| (found.value.name, found.value.enabled)).collect();
        let keep = |runner: &RunnerType| RunnerType {
            enabled: enabled.get(&runner.name).copied().unwrap_or(runner.enabled),
            ..runner.clone()
        };
        Ok(self.reading.runners.iter().map(keep).collect())
    }
}

async fn existing<E: Entity>(
    ports: &Ports,
    records: &[E],
) -> Result<BTreeMap<String, ()>, StoreError> {
    let filter = Filter::is_in("id", records.iter().map(Entity::document_id));
    let found = ports.repository::<E>().find(&Query::of(filter)).await?;
    Ok(found.into_iter().map(|found| (found.value.document_id(), ())).collect())
}

/// Writes the records that differ from what is stored and returns how many did.
async fn sync<E: Entity + PartialEq>(ports: &Ports, records: Vec<E>) -> Result<usize, StoreError> {
    let repository = ports.repository::<E>();
    let filter = Filter::is_in("id", records.iter().map(Entity::document_id));
    let stored: BTreeMap<String, E> = repository
        .find(&Query::of(filter))
        .await?
        .into_iter()
        .map(|found| (found.value.document_id(), found.value))
        .collect();
    let put = |record: E| {
        let repository = repository.clone();
        async move { repository.put(&record).await }.boxed()
    };
    let changed = records.into_iter();
    let changed = changed.filter(|record| stored.get(&record.document_id()) != Some(record));
    let written = at_once(changed.map(put).collect(), WRITES_AT_ONCE).await?;
    Ok(written.len())
}

//! Removing packs.

use st2_model::{
    Action, ActionAlias, Config, ConfigSchema, Object, Pack, Policy, Rule, SensorType, Trigger,
    TriggerType,
};
use st2_ports::{Entity, Filter, Query, StoreError, Topic};

use super::Registrar;
use super::apply::Content;
use super::stages::blob_digest;
use crate::Error;
use crate::kind::Kind;
use crate::manifest::Remembered;
use crate::report::Report;
use crate::triggers::{collect_trigger, remove_unused, wake};

impl Registrar {
    /// Removes a pack with everything in it from the store, whatever it came from. Files, config
    /// files and executions stay.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn unregister(&self, pack: &str) -> Result<Report, Error> {
        let _turn = self.turn.lock().await;
        let mut report = self.remove_records(pack, &Filter::All).await?;
        let packs = self.ports.repository::<Pack>();
        let record = packs.find_by("ref", pack).await?;
        self.remove_pack(pack, record.map(|found| found.value), &mut report).await?;
        Ok(report)
    }

    /// Removes a pack whose directory is gone. What was made through the API stays.
    pub(super) async fn remove_files_of(&self, pack: &Pack) -> Result<Report, Error> {
        let directory = pack.path.as_deref().unwrap_or_default();
        let directory = directory.rsplit('/').next().unwrap_or_default();
        let from_files = Filter::Not(Box::new(Filter::eq("metadata_file", "")));
        let mut report = self.remove_records(directory, &from_files).await?;
        self.remove_pack(&pack.reference, Some(pack.clone()), &mut report).await?;
        Ok(report)
    }

    async fn remove_records(&self, pack: &str, which: &Filter) -> Result<Report, Error> {
        let mut report = Report::default();
        let rules: Vec<Rule> = self.remove_kind(pack, which, Kind::Rules, &mut report).await?;
        let ids = rules.iter().map(Entity::document_id).collect();
        wake(&self.ports, Topic::RuleChanged, ids).await;
        for rule in &rules {
            collect_trigger(&self.ports, &rule.trigger).await?;
        }
        let sensors: Vec<SensorType> =
            self.remove_kind(pack, which, Kind::Sensors, &mut report).await?;
        let sensors = sensors.iter().map(Entity::document_id).collect();
        wake(&self.ports, Topic::SensorChanged, sensors).await;
        let kinds: Vec<TriggerType> =
            self.remove_kind(pack, which, Kind::Triggers, &mut report).await?;
        for kind in &kinds {
            if let Ok(shadow) = Trigger::of(&kind.reference, Object::new()) {
                remove_unused(&self.ports, &shadow).await?;
            }
        }
        let _: Vec<Action> = self.remove_kind(pack, which, Kind::Actions, &mut report).await?;
        let _: Vec<ActionAlias> = self.remove_kind(pack, which, Kind::Aliases, &mut report).await?;
        let _: Vec<Policy> = self.remove_kind(pack, which, Kind::Policies, &mut report).await?;
        Ok(report)
    }

    async fn remove_kind<E: Content>(
        &self,
        pack: &str,
        which: &Filter,
        kind: Kind,
        report: &mut Report,
    ) -> Result<Vec<E>, StoreError> {
        let repository = self.ports.repository::<E>();
        let filter = Filter::Prefix("ref".into(), format!("{pack}.")).and(which.clone());
        let found = repository.find(&Query::of(filter)).await?;
        let mut removed = Vec::new();
        for found in found {
            repository.delete(found.value.document_id()).await?;
            report.removed.push(format!("{} {}", E::NAME, found.value.reference()));
            removed.push(found.value);
        }
        report.count(kind).removed += removed.len();
        Ok(removed)
    }

    async fn remove_pack(
        &self,
        reference: &str,
        record: Option<Pack>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let schemas = self.ports.repository::<ConfigSchema>();
        schemas.delete(ConfigSchema::id_of(reference)).await?;
        let configs = self.ports.repository::<Config>();
        configs.delete(Config::id_of(reference)).await?;
        if let Some(record) = record {
            self.ports.repository::<Pack>().delete(record.id).await?;
            if let Some(digest) = blob_digest(&Remembered::parse(&record.digest).manifest) {
                self.ports.store.delete_blob(&digest).await?;
            }
            report.removed.push(format!("pack {reference}"));
        }
        wake(&self.ports, Topic::ContentChanged, vec![reference.to_owned()]).await;
        Ok(())
    }
}

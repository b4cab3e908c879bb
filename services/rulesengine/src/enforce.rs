//! What follows from one trigger instance.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use st2_execution::{Cause, Executions, Origin, Request, RequestError, load_payload};
use st2_expr::jinja::KeyTable;
use st2_model::{
    EnforcementStatus, Id, InstanceStatus, Rule, RuleEnforcement, RuleIdentity, Timestamp,
    TriggerInstance, kinds,
};
use st2_ports::{Ports, Replaced, StoreError, Versioned};
use st2_rules::{CompiledRule, Evaluation, Occurrence, Outcome, RuleRequest, Verdict};

use crate::known::Known;

/// How often datastore items are fetched for one instance: templates may name further ones.
const KEY_ROUNDS_MAX: usize = 16;
/// Failures that would repeat for every instance are recorded once in this time for each rule.
const ABSENT_VALUE_EVERY: Duration = Duration::from_secs(3600);

/// Carries out what rules say. Shared by all instances that are worked on.
pub(crate) struct Enforcer {
    ports: Ports,
    executions: Executions,
    system_user: String,
    recorded: Mutex<HashMap<Id<kinds::Rule>, Timestamp>>,
}

impl Enforcer {
    pub(crate) fn new(ports: Ports, executions: Executions, system_user: String) -> Self {
        Self { ports, executions, system_user, recorded: Mutex::default() }
    }

    /// Works on the instance `id` until all that follows from it is stored.
    ///
    /// # Errors
    /// When the store is away; what was done so far is found done the next time.
    pub(crate) async fn process(&self, id: &str, known: &Known) -> Result<(), StoreError> {
        let Some(found) = self.ports.repository::<TriggerInstance>().get(id).await? else {
            return Ok(());
        };
        let is_open =
            matches!(found.value.status, InstanceStatus::Pending | InstanceStatus::Processing);
        if !is_open {
            return Ok(());
        }
        let failure = match self.enforce_all(&found.value, known).await {
            Ok(()) => None,
            Err(Broken::Store(error)) if error.is_transient() => return Err(error),
            Err(Broken::Store(error)) => Some(error.to_string()),
            Err(Broken::Keys) => {
                Some("the datastore items that rules read lead to ever more items".to_owned())
            }
        };
        if let Some(reason) = &failure {
            tracing::error!(instance = id, reason, "trigger instance can not be processed");
        }
        self.finish(found, failure).await
    }

    async fn finish(
        &self,
        found: Versioned<TriggerInstance>,
        failure: Option<String>,
    ) -> Result<(), StoreError> {
        let mut instance = found.value;
        instance.status = match failure {
            None => InstanceStatus::Processed,
            Some(_) => InstanceStatus::ProcessingFailed,
        };
        instance.failure = failure;
        // Relaxed: it stands behind all that it speaks of, so that a loss of power either keeps
        // that too or leaves an open instance, which is worked on again.
        let instances = self.ports.relaxed_repository::<TriggerInstance>();
        match instances.replace(&instance, found.revision, None).await? {
            // Stale: another engine was faster, with the same outcome.
            Replaced::At(_) | Replaced::Stale | Replaced::Missing | Replaced::Taken(_) => {}
        }
        metrics::counter!("st2_trigger_instances_processed").increment(1);
        Ok(())
    }

    async fn enforce_all(&self, instance: &TriggerInstance, known: &Known) -> Result<(), Broken> {
        let trigger = instance.trigger.to_string();
        if known.rules.rules_of(&trigger).next().is_none() {
            return Ok(());
        }
        let payload = load_payload(&*self.ports.store, &instance.payload).await?;
        let occurrence = Occurrence::new(instance, &trigger, &payload);
        for verdict in self.verdicts(&occurrence, known).await? {
            let Verdict { rule, outcome } = verdict;
            match outcome {
                Outcome::NotMatched => {}
                Outcome::Matched => self.enforce(rule, instance, &payload, known).await?,
                Outcome::Failed(failure) => {
                    let rule = rule.rule();
                    if failure.is_absent_value && !self.is_first_in_a_while(rule.id) {
                        continue;
                    }
                    let reason = failure.reason(&rule.reference.to_string(), instance.id);
                    self.record(rule, instance, Err(reason)).await?;
                }
            }
        }
        Ok(())
    }

    async fn verdicts<'k>(
        &self,
        occurrence: &Occurrence<'_>,
        known: &'k Known,
    ) -> Result<Vec<Verdict<'k>>, Broken> {
        let mut table = KeyTable::new();
        for _ in 0..KEY_ROUNDS_MAX {
            let keys = Arc::new(table.clone());
            match known.rules.evaluate(occurrence, keys, self.ports.clock.now()) {
                Evaluation::Decided(verdicts) => return Ok(verdicts),
                Evaluation::KeysNeeded(keys) => {
                    for key in keys {
                        let value = self.executions.load_key(&key).await?;
                        table.insert(key, value);
                    }
                }
            }
        }
        Err(Broken::Keys)
    }

    /// Requests the action of a rule that matched, and records it.
    async fn enforce(
        &self,
        rule: &CompiledRule,
        instance: &TriggerInstance,
        payload: &Value,
        known: &Known,
    ) -> Result<(), Broken> {
        let rule = rule.rule();
        let outcome = match self.request(rule, instance, payload, known).await {
            Ok(execution) => Ok(execution),
            Err(RequestError::Store(error)) if error.is_transient() => return Err(error.into()),
            Err(RequestError::ActionNotFound(action)) => {
                Err(format!("Action \"{action}\" doesn't exist"))
            }
            Err(error) => Err(error.to_string()),
        };
        metrics::counter!("st2_rules_matched").increment(1);
        self.record(rule, instance, outcome).await?;
        Ok(())
    }

    async fn request(
        &self,
        rule: &Rule,
        instance: &TriggerInstance,
        payload: &Value,
        known: &Known,
    ) -> Result<Id<kinds::Execution>, RequestError> {
        let trace = instance.trace_tag.as_ref().map(|tag| json!({"trace_tag": tag}));
        let asked = RuleRequest::new(rule, instance, payload, &self.system_user, trace);
        let action = asked.action.parse().map_err(|_| {
            RequestError::Parameters(format!("Action \"{}\" doesn't exist", asked.action))
        })?;
        let mut request = Request::new(action, asked.parameters);
        request.context = asked.context;
        request.variables = asked.variables;
        request.cause = Some(Cause::rule(instance, rule));
        let triggers = known.triggers.get(&rule.trigger).cloned();
        request.origin = triggers.map(|(trigger, trigger_type)| {
            let mut instance = instance.clone();
            instance.status = InstanceStatus::Processing;
            Box::new(Origin { rule: rule.clone(), trigger, trigger_type, instance })
        });
        let requested = self.executions.request(request).await?;
        Ok(requested.execution.value.id)
    }

    async fn record(
        &self,
        rule: &Rule,
        instance: &TriggerInstance,
        outcome: Result<Id<kinds::Execution>, String>,
    ) -> Result<(), StoreError> {
        let reference = &rule.reference;
        match &outcome {
            Ok(execution) => {
                tracing::info!(audit = true, rule = %reference, instance = %instance.id, %execution, "rule enforced");
            }
            Err(reason) => {
                tracing::warn!(audit = true, rule = %reference, instance = %instance.id, reason, "rule enforcement failed");
            }
        }
        let (execution_id, failure_reason) = match outcome {
            Ok(execution) => (Some(execution), None),
            Err(reason) => (None, Some(reason)),
        };
        let status = match failure_reason {
            None => EnforcementStatus::Succeeded,
            Some(_) => EnforcementStatus::Failed,
        };
        let enforcement = RuleEnforcement {
            id: RuleEnforcement::id_of(&instance.id, &rule.id),
            trigger_instance_id: instance.id,
            execution_id,
            failure_reason,
            rule: RuleIdentity {
                reference: reference.clone(),
                id: rule.id,
                uid: rule.uid().to_string(),
            },
            enforced_at: self.ports.clock.now(),
            status,
        };
        // One that exists says the same: it was recorded before this process, or another, died.
        // Relaxed: it follows from the instance, which stands before it.
        self.ports.relaxed_repository::<RuleEnforcement>().insert(&enforcement, None).await?;
        Ok(())
    }

    fn is_first_in_a_while(&self, rule: Id<kinds::Rule>) -> bool {
        let now = self.ports.clock.now();
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let last = recorded.get(&rule);
        let is_first = last.is_none_or(|last| now.since(*last) >= ABSENT_VALUE_EVERY);
        if is_first {
            recorded.insert(rule, now);
        }
        is_first
    }
}

/// Why an instance could not be worked on.
enum Broken {
    Store(StoreError),
    Keys,
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

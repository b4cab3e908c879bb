//! Which trigger a rule waits for, and that it exists exactly as long as it has to.
//!
//! A trigger type without parameters has one trigger, of its own name, made with it. Any other
//! trigger exists while a rule waits for it. Whoever makes a rule writes the rule first and calls
//! [`ensure_trigger`] after; whoever changes or removes one calls [`collect_trigger`] after.
//! In that order no rule is left without its trigger, whatever happens at the same time: either
//! the collector sees the rule, or the maker of the rule sees that the trigger is gone.

use serde_json::Value;
use st2_model::{Object, ResourceRef, Rule, Trigger, TriggerType};
use st2_ports::{Filter, Inserted, Ports, StoreError, Topic, Wake};
use st2_schema::{Options, Schema};

use crate::builtin::CORE_PACK;
use crate::problem::Fault;
use crate::timer;

/// The trigger of `kind` with `parameters`, which are checked. `known` is the trigger type, if it
/// is registered; a type that comes later may already be waited for with parameters.
///
/// Parameters of `core`'s types are always checked, those of others when `validate` says so.
///
/// # Errors
/// When the parameters do not fit, or there are none where some are needed.
pub fn settle_trigger(
    kind: &ResourceRef,
    known: Option<&TriggerType>,
    parameters: Object,
    validate: bool,
) -> Result<Trigger, Fault> {
    if let Some(known) = known
        && !known.parameters_schema.is_empty()
        && (validate || kind.pack() == CORE_PACK)
    {
        check_parameters(known, &parameters)?;
    }
    let has_shadow = known.is_some_and(|known| known.parameters_schema.is_empty());
    if parameters.is_empty() && !has_shadow {
        return Err(Fault::new(
            "trigger",
            format!(
                "A simple trigger should have been created when registering triggertype. Cannot \
                 create trigger: type {kind} without parameters"
            ),
        ));
    }
    Trigger::of(kind, parameters).map_err(|error| Fault::new("trigger.type", error.to_string()))
}

fn check_parameters(kind: &TriggerType, parameters: &Object) -> Result<(), Fault> {
    let schema = Value::Object(kind.parameters_schema.clone());
    let schema = Schema::compile(&schema, Options::default()).map_err(|error| {
        Fault::new(
            "trigger.type",
            format!("the parameters schema of {} can not be used: {error}", kind.reference),
        )
    })?;
    schema
        .validate(&mut Value::Object(parameters.clone()))
        .map_err(|errors| {
            let first = errors.into_iter().next().map(Fault::from);
            first.unwrap_or_else(|| Fault::whole("the parameters are wrong"))
        })
        .and_then(|()| match kind.reference.pack() {
            CORE_PACK => timer::check(kind.reference.name(), parameters),
            _ => Ok(()),
        })
        .map_err(|fault| {
            let field = match fault.field.as_str() {
                "" => "trigger.parameters".to_owned(),
                path => format!("trigger.parameters.{path}"),
            };
            Fault::new(field, fault.reason)
        })
}

/// Stores the trigger unless it exists, and wakes who watches triggers. Whether it is new.
///
/// # Errors
/// Those of the store.
pub async fn ensure_trigger(ports: &Ports, trigger: &Trigger) -> Result<bool, StoreError> {
    let stored = ports.repository::<Trigger>().insert(trigger, None).await?;
    let is_new = stored == Inserted::New;
    if is_new {
        wake(ports, Topic::TriggerChanged, vec![trigger.id.to_string()]).await;
    }
    Ok(is_new)
}

/// Removes the trigger `reference` if it has parameters and no rule waits for it, and wakes who
/// watches triggers. Whether it was removed.
///
/// # Errors
/// Those of the store.
pub async fn collect_trigger(ports: &Ports, reference: &str) -> Result<bool, StoreError> {
    let triggers = ports.repository::<Trigger>();
    let Some(found) = triggers.find_by("ref", reference).await? else {
        return Ok(false);
    };
    if found.value.parameters.is_empty() {
        return Ok(false);
    }
    remove_unused(ports, &found.value).await
}

/// Removes a trigger that no rule waits for.
pub(crate) async fn remove_unused(ports: &Ports, trigger: &Trigger) -> Result<bool, StoreError> {
    let rules = ports.repository::<Rule>();
    let waiting = Filter::eq("trigger", trigger.reference.to_string());
    if rules.count(&waiting).await? > 0 {
        return Ok(false);
    }
    let triggers = ports.repository::<Trigger>();
    if !triggers.delete(trigger.id).await? {
        return Ok(false);
    }
    // A rule that was made between the count and the removal would wait for ever.
    if rules.count(&waiting).await? > 0 {
        triggers.insert(trigger, None).await?;
        return Ok(false);
    }
    wake(ports, Topic::TriggerChanged, vec![trigger.id.to_string()]).await;
    Ok(true)
}

/// Ids in one wake-up at most, so that messages stay small.
const IDS_PER_WAKE: usize = 500;

/// Wakes the readers of `topic`. A lost wake-up costs time only, so it is not an error here.
pub(crate) async fn wake(ports: &Ports, topic: Topic, mut ids: Vec<String>) {
    ids.sort_unstable();
    ids.dedup();
    for ids in ids.chunks(IDS_PER_WAKE) {
        let wake = Wake { ids: ids.to_vec(), revision: None };
        if let Err(error) = ports.bus.publish(topic, wake).await {
            tracing::warn!(topic = topic.name(), %error, "wake-up lost; sweeps will find the change");
        }
    }
}

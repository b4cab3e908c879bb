//! Making, changing and removing rules.
//!
//! The rule is written first and its trigger made sure of after, so that no rule is left without
//! its trigger (see `st2_content`'s `triggers.rs`).

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use serde_json::{Value, json};
use st2_content::parse::{Place, parse_rule};
use st2_content::{collect_trigger, ensure_trigger, settle_trigger};
use st2_http::{Caller, Fault, JsonBody, Params};
use st2_model::{Object, ResourceRef, Rule, Trigger, TriggerType};
use st2_ports::{Inserted, Replaced, Topic, Versioned};

use super::show;
use crate::Api;
use crate::api::{Answer, created, duplicate, removed, shown};
use crate::forms::{Form, content_fault, text};
use crate::lookup;

static RULE: Form = Form::new(
    r#"{"type": "object", "properties": {
        "trigger": {"type": "object", "required": true, "properties": {
            "type": {"type": "string", "required": true},
            "parameters": {"type": "object"}
        }},
        "criteria": {"type": "object"},
        "action": {"type": "object", "required": true, "properties": {
            "ref": {"type": "string", "required": true},
            "parameters": {"type": ["object", "null"]}
        }},
        "name": {"type": "string", "required": true},
        "pack": {"type": ["string", "null"]},
        "description": {"type": ["string", "null"]},
        "enabled": {"type": "boolean"},
        "type": {"type": ["object", "null"]},
        "tags": {"type": ["array", "null"]}
    }}"#,
);

pub(super) async fn create(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    params: Params,
    JsonBody(body): JsonBody,
) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let (rule, trigger) = parse(&api, body, &caller, "default").await?;
    insert(&api, &rule).await?;
    ensure_trigger(&api.ports, &trigger).await?;
    api.wake(Topic::RuleChanged, rule.id).await;
    Ok(created(show(&api, &rule, show_secrets).await?))
}

pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(ref_or_id): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let old = lookup::by_ref_or_id::<Rule>(&api.ports, &ref_or_id).await?;
    let (mut rule, trigger) = parse(&api, body, &caller, old.value.reference.pack()).await?;
    rule.metadata_file.clone_from(&old.value.metadata_file);
    replace(&api, &rule, &old).await?;
    ensure_trigger(&api.ports, &trigger).await?;
    if old.value.trigger != rule.trigger {
        collect_trigger(&api.ports, &old.value.trigger).await?;
    }
    api.wake(Topic::RuleChanged, rule.id).await;
    Ok(shown(show(&api, &rule, show_secrets).await?))
}

pub(super) async fn remove(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let rule = lookup::by_ref_or_id::<Rule>(&api.ports, &ref_or_id).await?.value;
    api.ports.repository::<Rule>().delete(rule.id).await?;
    collect_trigger(&api.ports, &rule.trigger).await?;
    api.wake(Topic::RuleChanged, rule.id).await;
    Ok(removed())
}

/// The rule of a body and the trigger that it waits for. Nothing is stored.
async fn parse(
    api: &Api,
    body: Value,
    caller: &Caller,
    default_pack: &str,
) -> Result<(Rule, Trigger), Fault> {
    let mut members = RULE.check(body)?;
    let pack = text(&members, "pack").filter(|pack| !pack.is_empty()).unwrap_or(default_pack);
    let pack = pack.to_owned();
    members.insert("pack".to_owned(), pack.as_str().into());
    // What may be null here is absent for content.
    members.retain(|_, value| !value.is_null());
    let place = Place { pack: &pack, dir: FilePath::new(""), file: "" };
    let draft = parse_rule(place, &Value::Object(members)).map_err(content_fault)?;
    let trigger = trigger(api, &draft.trigger_type, draft.parameters).await?;
    let mut rule = draft.rule;
    rule.trigger = trigger.reference.to_string();
    rule.context = Object::from_iter([("user".to_owned(), json!(caller.user))]);
    Ok((rule, trigger))
}

async fn trigger(api: &Api, kind: &ResourceRef, parameters: Object) -> Result<Trigger, Fault> {
    let known = api.ports.repository::<TriggerType>().get(TriggerType::id_of(kind)).await?;
    let known = known.map(|found| found.value);
    let validate = api.settings.validate_trigger_parameters;
    settle_trigger(kind, known.as_ref(), parameters, validate).map_err(|fault| {
        if fault.field == "trigger" {
            return Fault::bad_request(format!(
                "Trigger \"{kind}\" defined in the rule does not exist in system or it's missing \
                 required \"parameters\" attribute"
            ));
        }
        content_fault(fault)
    })
}

async fn insert(api: &Api, rule: &Rule) -> Result<(), Fault> {
    match api.ports.repository::<Rule>().insert(rule, None).await? {
        Inserted::New => Ok(()),
        Inserted::Exists | Inserted::Taken(_) => Err(duplicate(&rule.uid(), rule.id)),
    }
}

/// Puts `rule` in the place of `old`. A rule of another name is another record.
async fn replace(api: &Api, rule: &Rule, old: &Versioned<Rule>) -> Result<(), Fault> {
    if rule.id != old.value.id {
        insert(api, rule).await?;
        api.ports.repository::<Rule>().delete(old.value.id).await?;
        api.wake(Topic::RuleChanged, old.value.id).await;
        return Ok(());
    }
    match api.ports.repository::<Rule>().replace(rule, old.revision, None).await? {
        Replaced::At(_) => Ok(()),
        Replaced::Stale | Replaced::Missing | Replaced::Taken(_) => {
            Err(Fault::conflict("The rule was changed by somebody else.", rule.id))
        }
    }
}

//! Rules and rule types.

mod write;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_http::{Fault, Params};
use st2_model::{Action, Object, Rule, RuleType, Trigger, TriggerType};
use st2_ports::{Filter, Order, Query};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, shown};
use crate::listing::{By, Listing};
use crate::lookup;

const LISTING: Listing = Listing {
    limit: None,
    filters: &[
        ("id", By::Id),
        ("name", By::Name),
        ("pack", By::Pack),
        ("action", By::Text("action.ref")),
        ("trigger", By::Text("trigger")),
        ("enabled", By::Flag("enabled")),
    ],
    order: &[("ref", Order::Ascending)],
    members: &[
        "id",
        "ref",
        "uid",
        "name",
        "pack",
        "description",
        "type",
        "trigger",
        "criteria",
        "action",
        "enabled",
        "context",
        "tags",
        "metadata_file",
    ],
    excludable: &[],
    keeps: &["id", "ref"],
};

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/rules", get(list).post(write::create))
        .route("/rules/views", get(views))
        .route("/rules/views/{ref_or_id}", get(view))
        .route("/rules/{ref_or_id}", get(one).put(write::update).delete(write::remove))
        .route("/ruletypes", get(types))
        .route("/ruletypes/{id}", get(one_type))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<Rule>(&api.ports).await?;
    let around = Around::of(&api, &rows.items).await?;
    Ok(rows.answer(|rule| projection.apply(around.show(rule, show_secrets))))
}

async fn one(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>, params: Params) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let rule = lookup::by_ref_or_id::<Rule>(&api.ports, &ref_or_id).await?.value;
    Ok(shown(show(&api, &rule, show_secrets).await?))
}

async fn views(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<Rule>(&api.ports).await?;
    let around = Around::of(&api, &rows.items).await?;
    let show_secrets = !api.settings.mask_secrets;
    Ok(rows.answer(|rule| projection.apply(around.view(rule, show_secrets))))
}

async fn view(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let rule = lookup::by_ref_or_id::<Rule>(&api.ports, &ref_or_id).await?.value;
    let around = Around::of(&api, std::slice::from_ref(&rule)).await?;
    Ok(shown(around.view(&rule, !api.settings.mask_secrets)))
}

async fn types(State(api): State<Arc<Api>>) -> Answer {
    let query = Query::of(Filter::All).by("name", Order::Descending);
    let found = api.ports.repository::<RuleType>().find(&query).await?;
    Ok(shown(found.iter().map(|kind| content::rule_type(&kind.value)).collect()))
}

async fn one_type(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answer {
    let kind = lookup::by_id::<RuleType>(&api.ports, &id).await?;
    Ok(shown(content::rule_type(&kind.value)))
}

/// One rule.
async fn show(api: &Api, rule: &Rule, show_secrets: bool) -> Result<Value, Fault> {
    let around = Around::of(api, std::slice::from_ref(rule)).await?;
    Ok(around.show(rule, show_secrets))
}

/// What rules refer to.
struct Around {
    triggers: HashMap<String, Trigger>,
    types: HashMap<String, TriggerType>,
    actions: HashMap<String, Action>,
}

impl Around {
    async fn of(api: &Api, rules: &[Rule]) -> Result<Self, Fault> {
        let refs = rules.iter().map(|rule| rule.trigger.as_str());
        let query = Query::of(Filter::is_in("ref", refs));
        let triggers = api.ports.repository::<Trigger>().find(&query).await?;
        let triggers: HashMap<String, Trigger> = triggers
            .into_iter()
            .map(|found| (found.value.reference.to_string(), found.value))
            .collect();
        let refs = triggers.values().map(|trigger| trigger.kind.to_string());
        let query = Query::of(Filter::is_in("ref", refs));
        let types = api.ports.repository::<TriggerType>().find(&query).await?;
        let refs = rules.iter().map(|rule| rule.action.reference.as_str());
        let query = Query::of(Filter::is_in("ref", refs));
        let actions = api.ports.repository::<Action>().find(&query).await?;
        Ok(Self {
            triggers,
            types: types
                .into_iter()
                .map(|found| (found.value.reference.to_string(), found.value))
                .collect(),
            actions: actions
                .into_iter()
                .map(|found| (found.value.reference.to_string(), found.value))
                .collect(),
        })
    }

    fn show(&self, rule: &Rule, show_secrets: bool) -> Value {
        let mut shown = content::rule(rule, self.triggers.get(&rule.trigger));
        let given = shown.get_mut("action").and_then(|action| action.get_mut("parameters"));
        if let Some(Value::Object(given)) = given
            && let Some(action) = self.actions.get(&rule.action.reference)
            && !show_secrets
        {
            st2_schema::mask_parameters(given, &Object::new(), &action.parameters);
        }
        shown
    }

    /// A rule with the descriptions of its action and of its trigger type.
    fn view(&self, rule: &Rule, show_secrets: bool) -> Value {
        let mut shown = self.show(rule, show_secrets);
        let action = self.actions.get(&rule.action.reference);
        let action = action.and_then(|action| action.description.clone());
        let trigger = self.triggers.get(&rule.trigger);
        let trigger = trigger.and_then(|trigger| self.types.get(&trigger.kind.to_string()));
        let trigger = trigger.and_then(|kind| kind.description.clone());
        for (member, description) in [("action", action), ("trigger", trigger)] {
            if let Some(Value::Object(members)) = shown.get_mut(member) {
                members.insert("description".to_owned(), description.into());
            }
        }
        shown
    }
}

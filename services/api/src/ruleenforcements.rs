//! Rule enforcements, plain and with what they led to.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_http::{Fault, Params};
use st2_model::{Execution, RuleEnforcement, TriggerInstance};
use st2_ports::{Filter, Order, Query};
use st2_wire::occurrence::{rule_enforcement, rule_enforcement_view};

use crate::Api;
use crate::api::{Answer, shown};
use crate::executions::Wish;
use crate::listing::{By, Listing, Rows};
use crate::projection::Projection;
use crate::{lookup, triggerinstances};

const LISTING: Listing = Listing {
    limit: Some(50),
    filters: &[
        ("id", By::Id),
        ("execution", By::Text("execution_id")),
        ("rule_ref", By::Text("rule.ref")),
        ("rule_id", By::Text("rule.id")),
        ("trigger_instance", By::Text("trigger_instance_id")),
        ("enforced_at", By::Time("enforced_at")),
        ("enforced_at_gt", By::After("enforced_at")),
        ("enforced_at_lt", By::Before("enforced_at")),
    ],
    order: &[("enforced_at", Order::Descending), ("rule.ref", Order::Ascending)],
    members: &[
        "id",
        "trigger_instance_id",
        "execution_id",
        "failure_reason",
        "rule",
        "enforced_at",
        "status",
        "trigger_instance",
        "execution",
    ],
    excludable: &[],
    keeps: &["id"],
};

/// What a view shows of an execution.
const EXECUTION: [&str; 8] = [
    "action.ref",
    "action.parameters",
    "runner.name",
    "runner.runner_parameters",
    "parameters",
    "status",
    "start_timestamp",
    "id",
];

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/ruleenforcements", get(list))
        .route("/ruleenforcements/views", get(views))
        .route("/ruleenforcements/views/{id}", get(view))
        .route("/ruleenforcements/{id}", get(one))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<RuleEnforcement>(&api.ports).await?;
    Ok(rows.answer(|enforcement| projection.apply(rule_enforcement(enforcement))))
}

async fn one(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answer {
    let enforcement = lookup::by_id::<RuleEnforcement>(&api.ports, &id).await?;
    Ok(shown(rule_enforcement(&enforcement.value)))
}

async fn views(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows: Rows<RuleEnforcement> = LISTING.question(&params)?.ask(&api.ports).await?;
    let views = show(&api, &rows.items).await?;
    Ok(rows.with(views.into_iter().map(|view| projection.apply(view)).collect()))
}

async fn view(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answer {
    let enforcement = lookup::by_id::<RuleEnforcement>(&api.ports, &id).await?.value;
    let mut views = show(&api, std::slice::from_ref(&enforcement)).await?;
    views.pop().map(shown).ok_or_else(Fault::no_such_path)
}

async fn show(api: &Api, enforcements: &[RuleEnforcement]) -> Result<Vec<Value>, Fault> {
    let ids = enforcements.iter().map(|found| found.trigger_instance_id.to_string());
    let query = Query::of(Filter::is_in("id", ids));
    let mut instances = HashMap::new();
    for found in api.ports.repository::<TriggerInstance>().find(&query).await? {
        instances.insert(found.value.id, triggerinstances::show(api, &found.value).await?);
    }
    let ids = enforcements.iter().filter_map(|found| Some(found.execution_id?.to_string()));
    let mut query = Query::of(Filter::is_in("id", ids));
    query.without = vec!["result", "origin"];
    let found = api.ports.repository::<Execution>().find(&query).await?;
    let executions: Vec<Execution> = found.into_iter().map(|found| found.value).collect();
    let wish = Wish {
        projection: Projection::of(&EXECUTION),
        show_secrets: !api.settings.mask_secrets,
        result_bytes_max: None,
    };
    let views = api.show_executions(&executions, &wish).await?;
    let mut executions: HashMap<_, _> =
        executions.iter().map(|execution| execution.id).zip(views).collect();
    Ok(enforcements
        .iter()
        .map(|enforcement| {
            let instance = instances.get(&enforcement.trigger_instance_id).cloned();
            let execution = enforcement.execution_id.and_then(|id| executions.remove(&id));
            rule_enforcement_view(enforcement, instance, execution)
        })
        .collect())
}

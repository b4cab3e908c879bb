//! Policies and policy types.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_content::parse::{Place, PolicyTypes, parse_policy};
use st2_http::{Fault, JsonBody, Params};
use st2_model::{Policy, PolicyType};
use st2_ports::{Filter, Inserted, Order, Query, Topic, Versioned};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, created, duplicate, refuse_system_pack, removed, shown};
use crate::forms::{Form, content_fault, text};
use crate::listing::{By, Listing};
use crate::lookup;

const TYPES: Listing = Listing {
    limit: Some(100),
    filters: &[
        ("id", By::Id),
        ("name", By::OneOf("name")),
        ("resource_type", By::Text("resource_type")),
    ],
    order: &[("resource_type", Order::Ascending), ("name", Order::Ascending)],
    members: &[
        "id",
        "ref",
        "uid",
        "name",
        "description",
        "resource_type",
        "enabled",
        "module",
        "parameters",
    ],
    excludable: &[],
    keeps: &["id"],
};

const LISTING: Listing = Listing {
    limit: Some(100),
    filters: &[
        ("id", By::Id),
        ("name", By::Name),
        ("pack", By::Pack),
        ("resource_ref", By::Text("resource_ref")),
        ("policy_type", By::Text("policy_type")),
    ],
    order: &[("ref", Order::Ascending)],
    members: &[
        "id",
        "ref",
        "uid",
        "name",
        "pack",
        "description",
        "enabled",
        "resource_ref",
        "policy_type",
        "parameters",
        "metadata_file",
    ],
    excludable: &[],
    keeps: &["id", "ref"],
};

static POLICY: Form = Form::new(
    r#"{"type": "object", "properties": {
        "name": {"type": "string", "required": true},
        "pack": {"type": "string", "required": true},
        "description": {"type": ["string", "null"]},
        "enabled": {"type": "boolean"},
        "resource_ref": {"type": "string", "required": true},
        "policy_type": {"type": "string", "required": true},
        "parameters": {"type": ["object", "null"]}
    }}"#,
);

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/policytypes", get(types))
        .route("/policytypes/{ref_or_id}", get(one_type))
        .route("/policies", get(list).post(create))
        .route("/policies/{ref_or_id}", get(one).put(update).delete(remove))
}

async fn types(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = TYPES.projection(&params)?;
    let rows = TYPES.question(&params)?.ask::<PolicyType>(&api.ports).await?;
    Ok(rows.answer(|kind| projection.apply(content::policy_type(kind))))
}

async fn one_type(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let kinds = api.ports.repository::<PolicyType>();
    let found = match ref_or_id.split_once('.') {
        Some((resource, name)) => kinds.get(PolicyType::id_of(resource, name)).await?,
        None => lookup::find_by_id(&api.ports, &ref_or_id).await?,
    };
    let found = found.ok_or_else(|| {
        Fault::not_found(format!("Resource with a reference or id \"{ref_or_id}\" not found"))
    })?;
    Ok(shown(content::policy_type(&found.value)))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<Policy>(&api.ports).await?;
    Ok(rows.answer(|policy| projection.apply(content::policy(policy))))
}

async fn one(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let policy = lookup::by_ref_or_id::<Policy>(&api.ports, &ref_or_id).await?;
    Ok(shown(content::policy(&policy.value)))
}

async fn create(State(api): State<Arc<Api>>, JsonBody(body): JsonBody) -> Answer {
    let policy = parse(&api, body).await?;
    store(&api, &policy, None).await?;
    Ok(created(content::policy(&policy)))
}

async fn update(
    State(api): State<Arc<Api>>,
    Path(ref_or_id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let old = lookup::by_ref_or_id::<Policy>(&api.ports, &ref_or_id).await?;
    refuse_system_pack(old.value.reference.pack())?;
    let mut policy = parse(&api, body).await?;
    policy.metadata_file.clone_from(&old.value.metadata_file);
    store(&api, &policy, Some(&old)).await?;
    Ok(shown(content::policy(&policy)))
}

async fn remove(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let policy = lookup::by_ref_or_id::<Policy>(&api.ports, &ref_or_id).await?.value;
    refuse_system_pack(policy.reference.pack())?;
    api.ports.repository::<Policy>().delete(policy.id).await?;
    api.wake(Topic::ContentChanged, policy.reference.pack()).await;
    Ok(removed())
}

async fn parse(api: &Api, body: Value) -> Result<Policy, Fault> {
    let members = POLICY.check(body)?;
    let pack = text(&members, "pack").unwrap_or_default().to_owned();
    refuse_system_pack(&pack)?;
    let kind = text(&members, "policy_type").unwrap_or_default();
    if !kind.contains('.') {
        return Err(Fault::bad_request(format!("Invalid reference: {kind}")));
    }
    let kinds = api.ports.repository::<PolicyType>().find(&Query::of(Filter::All)).await?;
    let kinds: Vec<PolicyType> = kinds.into_iter().map(|kind| kind.value).collect();
    let kinds = PolicyTypes::compile(&kinds).map_err(content_fault)?;
    let place = Place { pack: &pack, dir: FilePath::new(""), file: "" };
    parse_policy(place, &Value::Object(members), &kinds).map_err(content_fault)
}

/// An action has at most one policy of a type.
async fn store(api: &Api, policy: &Policy, old: Option<&Versioned<Policy>>) -> Result<(), Fault> {
    let policies = api.ports.repository::<Policy>();
    let same = Filter::eq("resource_ref", policy.resource_ref.as_str())
        .and(Filter::eq("policy_type", policy.policy_type.as_str()));
    let others = policies.find(&Query::of(same)).await?;
    let is_old = |other: &Versioned<Policy>| old.is_some_and(|old| old.value.id == other.value.id);
    if let Some(other) = others.iter().find(|other| !is_old(other)) {
        return Err(duplicate(&other.value.uid(), other.value.id));
    }
    match old {
        Some(old) if old.value.id == policy.id => {
            policies.put(policy).await?;
        }
        old => match policies.insert(policy, None).await? {
            Inserted::New => {
                if let Some(old) = old {
                    policies.delete(old.value.id).await?;
                }
            }
            Inserted::Exists | Inserted::Taken(_) => {
                return Err(duplicate(&policy.uid(), policy.id));
            }
        },
    }
    api.wake(Topic::ContentChanged, policy.reference.pack()).await;
    Ok(())
}

//! Trigger types.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_content::ensure_trigger;
use st2_content::parse::{Place, parse_trigger_type};
use st2_http::{Fault, JsonBody, Params};
use st2_model::{Object, Trigger, TriggerType};
use st2_ports::{Inserted, Order, Topic};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, created, duplicate, refuse_system_pack, removed, shown};
use crate::forms::{Form, content_fault, text};
use crate::listing::{By, Listing};
use crate::lookup;

const LISTING: Listing = Listing {
    limit: Some(100),
    filters: &[("id", By::Id), ("name", By::Name), ("pack", By::Pack)],
    order: &[("ref", Order::Ascending)],
    members: &[
        "id",
        "ref",
        "uid",
        "name",
        "pack",
        "description",
        "payload_schema",
        "parameters_schema",
        "tags",
        "metadata_file",
    ],
    excludable: &[],
    keeps: &["id", "ref"],
};

static TRIGGER_TYPE: Form = Form::new(
    r#"{"type": "object", "properties": {
        "name": {"type": "string", "required": true},
        "pack": {"type": "string", "required": true},
        "description": {"type": ["string", "null"]},
        "payload_schema": {"type": ["object", "null"]},
        "parameters_schema": {"type": ["object", "null"]},
        "tags": {"type": ["array", "null"]}
    }}"#,
);

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/triggertypes", get(list).post(create))
        .route("/triggertypes/{ref_or_id}", get(one).put(update).delete(remove))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<TriggerType>(&api.ports).await?;
    Ok(rows.answer(|kind| projection.apply(content::trigger_type(kind))))
}

async fn one(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let kind = lookup::by_ref_or_id::<TriggerType>(&api.ports, &ref_or_id).await?;
    Ok(shown(content::trigger_type(&kind.value)))
}

async fn create(State(api): State<Arc<Api>>, JsonBody(body): JsonBody) -> Answer {
    let kind = parse(body)?;
    match api.ports.repository().insert(&kind, None).await? {
        Inserted::New => {}
        Inserted::Exists | Inserted::Taken(_) => return Err(duplicate(&kind.uid(), kind.id)),
    }
    settle(&api, &kind).await?;
    Ok(created(content::trigger_type(&kind)))
}

async fn update(
    State(api): State<Arc<Api>>,
    Path(ref_or_id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let old = lookup::by_ref_or_id::<TriggerType>(&api.ports, &ref_or_id).await?.value;
    refuse_system_pack(old.reference.pack())?;
    let mut kind = parse(body)?;
    kind.metadata_file.clone_from(&old.metadata_file);
    let kinds = api.ports.repository::<TriggerType>();
    if kind.id == old.id {
        kinds.put(&kind).await?;
    } else {
        match kinds.insert(&kind, None).await? {
            Inserted::New => forget(&api, &old).await?,
            Inserted::Exists | Inserted::Taken(_) => return Err(duplicate(&kind.uid(), kind.id)),
        }
    }
    settle(&api, &kind).await?;
    Ok(shown(content::trigger_type(&kind)))
}

async fn remove(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let kind = lookup::by_ref_or_id::<TriggerType>(&api.ports, &ref_or_id).await?.value;
    refuse_system_pack(kind.reference.pack())?;
    forget(&api, &kind).await?;
    Ok(removed())
}

fn parse(body: Value) -> Result<TriggerType, Fault> {
    let members = TRIGGER_TYPE.check(body)?;
    let pack = text(&members, "pack").unwrap_or_default().to_owned();
    refuse_system_pack(&pack)?;
    let place = Place { pack: &pack, dir: FilePath::new(""), file: "" };
    parse_trigger_type(place, &Value::Object(members)).map_err(content_fault)
}

/// A type without parameters has one trigger of its own name.
async fn settle(api: &Api, kind: &TriggerType) -> Result<(), Fault> {
    if kind.parameters_schema.is_empty()
        && let Ok(trigger) = Trigger::of(&kind.reference, Object::new())
    {
        ensure_trigger(&api.ports, &trigger).await?;
    }
    api.wake(Topic::ContentChanged, kind.reference.pack()).await;
    Ok(())
}

/// Removes a type and the trigger of its name.
async fn forget(api: &Api, kind: &TriggerType) -> Result<(), Fault> {
    api.ports.repository::<TriggerType>().delete(kind.id).await?;
    if let Ok(trigger) = Trigger::of(&kind.reference, Object::new())
        && api.ports.repository::<Trigger>().delete(trigger.id).await?
    {
        api.wake(Topic::TriggerChanged, trigger.id).await;
    }
    api.wake(Topic::ContentChanged, kind.reference.pack()).await;
    Ok(())
}

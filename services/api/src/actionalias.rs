//! Action aliases, as content. Matching phrases is not here.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_content::parse::{Place, parse_alias};
use st2_http::{Fault, JsonBody, Params};
use st2_model::ActionAlias;
use st2_ports::{Inserted, Order, Topic};
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, created, duplicate, removed, shown};
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
        "enabled",
        "action_ref",
        "formats",
        "ack",
        "result",
        "extra",
        "immutable_parameters",
        "metadata_file",
    ],
    excludable: &[],
    keeps: &["id", "ref"],
};

static ALIAS: Form = Form::new(
    r#"{"type": "object", "properties": {
        "name": {"type": "string", "required": true},
        "pack": {"type": "string", "required": true},
        "action_ref": {"type": "string", "required": true},
        "formats": {"type": "array", "required": true},
        "description": {"type": ["string", "null"]},
        "enabled": {"type": "boolean"}
    }}"#,
);

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/actionalias", get(list).post(create))
        .route("/actionalias/{ref_or_id}", get(one).put(update).delete(remove))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<ActionAlias>(&api.ports).await?;
    Ok(rows.answer(|alias| projection.apply(content::alias(alias))))
}

async fn one(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let alias = lookup::by_ref_or_id::<ActionAlias>(&api.ports, &ref_or_id).await?;
    Ok(shown(content::alias(&alias.value)))
}

async fn create(State(api): State<Arc<Api>>, JsonBody(body): JsonBody) -> Answer {
    let alias = parse(body)?;
    insert(&api, &alias).await?;
    api.wake(Topic::ContentChanged, alias.reference.pack()).await;
    Ok(created(content::alias(&alias)))
}

async fn update(
    State(api): State<Arc<Api>>,
    Path(ref_or_id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let old = lookup::by_ref_or_id::<ActionAlias>(&api.ports, &ref_or_id).await?.value;
    let mut alias = parse(body)?;
    alias.metadata_file.clone_from(&old.metadata_file);
    if alias.id == old.id {
        api.ports.repository().put(&alias).await?;
    } else {
        insert(&api, &alias).await?;
        api.ports.repository::<ActionAlias>().delete(old.id).await?;
    }
    api.wake(Topic::ContentChanged, alias.reference.pack()).await;
    Ok(shown(content::alias(&alias)))
}

async fn remove(State(api): State<Arc<Api>>, Path(ref_or_id): Path<String>) -> Answer {
    let alias = lookup::by_ref_or_id::<ActionAlias>(&api.ports, &ref_or_id).await?.value;
    api.ports.repository::<ActionAlias>().delete(alias.id).await?;
    api.wake(Topic::ContentChanged, alias.reference.pack()).await;
    Ok(removed())
}

fn parse(body: Value) -> Result<ActionAlias, Fault> {
    let members = ALIAS.check(body)?;
    let pack = text(&members, "pack").unwrap_or_default().to_owned();
    let place = Place { pack: &pack, dir: FilePath::new(""), file: "" };
    parse_alias(place, &Value::Object(members)).map_err(content_fault)
}

async fn insert(api: &Api, alias: &ActionAlias) -> Result<(), Fault> {
    match api.ports.repository().insert(alias, None).await? {
        Inserted::New => Ok(()),
        Inserted::Exists | Inserted::Taken(_) => Err(duplicate(&alias.uid(), alias.id)),
    }
}

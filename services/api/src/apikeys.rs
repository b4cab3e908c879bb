//! API keys.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::Value;
use st2_access::hash_api_key;
use st2_http::{Caller, Fault, JsonBody, Params};
use st2_model::{ApiKey, MASK, Object, User};
use st2_ports::{Inserted, Versioned};
use st2_wire::access;

use crate::Api;
use crate::api::{Answer, created, removed, shown};
use crate::forms::{Form, object, text};
use crate::listing::{By, Listing};
use crate::lookup;

const LISTING: Listing = Listing {
    limit: Some(50),
    filters: &[("user", By::Text("user")), ("id", By::Id)],
    order: &[],
    members: &["id", "uid", "user", "key_hash", "metadata", "created_at", "enabled"],
    excludable: &[],
    keeps: &["id"],
};

static KEY: Form = Form::new(
    r#"{"type": "object", "properties": {
        "id": {"type": ["string", "null"]},
        "uid": {"type": ["string", "null"]},
        "user": {"type": "string"},
        "key_hash": {"type": ["string", "null"]},
        "metadata": {"type": "object"},
        "created_at": {"type": ["string", "null"]},
        "enabled": {"type": "boolean"}
    }, "additionalProperties": false}"#,
);

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/apikeys", get(list).post(create))
        .route("/apikeys/{id_or_key}", get(one).put(update).delete(remove))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let projection = LISTING.projection(&params)?;
    let rows = LISTING.question(&params)?.ask::<ApiKey>(&api.ports).await?;
    Ok(rows.answer(|key| projection.apply(access::api_key(key, show_secrets))))
}

async fn one(State(api): State<Arc<Api>>, Path(id_or_key): Path<String>, params: Params) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let key = find(&api, &id_or_key).await?.ok_or_else(|| {
        Fault::not_found(format!("ApiKey matching {id_or_key} for reference and id not found."))
    })?;
    Ok(shown(access::api_key(&key.value, show_secrets)))
}

async fn create(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody,
) -> Answer {
    let members = KEY.check(body)?;
    let user = text(&members, "user").unwrap_or(&caller.user);
    let enabled = members.get("enabled").and_then(Value::as_bool).unwrap_or(true);
    let metadata = object(&members, "metadata");
    let Some(hash) = text(&members, "key_hash") else {
        let new = api.credentials.issue_api_key(user, metadata, enabled).await?;
        tracing::info!(audit = true, by = caller.user, user, "API key made");
        return Ok(created(access::new_api_key(&new.record, Some(&new.key))));
    };
    let keys = api.ports.repository::<ApiKey>();
    if let Some(other) = keys.find_by("key_hash", hash).await? {
        let text = "Tried to save duplicate unique keys (key_hash)";
        return Err(Fault::conflict(text, other.value.id));
    }
    ensure_user(&api, user).await?;
    let now = api.ports.clock.now();
    let record = ApiKey {
        id: api.ports.ids.id(now),
        user: user.to_owned(),
        key_hash: hash.to_owned(),
        metadata,
        created_at: now,
        enabled,
    };
    keys.insert(&record, None).await?;
    tracing::info!(audit = true, by = caller.user, user, "API key made");
    Ok(created(access::new_api_key(&record, None)))
}

/// What is absent in the body stays as it is; the hash can not be changed.
async fn update(
    State(api): State<Arc<Api>>,
    Path(id_or_key): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let members = KEY.check(body)?;
    let mut key = find(&api, &id_or_key).await?.ok_or_else(|| missing(&id_or_key))?.value;
    if text(&members, "key_hash").is_some_and(|hash| hash != MASK && hash != key.key_hash) {
        return Err(Fault::bad_request("Update of key_hash is not allowed."));
    }
    if let Some(user) = text(&members, "user") {
        ensure_user(&api, user).await?;
        user.clone_into(&mut key.user);
    }
    if members.contains_key("metadata") {
        key.metadata = object(&members, "metadata");
    }
    key.enabled = members.get("enabled").and_then(Value::as_bool).unwrap_or(key.enabled);
    api.ports.repository().put(&key).await?;
    Ok(shown(access::api_key(&key, false)))
}

async fn remove(State(api): State<Arc<Api>>, Path(id_or_key): Path<String>) -> Answer {
    let key = find(&api, &id_or_key).await?.ok_or_else(|| missing(&id_or_key))?.value;
    api.ports.repository::<ApiKey>().delete(key.id).await?;
    tracing::info!(audit = true, user = key.user, "API key removed");
    Ok(removed())
}

async fn find(api: &Api, id_or_key: &str) -> Result<Option<Versioned<ApiKey>>, Fault> {
    let hash = hash_api_key(id_or_key);
    if let Some(found) = api.ports.repository::<ApiKey>().find_by("key_hash", &hash).await? {
        return Ok(Some(found));
    }
    lookup::find_by_id(&api.ports, id_or_key).await
}

async fn ensure_user(api: &Api, name: &str) -> Result<(), Fault> {
    let user = User {
        id: User::id_of(name),
        name: name.to_owned(),
        is_service: false,
        nicknames: Object::new(),
    };
    match api.ports.repository().insert(&user, None).await? {
        Inserted::New | Inserted::Exists | Inserted::Taken(_) => Ok(()),
    }
}

fn missing(id_or_key: &str) -> Fault {
    Fault::not_found(format!("ApiKey with key or id={id_or_key} not found."))
}

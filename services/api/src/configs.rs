//! Configs of packs and their schemas, for reading.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_http::{Fault, Params};
use st2_model::{Config, ConfigSchema};
use st2_ports::Order;
use st2_wire::content;

use crate::Api;
use crate::api::{Answer, shown};
use crate::listing::{By, Listing};

const LISTING: Listing = Listing {
    limit: Some(100),
    filters: &[("id", By::Id), ("pack", By::Text("pack"))],
    order: &[("pack", Order::Ascending)],
    members: &["id", "pack", "values", "attributes"],
    excludable: &[],
    keeps: &["id"],
};

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/configs", get(list))
        .route("/configs/{pack}", get(one))
        .route("/config_schemas", get(schemas))
        .route("/config_schemas/{pack}", get(schema))
}

async fn list(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let rows = LISTING.question(&params)?.ask::<Config>(&api.ports).await?;
    let mut list = Vec::with_capacity(rows.items.len());
    for config in &rows.items {
        list.push(show(&api, config, show_secrets).await?);
    }
    Ok(rows.with(list))
}

async fn one(State(api): State<Arc<Api>>, Path(pack): Path<String>, params: Params) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    let config = api.ports.repository::<Config>().get(Config::id_of(&pack)).await?;
    let config = config.ok_or_else(|| missing(&pack))?.value;
    Ok(shown(show(&api, &config, show_secrets).await?))
}

/// A config, masked by its pack's schema. Without a schema nothing is known to be secret.
async fn show(api: &Api, config: &Config, show_secrets: bool) -> Result<Value, Fault> {
    let mut config = config.clone();
    if !show_secrets {
        let id = ConfigSchema::id_of(&config.pack);
        let schema = api.ports.repository::<ConfigSchema>().get(id).await?;
        if let Some(schema) = schema {
            let attributes = &schema.value.attributes;
            st2_schema::mask_parameters(&mut config.values, &st2_model::Object::new(), attributes);
        }
    }
    Ok(content::config(&config))
}

async fn schemas(State(api): State<Arc<Api>>, params: Params) -> Answer {
    let rows = LISTING.question(&params)?.ask::<ConfigSchema>(&api.ports).await?;
    Ok(rows.answer(content::config_schema))
}

async fn schema(State(api): State<Arc<Api>>, Path(pack): Path<String>) -> Answer {
    let schema = api.ports.repository::<ConfigSchema>().get(ConfigSchema::id_of(&pack)).await?;
    Ok(shown(content::config_schema(&schema.ok_or_else(|| missing(&pack))?.value)))
}

fn missing(pack: &str) -> Fault {
    Fault::not_found(format!("Unable to identify resource with pack_ref \"{pack}\"."))
}

//! Configs of packs and their schemas. The file of a config is what counts, so a new one is written
//! there first.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::Value;
use st2_content::parse::parse_config;
use st2_expr::yaml;
use st2_http::{Fault, JsonBody, Params};
use st2_model::{Config, ConfigSchema, Pack};
use st2_ports::{Order, Topic};
use st2_wire::content;
use tokio::io::AsyncWriteExt as _;

use crate::Api;
use crate::api::{Answer, shown};
use crate::forms::content_fault;
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
        .route("/configs/{pack}", get(one).put(set))
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

/// The body is the values themselves.
async fn set(
    State(api): State<Arc<Api>>,
    Path(pack): Path<String>,
    params: Params,
    JsonBody(body): JsonBody,
) -> Answer {
    let show_secrets = api.shows_secrets(&params)?;
    if !body.is_object() {
        let shown = st2_schema::repr(&body);
        return Err(Fault::bad_request(format!("{shown} is not of type 'object'")));
    }
    let known = api.ports.repository::<Pack>().get(Pack::id_of(&pack)).await?;
    known.ok_or_else(|| missing(&pack))?;
    let schema = api.ports.repository::<ConfigSchema>().get(ConfigSchema::id_of(&pack)).await?;
    let file = api.registrar.settings().configs.join(format!("{pack}.yaml"));
    let schema = schema.map(|schema| schema.value);
    let config = parse_config(&pack, &file.display().to_string(), &body, schema.as_ref())
        .map_err(content_fault)?;
    write(&file, &body).await?;
    api.ports.repository().put(&config).await?;
    api.wake(Topic::ContentChanged, &pack).await;
    Ok(shown(show(&api, &config, show_secrets).await?))
}

/// Writes the file of a config, whole or not at all.
async fn write(file: &FilePath, values: &Value) -> Result<(), Fault> {
    let document = yaml::parse_document(&values.to_string());
    let document = document.map_err(|error| Fault::bad_request(error.to_string()))?;
    let text = yaml::emit(&document.value, &yaml::EmitOptions::default());
    let text = text.map_err(|error| Fault::bad_request(error.to_string()))?;
    let draft = file.with_extension("yaml.new");
    let failed = |error: std::io::Error| Fault::internal(&error);
    let mut options = tokio::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o640);
    let mut draft_file = options.open(&draft).await.map_err(failed)?;
    draft_file.write_all(text.as_bytes()).await.map_err(failed)?;
    draft_file.sync_all().await.map_err(failed)?;
    tokio::fs::rename(&draft, file).await.map_err(failed)
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

//! Making, changing and removing actions.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::{Path, State};
use serde_json::Value;
use st2_content::parse::{Place, parse_action};
use st2_http::{Fault, JsonBody};
use st2_model::{Action, Object};
use st2_ports::{Inserted, Replaced, Topic, Versioned};
use st2_wire::content;

use super::{files, runner_types};
use crate::Api;
use crate::api::{Answer, created, duplicate, refuse_system_pack, removed, shown};
use crate::forms::{Form, content_fault, flag, text};
use crate::lookup;

static ACTION: Form = Form::new(
    r#"{"type": "object", "properties": {
        "name": {"type": "string", "required": true},
        "runner_type": {"type": "string"},
        "pack": {"type": ["string", "null"]},
        "description": {"type": ["string", "null"]},
        "enabled": {"type": "boolean"},
        "entry_point": {"type": ["string", "null"]}
    }}"#,
);

static REMOVE: Form =
    Form::new(r#"{"type": "object", "properties": {"remove_files": {"type": "boolean"}}}"#);

pub(super) async fn create(State(api): State<Arc<Api>>, JsonBody(body): JsonBody) -> Answer {
    let action = store(&api, body, None).await?;
    Ok(created(content::action(&action)))
}

pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Path(ref_or_id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let old = lookup::by_ref_or_id::<Action>(&api.ports, &ref_or_id).await?;
    refuse_system_pack(old.value.reference.pack())?;
    let action = store(&api, body, Some(old)).await?;
    Ok(shown(content::action(&action)))
}

pub(super) async fn remove(
    State(api): State<Arc<Api>>,
    Path(ref_or_id): Path<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let members = REMOVE.check(body)?;
    let action = lookup::by_ref_or_id::<Action>(&api.ports, &ref_or_id).await?.value;
    let pack = action.reference.pack();
    refuse_system_pack(pack)?;
    if flag(&members, "remove_files") {
        files::remove(&api, &action).await?;
    }
    api.ports.repository::<Action>().delete(action.id).await?;
    api.wake(Topic::ContentChanged, pack).await;
    Ok(removed())
}

/// Stores what `body` says, in the place of `old` if there is one.
async fn store(api: &Api, body: Value, old: Option<Versioned<Action>>) -> Result<Action, Fault> {
    let mut members = ACTION.check(body)?;
    let kept = old.as_ref().map_or("default", |old| old.value.reference.pack());
    let pack = text(&members, "pack").filter(|pack| !pack.is_empty()).unwrap_or(kept).to_owned();
    members.insert("pack".to_owned(), pack.as_str().into());
    refuse_system_pack(&pack)?;
    let data_files = files::take_data_files(&mut members)?;
    let mut action = parse(api, &pack, members).await?;
    let dir = files::actions_dir(api, &pack)?;
    if let Some(old) = &old {
        action.metadata_file.clone_from(&old.value.metadata_file);
        action.content_version.clone_from(&old.value.content_version);
    }
    put(api, &action, old).await?;
    files::write(&dir, &data_files).await?;
    api.wake(Topic::ContentChanged, &pack).await;
    Ok(action)
}

async fn parse(api: &Api, pack: &str, members: Object) -> Result<Action, Fault> {
    let runners = runner_types(api).await?.into_iter().collect();
    let place = Place { pack, dir: FilePath::new(""), file: "" };
    parse_action(place, &Value::Object(members), &runners).map_err(content_fault)
}

async fn put(api: &Api, action: &Action, old: Option<Versioned<Action>>) -> Result<(), Fault> {
    let actions = api.ports.repository::<Action>();
    match old {
        Some(old) if old.value.id == action.id => {
            match actions.replace(action, old.revision, None).await? {
                Replaced::At(_) => Ok(()),
                Replaced::Stale | Replaced::Missing | Replaced::Taken(_) => {
                    Err(Fault::conflict("The action was changed by somebody else.", action.id))
                }
            }
        }
        old => match actions.insert(action, None).await? {
            Inserted::New => {
                if let Some(old) = old {
                    actions.delete(old.value.id).await?;
                    api.wake(Topic::ContentChanged, old.value.reference.pack()).await;
                }
                Ok(())
            }
            Inserted::Exists | Inserted::Taken(_) => Err(duplicate(&action.uid(), action.id)),
        },
    }
}

//! Files that belong to actions.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use st2_http::Fault;
use st2_model::{Action, Object, Pack};

use crate::Api;
use crate::forms::{Form, text};

static DATA_FILES: Form = Form::new(
    r#"{"type": "object", "properties": {
        "data_files": {"type": ["array", "null"], "items": {
            "type": "object",
            "properties": {
                "file_path": {"type": "string", "required": true},
                "content": {"type": "string", "required": true}
            },
            "additionalProperties": false
        }}
    }}"#,
);

/// A file that comes with the metadata of an action.
#[derive(Debug)]
pub(super) struct DataFile {
    path: PathBuf,
    content: String,
}

/// The directory of a pack's actions.
pub(super) fn actions_dir(api: &Api, pack: &str) -> Result<PathBuf, Fault> {
    let bases = &api.registrar.settings().base_paths;
    let found = bases.iter().map(|base| base.join(pack).join("actions")).find(|dir| dir.is_dir());
    found.ok_or_else(|| {
        let searched: Vec<String> = bases.iter().map(|base| base.display().to_string()).collect();
        Fault::bad_request(format!(
            "Content pack \"{pack}\" is not found or doesn't contain actions directory. Searched \
             in: {}",
            searched.join(", ")
        ))
    })
}

/// Takes the files out of the body of a request.
pub(super) fn take_data_files(body: &mut Object) -> Result<Vec<DataFile>, Fault> {
    let Some(given) = body.shift_remove("data_files") else { return Ok(Vec::new()) };
    let mut members = Object::new();
    members.insert("data_files".to_owned(), given);
    let members = DATA_FILES.check(Value::Object(members))?;
    let given = members.get("data_files").and_then(Value::as_array).into_iter().flatten();
    given
        .filter_map(Value::as_object)
        .map(|file| {
            let path = Path::new(text(file, "file_path").unwrap_or_default());
            let is_inside = path
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            if !is_inside || path.as_os_str().is_empty() {
                return Err(Fault::bad_request(format!(
                    "Invalid file path: \"{}\". File path needs to be relative to the pack \
                     actions directory. For example \"my_action.py\".",
                    path.display()
                )));
            }
            let content = text(file, "content").unwrap_or_default().to_owned();
            Ok(DataFile { path: path.to_owned(), content })
        })
        .collect()
}

/// Writes the files into the directory of a pack's actions.
pub(super) async fn write(dir: &Path, files: &[DataFile]) -> Result<(), Fault> {
    for file in files {
        let path = dir.join(&file.path);
        if let Some(parent) = path.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(|error| refused(&path, &error))?;
        }
        tokio::fs::write(&path, &file.content).await.map_err(|error| refused(&path, &error))?;
    }
    Ok(())
}

/// Removes the files of an action. Those that are gone already are passed over.
pub(super) async fn remove(api: &Api, action: &Action) -> Result<(), Fault> {
    let Some(dir) = pack_dir(api, action.reference.pack()).await? else { return Ok(()) };
    let entry_point = Some(dir.join("actions").join(&action.entry_point));
    let metadata = Some(dir.join(&action.metadata_file));
    let files = [
        entry_point.filter(|_| !action.entry_point.is_empty()),
        metadata.filter(|_| !action.metadata_file.is_empty()),
    ];
    for file in files.into_iter().flatten() {
        match tokio::fs::remove_file(&file).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(refused(&file, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The path of an action's code, when its pack is on disk.
pub(super) async fn entry_point(api: &Api, action: &Action) -> Result<Option<PathBuf>, Fault> {
    let dir = pack_dir(api, action.reference.pack()).await?;
    Ok(dir.map(|dir| dir.join("actions").join(&action.entry_point)))
}

async fn pack_dir(api: &Api, pack: &str) -> Result<Option<PathBuf>, Fault> {
    let found = api.ports.repository::<Pack>().get(Pack::id_of(pack)).await?;
    Ok(found.and_then(|pack| pack.value.path).map(PathBuf::from))
}

fn refused(path: &Path, error: &std::io::Error) -> Fault {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return Fault::forbidden(format!(
            "No permission to change \"{}\". Nothing of the action was changed.",
            path.display()
        ));
    }
    Fault::internal(error)
}

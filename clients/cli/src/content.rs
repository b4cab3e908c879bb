//! Documents from files: JSON or YAML, told apart by the name.

use std::path::Path;

use serde_json::Value;

use crate::failure::{Failure, Outcome};

/// Reads a file, named as it was typed and found from `directory`; every fault names it.
pub(crate) fn read(directory: &Path, name: &Path) -> Outcome<Value> {
    let (shown, path) = (name.display(), directory.join(name));
    let refuse = |reason: String| Failure::Operation(format!("File \"{shown}\": {reason}"));
    if !path.exists() {
        return Err(Failure::Operation(format!("File \"{shown}\" does not exist.")));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| refuse(error.to_string()))?;
    match path.extension().and_then(|kind| kind.to_str()) {
        Some("json") => serde_json::from_str(&text).map_err(|error| refuse(error.to_string())),
        Some("yaml" | "yml") => {
            st2_expr::yaml::parse(&text).map_err(|error| refuse(error.to_string()))
        }
        _ => Err(refuse("the name must end in .json, .yaml or .yml".to_owned())),
    }
}

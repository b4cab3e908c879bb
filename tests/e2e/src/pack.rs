//! Packs written by a test.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

/// Writes the files of one pack.
#[derive(Debug, Clone)]
pub struct PackWriter {
    folder: PathBuf,
}

impl PackWriter {
    /// The pack `name` in the directory `packs`, with its `pack.yaml`.
    pub(crate) fn new(packs: &Path, name: &str) -> Result<Self> {
        let pack = Self { folder: packs.join(name) };
        let head = json!({
            "ref": name, "name": name, "description": "Written by a test.", "version": "1.0.0",
            "author": "Tests", "email": "tests@example.com",
        });
        pack.file("pack.yaml", &head.to_string())
    }

    /// Where it stands.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes one file, whole or not at all, as a reader of a followed directory wants it.
    ///
    /// # Errors
    /// When it can not be written.
    pub fn file(self, path: &str, text: &str) -> Result<Self> {
        let target = self.folder.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        let aside = target.with_extension("new");
        fs::write(&aside, text)?;
        fs::rename(&aside, &target)?;
        Ok(self)
    }

    /// Writes `rules/<name>.yaml`. JSON is YAML.
    ///
    /// # Errors
    /// When it can not be written.
    pub fn rule(self, rule: &Value) -> Result<Self> {
        let name = rule.get("name").and_then(Value::as_str).unwrap_or("unnamed").to_owned();
        self.file(&format!("rules/{name}.yaml"), &rule.to_string())
    }

    /// Writes `actions/<name>.yaml`.
    ///
    /// # Errors
    /// When it can not be written.
    pub fn action(self, action: &Value) -> Result<Self> {
        let name = action.get("name").and_then(Value::as_str).unwrap_or("unnamed").to_owned();
        self.file(&format!("actions/{name}.yaml"), &action.to_string())
    }
}

/// A rule that runs `action` with `parameters` for every line appended to `file`.
#[must_use]
pub fn rule(pack: &str, name: &str, file: &Path, action: &str, parameters: Value) -> Value {
    json!({
        "name": name, "pack": pack, "enabled": true, "description": "Written by a test.",
        "trigger": {"type": "linux.file_watch.line", "parameters": {"file_path": file}},
        "action": {"ref": action, "parameters": parameters},
    })
}

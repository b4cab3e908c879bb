//! Runner metadata, shipped as YAML by the runner crates, and the set of runners of a process.

use std::collections::BTreeMap;

use serde_json::Value;
use st2_model::{Object, RunnerType};
use st2_schema::Field;

use super::action::{check_definitions, output_schema};
use crate::document;
use crate::fields::Fields;
use crate::problem::Fault;

/// The runner types of this process, by name.
#[derive(Debug, Clone, Default)]
pub struct RunnerTypes(BTreeMap<String, RunnerType>);

impl RunnerTypes {
    /// The runner type `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RunnerType> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &RunnerType> {
        self.0.values()
    }
}

impl FromIterator<RunnerType> for RunnerTypes {
    fn from_iter<I: IntoIterator<Item = RunnerType>>(runners: I) -> Self {
        let by_name = |runner: RunnerType| (runner.name.clone(), runner);
        Self(runners.into_iter().map(by_name).collect())
    }
}

/// Reads the metadata of one runner.
///
/// # Errors
/// When the text is no YAML, or the first member that is missing or does not fit.
pub fn parse_runner_type(yaml: &str) -> Result<RunnerType, Fault> {
    let document = document::read(yaml.as_bytes())?;
    runner_type(&Fields::of(&document.content)?)
}

/// Reads the metadata of several runners: a list, or one. Each alias makes a runner of its own.
///
/// # Errors
/// As [`parse_runner_type`].
pub fn parse_runner_types(yaml: &str) -> Result<Vec<RunnerType>, Fault> {
    let content = document::read(yaml.as_bytes())?.content;
    let entries = match content {
        Value::Array(entries) => entries,
        one => vec![one],
    };
    let mut runners = Vec::new();
    for entry in &entries {
        let fields = Fields::of(entry)?;
        let runner = runner_type(&fields)?;
        for alias in fields.texts("aliases")? {
            runners.push(RunnerType {
                id: RunnerType::id_of(&alias),
                name: alias,
                ..runner.clone()
            });
        }
        runners.push(runner);
    }
    Ok(runners)
}

fn runner_type(fields: &Fields<'_>) -> Result<RunnerType, Fault> {
    let name = fields.required_text("name")?;
    let module = fields.required_text("runner_module")?;
    let parameters = match fields.get("runner_parameters") {
        None => Object::new(),
        Some(definitions) => {
            check_definitions(Field::RunnerParameters, definitions)?;
            definitions.as_object().cloned().unwrap_or_default()
        }
    };
    fields.only(&[
        "name",
        "description",
        "enabled",
        "aliases",
        "runner_package",
        "runner_module",
        "runner_parameters",
        "output_key",
        "output_schema",
    ])?;
    Ok(RunnerType {
        id: RunnerType::id_of(name),
        name: name.to_owned(),
        description: fields.owned_text("description")?,
        enabled: fields.flag("enabled", true)?,
        runner_package: fields.text("runner_package")?.unwrap_or(module).to_owned(),
        runner_module: module.to_owned(),
        runner_parameters: parameters,
        output_key: fields.owned_text("output_key")?,
        output_schema: output_schema(fields)?,
    })
}

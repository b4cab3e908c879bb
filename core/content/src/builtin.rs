//! What exists without a pack on disk: internal trigger types, rule types and policy types.

use std::path::Path;

use serde_json::Value;
use st2_model::{PolicyType, RuleType, TriggerType};
use st2_schema::Field;

use crate::document;
use crate::fields::Fields;
use crate::parse::{Place, PolicyTypes, parse_trigger_type};
use crate::problem::Fault;

/// The pack of the internal trigger types.
pub const CORE_PACK: &str = "core";

/// The built-in content.
#[derive(Debug)]
pub struct Builtin {
    /// Internal trigger types.
    pub trigger_types: Vec<TriggerType>,
    /// Rule types.
    pub rule_types: Vec<RuleType>,
    /// Policy types.
    pub policy_types: Vec<PolicyType>,
    /// The policy types' schemas.
    pub compiled_policy_types: PolicyTypes,
}

impl Builtin {
    /// Reads what is built in.
    ///
    /// # Errors
    /// Never for a build whose tests pass.
    pub fn load() -> Result<Self, Fault> {
        let policy_types = entries(include_str!("../builtin/policy_types.yaml"), policy_type)?;
        Ok(Self {
            trigger_types: entries(include_str!("../builtin/trigger_types.yaml"), |entry| {
                let place = Place { pack: CORE_PACK, dir: Path::new(""), file: "" };
                parse_trigger_type(place, entry)
            })?,
            rule_types: entries(include_str!("../builtin/rule_types.yaml"), rule_type)?,
            compiled_policy_types: PolicyTypes::compile(&policy_types)?,
            policy_types,
        })
    }
}

fn entries<T>(yaml: &str, read: impl Fn(&Value) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    let content = document::read(yaml.as_bytes())?.content;
    content.as_array().into_iter().flatten().map(read).collect()
}

fn rule_type(entry: &Value) -> Result<RuleType, Fault> {
    let fields = Fields::of(entry)?;
    let name = fields.required_text("name")?;
    Ok(RuleType {
        id: RuleType::id_of(name),
        name: name.to_owned(),
        description: fields.required_text("description")?.to_owned(),
        enabled: true,
        parameters: fields.owned_object("parameters")?,
    })
}

fn policy_type(entry: &Value) -> Result<PolicyType, Fault> {
    let fields = Fields::of(entry)?;
    let name = fields.required_text("name")?;
    let resource_type = fields.required_text("resource_type")?;
    let parameters = fields.required("parameters")?;
    st2_schema::check_definitions(Field::Parameters, parameters)
        .map_err(|errors| Fault::new(name, format!("{errors:?}")))?;
    Ok(PolicyType {
        id: PolicyType::id_of(resource_type, name),
        name: name.to_owned(),
        description: fields.owned_text("description")?,
        resource_type: resource_type.to_owned(),
        enabled: true,
        module: fields.required_text("module")?.to_owned(),
        parameters: parameters.as_object().cloned().unwrap_or_default(),
    })
}

//! Policies.

use std::collections::BTreeMap;

use serde_json::Value;
use st2_model::{Policy, PolicyType};
use st2_schema::Schema;

use super::Place;
use crate::fields::{Fields, mistyped};
use crate::problem::Fault;

/// The policy types with their parameters' schemas, compiled once.
#[derive(Debug, Default)]
pub struct PolicyTypes(BTreeMap<String, Schema>);

impl PolicyTypes {
    /// The set of these types.
    ///
    /// # Errors
    /// When the parameter definitions of one are wrong.
    pub fn compile(kinds: &[PolicyType]) -> Result<Self, Fault> {
        let compile = |kind: &PolicyType| {
            Schema::for_resource(&kind.parameters)
                .map(|schema| (kind.reference(), schema))
                .map_err(|error| Fault::new(kind.reference(), error.to_string()))
        };
        kinds.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }
}

/// Reads a policy. The action need not exist; the policy type has to, and the defaults of its
/// parameters are filled in.
///
/// # Errors
/// The first member that is missing or does not fit.
pub fn parse_policy(
    place: Place<'_>,
    content: &Value,
    kinds: &PolicyTypes,
) -> Result<Policy, Fault> {
    let fields = Fields::of(content)?;
    place.check_pack(&fields)?;
    let name = fields.required_text("name")?;
    let resource_ref = fields.required_text("resource_ref")?;
    let policy_type = fields.required_text("policy_type")?;
    fields.only_shared_and(&["resource_ref", "policy_type", "parameters"])?;
    let parameters = parameters(&fields, policy_type, kinds)?;
    let reference = place.reference("name", name)?;
    Ok(Policy {
        id: Policy::id_of(&reference),
        reference,
        description: fields.owned_text("description")?,
        enabled: fields.flag("enabled", true)?,
        resource_ref: resource_ref.to_owned(),
        policy_type: policy_type.to_owned(),
        parameters,
        metadata_file: place.file.to_owned(),
    })
}

fn parameters(
    fields: &Fields<'_>,
    policy_type: &str,
    kinds: &PolicyTypes,
) -> Result<st2_model::Object, Fault> {
    let mut given = match fields.raw("parameters") {
        None => Value::Object(st2_model::Object::new()),
        Some(object @ Value::Object(_)) => object.clone(),
        Some(other) => return Err(mistyped("parameters", other, &["object"])),
    };
    let schema = kinds.0.get(policy_type).ok_or_else(|| {
        Fault::new("policy_type", format!("Referenced policy_type \"{policy_type}\" doesnt exist"))
    })?;
    schema.validate(&mut given).map_err(|errors| {
        let first = errors.into_iter().next();
        let fault = first.map_or_else(|| Fault::whole("the parameters are wrong"), Fault::from);
        let field = match fault.field.as_str() {
            "" => "parameters".to_owned(),
            path => format!("parameters.{path}"),
        };
        Fault::new(field, fault.reason)
    })?;
    match given {
        Value::Object(parameters) => Ok(parameters),
        other => Err(mistyped("parameters", &other, &["object"])),
    }
}

//! Rules. Which trigger a rule waits for is settled in [`crate::triggers`], which knows the trigger
//! types.

use serde_json::Value;
use st2_model::{Object, ResourceRef, Rule, RuleAction, RuleTypeSpec};

use super::Place;
use crate::fields::{Fields, mistyped};
use crate::problem::Fault;

/// The type of a rule that names none.
const STANDARD: &str = "standard";

/// A rule that has been read and whose trigger is not yet settled.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDraft {
    /// The rule; its `trigger` is empty.
    pub rule: Rule,
    /// The trigger type that it names.
    pub trigger_type: ResourceRef,
    /// The parameters that it gives.
    pub parameters: Object,
}

/// Reads a rule.
///
/// # Errors
/// The first member that is missing or does not fit.
pub fn parse_rule(place: Place<'_>, content: &Value) -> Result<RuleDraft, Fault> {
    let fields = Fields::of(content)?;
    place.check_pack(&fields)?;
    let name = fields.required_text("name")?;
    let (trigger_type, parameters) = trigger(&fields)?;
    let action = action(&fields)?;
    fields.only_shared_and(&["trigger", "criteria", "action", "type", "context", "tags"])?;
    let reference = place.reference("name", name)?;
    let rule = Rule {
        id: Rule::id_of(&reference),
        reference,
        description: fields.owned_text("description")?,
        kind: kind(&fields)?,
        trigger: String::new(),
        criteria: criteria(&fields)?,
        action,
        enabled: fields.flag("enabled", false)?,
        context: fields.owned_object("context")?,
        tags: fields.tags()?,
        metadata_file: place.file.to_owned(),
    };
    Ok(RuleDraft { rule, trigger_type, parameters })
}

fn trigger(fields: &Fields<'_>) -> Result<(ResourceRef, Object), Fault> {
    let trigger = Fields::within(fields.required("trigger")?, "trigger")?;
    let kind = trigger.required_text("type")?;
    let kind = kind.parse().map_err(|error| Fault::new("trigger.type", format!("{error}")))?;
    let parameters = match trigger.raw("parameters") {
        None => Object::new(),
        Some(Value::Object(parameters)) => parameters.clone(),
        Some(other) => return Err(mistyped("trigger.parameters", other, &["object"])),
    };
    Ok((kind, parameters))
}

fn action(fields: &Fields<'_>) -> Result<RuleAction, Fault> {
    let action = Fields::within(fields.required("action")?, "action")?;
    let reference = action.required_text("ref")?;
    action.only(&["ref", "parameters", "description"])?;
    Ok(RuleAction {
        reference: reference.to_owned(),
        parameters: action.owned_object("parameters")?,
    })
}

fn kind(fields: &Fields<'_>) -> Result<RuleTypeSpec, Fault> {
    let (reference, parameters) = match fields.raw("type") {
        None => (STANDARD, Object::new()),
        Some(kind) => {
            let kind = Fields::within(kind, "type")
                .map_err(|_| mistyped("type", kind, &["object", "null"]))?;
            (kind.required_text("ref")?, kind.owned_object("parameters")?)
        }
    };
    Ok(RuleTypeSpec { reference: reference.to_owned(), parameters })
}

/// Each criterion needs an operator that exists and a pattern, even where the operator takes none.
/// What stands in the pattern of a `search` is not looked at.
fn criteria(fields: &Fields<'_>) -> Result<Object, Fault> {
    let criteria = match fields.raw("criteria") {
        None => return Ok(Object::new()),
        Some(Value::Object(criteria)) => criteria,
        Some(other) => return Err(mistyped("criteria", other, &["object"])),
    };
    for (key, criterion) in criteria {
        let path = format!("criteria.{key}");
        let criterion = Fields::within(criterion, &path)?;
        let refuse = |reason: String| Err(Fault::new(path.as_str(), reason));
        let Some(operator) = criterion.get("type") else {
            return refuse(format!("Operator not specified for field: {key}"));
        };
        let shown = operator.as_str().map_or_else(|| operator.to_string(), str::to_owned);
        if !st2_rules::Operator::names().any(|name| name == shown) {
            let names: Vec<String> =
                st2_rules::Operator::names().map(|name| format!("'{name}'")).collect();
            return refuse(format!(
                "For field: {key}, operator {shown} not in list of allowed operators: [{}]",
                names.join(", ")
            ));
        }
        if criterion.get("pattern").is_none() {
            return refuse(format!("For field: {key}, no pattern specified for operator {shown}"));
        }
    }
    Ok(criteria.clone())
}

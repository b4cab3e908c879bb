//! Action aliases.

use serde_json::Value;
use st2_model::{ActionAlias, AliasFormat, ResourceRef};

use super::Place;
use crate::fields::{Fields, mistyped};
use crate::problem::Fault;

/// Reads an alias. The action need not exist.
///
/// # Errors
/// The first member that is missing or does not fit.
pub fn parse_alias(place: Place<'_>, content: &Value) -> Result<ActionAlias, Fault> {
    let fields = Fields::of(content)?;
    place.check_pack(&fields)?;
    let name = fields.required_text("name")?;
    let action_ref = fields.required_text("action_ref")?;
    fields.only_shared_and(&[
        "action_ref",
        "formats",
        "ack",
        "result",
        "extra",
        "immutable_parameters",
    ])?;
    if action_ref.parse::<ResourceRef>().is_err() {
        return Err(Fault::new("action_ref", format!("Invalid resource reference: {action_ref}")));
    }
    let reference = place.reference("name", name)?;
    Ok(ActionAlias {
        id: ActionAlias::id_of(&reference),
        reference,
        description: fields.owned_text("description")?,
        enabled: fields.flag("enabled", true)?,
        action_ref: action_ref.to_owned(),
        formats: formats(&fields)?,
        ack: fields.object("ack")?.cloned(),
        result: fields.object("result")?.cloned(),
        extra: fields.object("extra")?.cloned(),
        immutable_parameters: fields.object("immutable_parameters")?.cloned(),
        metadata_file: place.file.to_owned(),
    })
}

/// The phrases: each a text, or an object whose `representation` lists texts.
fn formats(fields: &Fields<'_>) -> Result<Vec<AliasFormat>, Fault> {
    fields.required("formats")?;
    let read = |(index, item): (usize, &Value)| {
        let path = format!("formats.{index}");
        match item {
            Value::String(text) => Ok(AliasFormat::Text(text.clone())),
            Value::Object(members) => {
                let detailed = Fields::within(item, &path)?;
                if let Some(phrases) = detailed.get("representation")
                    && !phrases.is_array()
                {
                    return Err(mistyped(&detailed.path("representation"), phrases, &["array"]));
                }
                detailed.texts("representation")?;
                Ok(AliasFormat::Detailed(members.clone()))
            }
            other => Err(mistyped(&path, other, &["string", "object"])),
        }
    };
    fields.list("formats")?.iter().enumerate().map(read).collect()
}

//! Trigger types, in files of their own and in the metadata of sensors.

use serde_json::Value;
use st2_model::TriggerType;

use super::Place;
use crate::fields::{Fields, mistyped};
use crate::problem::Fault;

/// Reads the content of a file in `triggers/`. Members that are not known are ignored.
///
/// # Errors
/// The first member that is missing or does not fit.
pub fn parse_trigger_type(place: Place<'_>, content: &Value) -> Result<TriggerType, Fault> {
    let fields = Fields::of(content)?;
    place.check_pack(&fields)?;
    trigger_type(place, &fields)
}

/// Reads a trigger type wherever it stands; its pack is that of the place.
pub(super) fn trigger_type(place: Place<'_>, fields: &Fields<'_>) -> Result<TriggerType, Fault> {
    let name = match fields.raw("name") {
        None => {
            let reason = "Invalid trigger type. Missing field \"name\"";
            return Err(Fault::new(fields.path("name"), reason));
        }
        Some(Value::String(name)) => name,
        Some(other) => return Err(mistyped(&fields.path("name"), other, &["string"])),
    };
    let reference = place.reference(&fields.path("name"), name)?;
    Ok(TriggerType {
        id: TriggerType::id_of(&reference),
        reference,
        description: Some(fields.owned_text("description")?.unwrap_or_default()),
        payload_schema: fields.owned_object("payload_schema")?,
        parameters_schema: fields.owned_object("parameters_schema")?,
        tags: fields.tags()?,
        metadata_file: Some(place.file.to_owned()).filter(|file| !file.is_empty()),
    })
}

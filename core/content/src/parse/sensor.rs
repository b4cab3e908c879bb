//! Sensor metadata.

use serde_json::{Number, Value};
use st2_expr::python::is_true;
use st2_model::{SensorType, TriggerType};
use st2_schema::repr;

use super::Place;
use super::trigger::trigger_type;
use crate::fields::{Fields, mistyped};
use crate::problem::Fault;

/// Polling more often than this is refused.
const POLL_INTERVAL_MIN: f64 = 4.0;

/// The pack whose sensors are named by their class alone.
const CORE: &str = "core";

/// What a sensor's file defines.
#[derive(Debug, Clone, PartialEq)]
pub struct SensorDraft {
    /// The sensor. Its digest is the caller's business, who has the files' bytes.
    pub sensor: SensorType,
    /// The trigger types that it brings along.
    pub trigger_types: Vec<TriggerType>,
    /// Path of its code, relative to the pack.
    pub code: String,
}

/// Reads the metadata of a sensor. Members that are not known are ignored.
///
/// # Errors
/// The first member that is missing or does not fit.
pub fn parse_sensor(place: Place<'_>, content: &Value) -> Result<SensorDraft, Fault> {
    let fields = Fields::of(content)?;
    place.check_pack(&fields)?;
    let name = fields.text("class_name")?.unwrap_or_default();
    let reference = place.reference("class_name", name)?;
    let entry_point = fields
        .text("entry_point")?
        .filter(|entry_point| !entry_point.is_empty())
        .ok_or_else(|| Fault::new("entry_point", "Sensor definition missing entry_point"))?;
    if entry_point.starts_with('/') {
        return Err(Fault::new(
            "entry_point",
            format!(
                "{} has to be relative to the directory of the sensor's metadata",
                repr(&Value::from(entry_point))
            ),
        ));
    }
    let poll_interval = poll_interval(&fields)?;
    let trigger_types = trigger_types(place, &fields)?;
    let folder = place.file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let code = match folder {
        "" => entry_point.to_owned(),
        folder => format!("{folder}/{entry_point}"),
    };
    let sensor = SensorType {
        id: SensorType::id_of(&reference),
        description: fields.owned_text("description")?,
        artifact_uri: format!("file://{}/{code}", place.dir.display()),
        entry_point: stored_entry_point(place.pack, &code, name),
        trigger_types: trigger_types.iter().map(|kind| kind.reference.to_string()).collect(),
        poll_interval,
        // StackStorm takes any value for this flag.
        enabled: fields.get("enabled").is_none_or(is_true),
        metadata_file: place.file.to_owned(),
        digest: String::new(),
        reference,
    };
    Ok(SensorDraft { sensor, trigger_types, code })
}

/// `<module path>.<Class>` of Python code; the path of anything else.
fn stored_entry_point(pack: &str, code: &str, class: &str) -> String {
    match code.strip_suffix(".py") {
        Some(_) if pack == CORE => class.to_owned(),
        Some(module) => format!("{}.{class}", module.replace('/', ".")),
        None => code.to_owned(),
    }
}

/// Whole seconds, fractions cut off. Zero passes, as in StackStorm, where it means "not polled".
fn poll_interval(fields: &Fields<'_>) -> Result<Option<Number>, Fault> {
    let Some(value) = fields.get("poll_interval") else {
        return Ok(None);
    };
    let Some(seconds) = value.as_f64() else {
        return Err(mistyped("poll_interval", value, &["number", "null"]));
    };
    if seconds < POLL_INTERVAL_MIN && seconds != 0.0 {
        return Err(Fault::new(
            "poll_interval",
            format!("Minimum possible poll_interval is {POLL_INTERVAL_MIN} seconds"),
        ));
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cutting off the fraction is meant; what is too large becomes the largest number"
    )]
    let whole = value.as_i64().unwrap_or(seconds as i64);
    Ok(Some(Number::from(whole)))
}

fn trigger_types(place: Place<'_>, fields: &Fields<'_>) -> Result<Vec<TriggerType>, Fault> {
    let read = |(index, entry): (usize, &Value)| {
        let path = format!("trigger_types.{index}");
        trigger_type(place, &Fields::within(entry, &path)?)
    };
    fields.list("trigger_types")?.iter().enumerate().map(read).collect()
}

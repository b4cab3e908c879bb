//! From the content of a file to the record it defines: pure functions, one file per kind.
//!
//! They take JSON, so that the API can hand them the bodies of requests; [`crate::document::read`]
//! makes that JSON of a file's text.

mod action;
mod alias;
mod config;
mod overrides;
mod pack;
mod policy;
mod rule;
mod runner;
mod sensor;
mod trigger;

pub use action::parse_action;
pub use alias::parse_alias;
pub use config::{check_config_values, parse_config, parse_config_schema};
pub use overrides::{OverrideFile, Overrides, Section, parse_overrides};
pub use pack::{pack_ref, parse_pack};
pub use policy::{PolicyTypes, parse_policy};
pub use rule::{RuleDraft, parse_rule};
pub use runner::{RunnerTypes, parse_runner_type, parse_runner_types};
pub use sensor::{SensorDraft, parse_sensor};
pub use trigger::parse_trigger_type;

use std::path::Path;

use serde_json::Value;
use st2_model::ResourceRef;
use st2_schema::repr;

use crate::fields::Fields;
use crate::problem::Fault;

/// Where a document stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The pack's directory name, which is the pack of everything in it.
    pub pack: &'a str,
    /// The pack's directory.
    pub dir: &'a Path,
    /// Path of the file relative to the pack; empty for what comes through the API.
    pub file: &'a str,
}

impl Place<'_> {
    /// Refuses a `pack` member that names another pack than the one the file is in.
    fn check_pack(&self, fields: &Fields<'_>) -> Result<(), Fault> {
        let named = match fields.get("pack") {
            None => return Ok(()),
            Some(Value::String(name)) if name.is_empty() || name == self.pack => return Ok(()),
            Some(Value::String(name)) => name.clone(),
            Some(other) => repr(other),
        };
        Err(Fault::new(
            fields.path("pack"),
            format!("Model is in pack \"{}\" but field \"pack\" is different: {named}", self.pack),
        ))
    }

    /// The ref of what the member `field` names.
    fn reference(&self, field: &str, name: &str) -> Result<ResourceRef, Fault> {
        ResourceRef::new(self.pack, name).map_err(|_| {
            Fault::new(
                field,
                format!(
                    "Both pack and name needed for building ref. pack={}, name={name}",
                    self.pack
                ),
            )
        })
    }
}

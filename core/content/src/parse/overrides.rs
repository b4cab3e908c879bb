//! Overrides: what an operator switches on or off without touching a pack.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fields::Fields;
use crate::problem::Fault;

/// The kinds of resources that can be switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// By class name.
    Sensors,
    /// By name.
    Actions,
    /// By name.
    Rules,
    /// By name.
    Aliases,
}

impl Section {
    const ALL: [Self; 4] = [Self::Sensors, Self::Actions, Self::Rules, Self::Aliases];

    const fn name(self) -> &'static str {
        match self {
            Self::Sensors => "sensors",
            Self::Actions => "actions",
            Self::Rules => "rules",
            Self::Aliases => "aliases",
        }
    }
}

/// One file of overrides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverrideFile {
    defaults: BTreeMap<Section, bool>,
    exceptions: BTreeMap<(Section, String), bool>,
}

/// Reads a file of overrides of the pack `pack`, or of `_global`.
///
/// # Errors
/// The first member that is not known or does not fit.
pub fn parse_overrides(pack: &str, content: &Value) -> Result<OverrideFile, Fault> {
    let mut file = OverrideFile::default();
    if super::pack::is_empty(content) {
        return Ok(file);
    }
    let sections = Fields::of(content)?;
    sections.only(&Section::ALL.map(Section::name))?;
    for section in Section::ALL {
        let Some(members) = sections.get(section.name()) else {
            continue;
        };
        let members = Fields::within(members, section.name())?;
        members.only(&["defaults", "exceptions"])?;
        if let Some(default) = enabled(&members, "defaults", pack)? {
            file.defaults.insert(section, default);
        }
        let path = members.path("exceptions");
        for (name, exception) in members.object("exceptions")?.into_iter().flatten() {
            let named = Fields::within(exception, &path)
                .map_err(|fault| Fault::new(format!("{path}.{name}"), fault.reason))?;
            if let Some(value) = switch(&named, pack)? {
                file.exceptions.insert((section, name.clone()), value);
            }
        }
    }
    Ok(file)
}

fn enabled(members: &Fields<'_>, name: &str, pack: &str) -> Result<Option<bool>, Fault> {
    let path = members.path(name);
    match members.get(name) {
        None => Ok(None),
        Some(value) => switch(&Fields::within(value, &path)?, pack),
    }
}

fn switch(members: &Fields<'_>, pack: &str) -> Result<Option<bool>, Fault> {
    members.only(&["enabled"]).map_err(|fault| {
        let key = members.first_but("enabled").unwrap_or_default();
        Fault::new(
            format!("{}.{key}", fault.field),
            format!("Override attempted with invalid default key {key} in pack {pack}"),
        )
    })?;
    match members.get("enabled") {
        None => Ok(None),
        Some(_) => members.flag("enabled", true).map(Some),
    }
}

/// What counts for one pack: the file for all packs, then its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `_global.yaml`; its exceptions name no pack and so count for nothing.
    pub global: OverrideFile,
    /// `<pack>.yaml`.
    pub pack: OverrideFile,
}

impl Overrides {
    /// What `enabled` becomes for a resource whose metadata says `stated`, if anything decides it.
    /// The flag tells whether that differs from the metadata, where silence means true.
    #[must_use]
    pub fn decide(
        &self,
        section: Section,
        name: &str,
        stated: Option<bool>,
    ) -> Option<(bool, bool)> {
        let decided = self
            .pack
            .exceptions
            .get(&(section, name.to_owned()))
            .or_else(|| self.pack.defaults.get(&section))
            .or_else(|| self.global.defaults.get(&section))?;
        Some((*decided, *decided != stated.unwrap_or(true)))
    }
}

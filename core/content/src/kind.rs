//! The kinds of content and where each stands in a pack.

/// A kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Runner types.
    Runners,
    /// Rule types.
    RuleTypes,
    /// Policy types.
    PolicyTypes,
    /// Trigger types in files of their own.
    Triggers,
    /// Sensors, with the trigger types that they bring along.
    Sensors,
    /// Actions.
    Actions,
    /// Rules.
    Rules,
    /// Aliases.
    Aliases,
    /// Policies.
    Policies,
    /// Configs of packs.
    Configs,
}

impl Kind {
    /// Every kind, in the order of registration.
    pub const ALL: [Self; 10] = [
        Self::Runners,
        Self::RuleTypes,
        Self::PolicyTypes,
        Self::Triggers,
        Self::Sensors,
        Self::Actions,
        Self::Rules,
        Self::Aliases,
        Self::Policies,
        Self::Configs,
    ];

    /// The name of the kind where things are counted, which for content is its directory as well.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Runners => "runners",
            Self::RuleTypes => "rule_types",
            Self::PolicyTypes => "policy_types",
            Self::Triggers => "triggers",
            Self::Sensors => "sensors",
            Self::Actions => "actions",
            Self::Rules => "rules",
            Self::Aliases => "aliases",
            Self::Policies => "policies",
            Self::Configs => "configs",
        }
    }

    /// The kind of what is in this directory of a pack.
    pub(crate) fn of_folder(folder: &str) -> Option<Self> {
        [Self::Triggers, Self::Sensors, Self::Actions, Self::Rules, Self::Aliases, Self::Policies]
            .into_iter()
            .find(|kind| kind.name() == folder)
    }

    /// The kind of a file, if it is metadata: YAML directly in one of the content directories.
    pub(crate) fn of_file(file: &str) -> Option<Self> {
        let (folder, name) = file.split_once('/')?;
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        let is_excluded = name.contains('/')
            || name.starts_with('.')
            || matches!(file, "actions/config.yaml" | "actions/config.yml");
        if !is_yaml || is_excluded {
            return None;
        }
        Self::of_folder(folder)
    }
}

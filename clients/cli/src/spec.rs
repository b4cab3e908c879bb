//! The resources of the API that need nothing but the common verbs: one table row each, what is
//! content of packs in `content.rs`, what happens in `events.rs`, who may do it in `people.rs`.

mod content;
mod events;
mod people;

/// What one group of commands works on.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Name of the group.
    pub(crate) name: &'static str,
    /// What several of them are called in help texts.
    pub(crate) many: &'static str,
    /// One line of help.
    pub(crate) about: &'static str,
    /// What one of them is called.
    pub(crate) one: &'static str,
    /// Path below the API.
    pub(crate) path: &'static str,
    pub(crate) list: List,
    pub(crate) get: Get,
    pub(crate) verbs: &'static [Verb],
    /// Shown at the end of the group's help.
    pub(crate) examples: &'static str,
}

/// How many are shown, and in which order, is decided per resource.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) attributes: &'static [&'static str],
    /// Whether the path ends in a slash.
    pub(crate) slash: bool,
    /// Whether the server is told which attributes are wanted.
    pub(crate) include: bool,
    /// Sent as they are.
    pub(crate) fixed: &'static [(&'static str, &'static str)],
    /// What a note about a cut list calls the items; none for lists that are never cut.
    pub(crate) paged: Option<&'static str>,
    pub(crate) filters: &'static [Filter],
    pub(crate) reversed: Reversed,
}

/// Whether a list is shown in the opposite order of the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reversed {
    Never,
    Always,
    /// Only as JSON or YAML.
    Machine,
}

#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) long: &'static str,
    pub(crate) short: Option<char>,
    pub(crate) query: &'static str,
    pub(crate) help: &'static str,
    /// For a switch: what is sent when it is given.
    pub(crate) sends: Option<&'static str>,
}

#[derive(Debug)]
pub(crate) struct Get {
    pub(crate) attributes: &'static [&'static str],
    pub(crate) order: &'static [&'static str],
}

impl Get {
    /// Everything, in this order.
    const fn all(order: &'static [&'static str]) -> Self {
        Self { attributes: ALL, order }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
    Enable,
    Disable,
}

/// Every group that the tables describe, in the order of the help.
pub(crate) fn all() -> impl Iterator<Item = &'static Spec> {
    content::SPECS.iter().chain(events::SPECS).chain(people::SPECS)
}

/// The group of that name.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    all().find(|spec| spec.name == name)
}

pub(super) const ALL: &[&str] = &["all"];
pub(super) const EVERY_VERB: &[Verb] =
    &[Verb::Create, Verb::Update, Verb::Delete, Verb::Enable, Verb::Disable];
pub(super) const CHANGES: &[Verb] = &[Verb::Create, Verb::Update, Verb::Delete];
pub(super) const SWITCH: &[Verb] = &[Verb::Enable, Verb::Disable];

pub(super) const fn filter(
    long: &'static str,
    short: Option<char>,
    query: &'static str,
    help: &'static str,
) -> Filter {
    Filter { long, short, query, help, sends: None }
}

pub(super) const PACK: Filter = filter("pack", Some('p'), "pack", "Only those of this pack");
pub(super) const AFTER: Filter = filter(
    "timestamp-gt",
    None,
    "timestamp_gt",
    "Only those after this time, such as 2026-01-01T12:00:00.000Z (also -tg)",
);
pub(super) const BEFORE: Filter =
    filter("timestamp-lt", None, "timestamp_lt", "Only those before this time (also -tl)");

pub(super) const PLAIN: List = List {
    attributes: ALL,
    slash: false,
    include: true,
    fixed: &[],
    paged: None,
    filters: &[],
    reversed: Reversed::Never,
};
/// Lists of what packs bring along.
const IN_PACKS: List =
    List { attributes: &["ref", "pack", "description", "enabled"], filters: &[PACK], ..PLAIN };

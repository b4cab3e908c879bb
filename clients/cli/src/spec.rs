//! The resources of the API that need nothing but the common verbs: one table row each.

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
    Enable,
    Disable,
}

const ALL: &[&str] = &["all"];
const EVERY_VERB: &[Verb] =
    &[Verb::Create, Verb::Update, Verb::Delete, Verb::Enable, Verb::Disable];
const CHANGES: &[Verb] = &[Verb::Create, Verb::Update, Verb::Delete];
const SWITCH: &[Verb] = &[Verb::Enable, Verb::Disable];

const fn filter(
    long: &'static str,
    short: Option<char>,
    query: &'static str,
    help: &'static str,
) -> Filter {
    Filter { long, short, query, help, sends: None }
}

const PACK: Filter = filter("pack", Some('p'), "pack", "Only those of this pack");
const AFTER: Filter = filter(
    "timestamp-gt",
    None,
    "timestamp_gt",
    "Only those after this time, such as 2026-01-01T12:00:00.000Z (also -tg)",
);
const BEFORE: Filter =
    filter("timestamp-lt", None, "timestamp_lt", "Only those before this time (also -tl)");

const PLAIN: List = List {
    attributes: ALL,
    slash: false,
    include: true,
    fixed: &[],
    paged: None,
    filters: &[],
    reversed: Reversed::Never,
};

/// Every group that the table describes.
pub(crate) const SPECS: &[Spec] = &[
    Spec {
        name: "action",
        many: "actions",
        about: "What can be run: list, show, run and change actions",
        one: "Action",
        path: "/actions",
        list: List { attributes: &["ref", "pack", "description"], filters: &[PACK], ..PLAIN },
        get: Get {
            attributes: ALL,
            order: &[
                "id",
                "uid",
                "ref",
                "pack",
                "name",
                "description",
                "enabled",
                "entry_point",
                "runner_type",
                "parameters",
            ],
        },
        verbs: EVERY_VERB,
        examples: "  st2 action list --pack=core\n  st2 action get core.local\n  st2 run core.local -h      what the action takes",
    },
    Spec {
        name: "rule",
        many: "rules",
        about: "Which triggers cause which actions",
        one: "Rule",
        path: "/rules",
        list: List {
            attributes: &["ref", "pack", "description", "enabled"],
            slash: true,
            paged: Some("rules"),
            filters: &[
                PACK,
                filter("action", Some('c'), "action", "Only rules that run this action"),
                filter("trigger", Some('g'), "trigger", "Only rules that wait for this trigger"),
                Filter {
                    sends: Some("True"),
                    ..filter("enabled", None, "enabled", "Only enabled rules")
                },
                Filter {
                    sends: Some("False"),
                    ..filter("disabled", None, "enabled", "Only disabled rules")
                },
                Filter {
                    sends: Some(""),
                    ..filter("iftt", None, "", "Show trigger and action of each rule")
                },
            ],
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &["id", "uid", "ref", "pack", "name", "description", "enabled"],
        },
        verbs: EVERY_VERB,
        examples: "  st2 rule list --iftt\n  st2 rule create rule.yaml\n  st2 rule disable examples.sample_rule",
    },
    Spec {
        name: "trigger",
        many: "trigger types",
        about: "Kinds of events that sensors report (trigger types)",
        one: "Trigger",
        path: "/triggertypes",
        list: List { attributes: &["ref", "pack", "description"], filters: &[PACK], ..PLAIN },
        get: Get {
            attributes: ALL,
            order: &[
                "id",
                "ref",
                "pack",
                "name",
                "description",
                "parameters_schema",
                "payload_schema",
            ],
        },
        verbs: CHANGES,
        examples: "  st2 trigger list --pack=core\n  st2 trigger get core.st2.IntervalTimer",
    },
    Spec {
        name: "trigger-instance",
        many: "trigger instances",
        about: "Events that happened",
        one: "TriggerInstance",
        path: "/triggerinstances",
        list: List {
            attributes: &["id", "trigger", "occurrence_time", "status"],
            slash: true,
            paged: Some("triggerinstances"),
            filters: &[
                filter("trigger", None, "trigger", "Only instances of this trigger"),
                AFTER,
                BEFORE,
                filter("status", None, "status", "Only instances in this status"),
            ],
            reversed: Reversed::Always,
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &["id", "trigger", "occurrence_time", "payload", "status"],
        },
        verbs: &[],
        examples: "  st2 trigger-instance list --trigger core.webhook -n 10\n  st2 trigger-instance re-emit ID",
    },
    Spec {
        name: "rule-enforcement",
        many: "rule enforcements",
        about: "What rules made of events",
        one: "RuleEnforcement",
        path: "/ruleenforcements",
        list: List {
            attributes: &["id", "rule.ref", "trigger_instance_id", "execution_id", "enforced_at"],
            slash: true,
            include: false,
            paged: Some("rule enforcements"),
            filters: &[
                filter(
                    "trigger-instance",
                    None,
                    "trigger_instance",
                    "Only those of this trigger instance",
                ),
                filter("execution", None, "execution", "Only those that caused this execution"),
                filter("rule", None, "rule_ref", "Only those of this rule"),
                Filter { query: "enforced_at_gt", ..AFTER },
                Filter { query: "enforced_at_lt", ..BEFORE },
            ],
            reversed: Reversed::Machine,
            ..PLAIN
        },
        get: Get {
            attributes: &[
                "id",
                "rule.ref",
                "trigger_instance_id",
                "execution_id",
                "failure_reason",
                "enforced_at",
            ],
            order: &[],
        },
        verbs: &[],
        examples: "  st2 rule-enforcement list --rule examples.sample_rule",
    },
    Spec {
        name: "sensor",
        many: "sensors",
        about: "What watches the outside world",
        one: "Sensor",
        path: "/sensortypes",
        list: List {
            attributes: &["ref", "pack", "description", "enabled"],
            filters: &[PACK],
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &[
                "id",
                "uid",
                "ref",
                "pack",
                "name",
                "enabled",
                "entry_point",
                "artifact_uri",
                "trigger_types",
            ],
        },
        verbs: SWITCH,
        examples: "  st2 sensor list\n  st2 sensor disable linux.FileWatchSensor",
    },
    Spec {
        name: "runner",
        many: "runners",
        about: "How actions are run",
        one: "Runner",
        path: "/runnertypes",
        list: List { attributes: &["id", "name", "description"], ..PLAIN },
        get: Get { attributes: ALL, order: &[] },
        verbs: SWITCH,
        examples: "  st2 runner get local-shell-cmd",
    },
    Spec {
        name: "pack",
        many: "packs",
        about: "Sets of content: list, show, register and install packs",
        one: "Pack",
        path: "/packs",
        list: List { attributes: &["ref", "name", "description", "version", "author"], ..PLAIN },
        get: Get {
            attributes: &["name", "version", "author", "email", "keywords", "description"],
            order: &[],
        },
        verbs: &[],
        examples: "  st2 pack list\n  st2 pack register examples\n  st2 pack install file:///home/me/my_pack",
    },
    Spec {
        name: "policy",
        many: "policies",
        about: "Limits on actions, such as how many run at once",
        one: "Policy",
        path: "/policies",
        list: List {
            attributes: &["ref", "resource_ref", "policy_type", "enabled"],
            slash: true,
            filters: &[
                PACK,
                filter("resource-ref", Some('r'), "resource_ref", "Only policies on this action"),
                filter("policy-type", None, "policy_type", "Only policies of this type (also -pt)"),
            ],
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &[
                "id",
                "ref",
                "pack",
                "name",
                "description",
                "enabled",
                "resource_ref",
                "policy_type",
                "parameters",
            ],
        },
        verbs: EVERY_VERB,
        examples: "  st2 policy list --resource-ref examples.deploy",
    },
    Spec {
        name: "policy-type",
        many: "policy types",
        about: "Kinds of policies",
        one: "Policy Type",
        path: "/policytypes",
        list: List {
            attributes: &["ref", "resource_type", "description"],
            slash: true,
            include: false,
            filters: &[filter(
                "resource-type",
                Some('r'),
                "resource_type",
                "Only types for this kind of resource",
            )],
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &["id", "ref", "resource_type", "name", "description", "enabled", "parameters"],
        },
        verbs: &[],
        examples: "  st2 policy-type list",
    },
    Spec {
        name: "action-alias",
        many: "action aliases",
        about: "Sentences that run actions from chat",
        one: "Action Alias",
        path: "/actionalias",
        list: List {
            attributes: &["ref", "pack", "description", "enabled"],
            filters: &[PACK],
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &[
                "id",
                "ref",
                "pack",
                "name",
                "description",
                "enabled",
                "action_ref",
                "formats",
            ],
        },
        verbs: CHANGES,
        examples: "  st2 action-alias list --pack=chatops",
    },
    Spec {
        name: "trace",
        many: "traces",
        about: "What belongs to one chain of events",
        one: "Trace",
        path: "/traces",
        list: List {
            attributes: &["id", "trace_tag", "start_timestamp"],
            slash: true,
            include: false,
            fixed: &[("sort_desc", "True")],
            paged: Some("traces"),
            filters: &[
                filter("trace-tag", Some('c'), "trace_tag", "Only traces with this tag"),
                filter("execution", Some('e'), "execution", "Only the trace of this execution"),
                filter("rule", Some('r'), "rule", "Only traces of this rule"),
                filter(
                    "trigger-instance",
                    Some('g'),
                    "trigger_instance",
                    "Only the trace of this trigger instance",
                ),
            ],
            reversed: Reversed::Machine,
        },
        get: Get {
            attributes: ALL,
            order: &[
                "id",
                "trace_tag",
                "start_timestamp",
                "action_executions",
                "rules",
                "trigger_instances",
            ],
        },
        verbs: &[],
        examples: "  st2 trace list -e EXECUTION-ID",
    },
    Spec {
        name: "timer",
        many: "timers",
        about: "Timers that rules wait for",
        one: "Timer",
        path: "/timers",
        list: List {
            attributes: &["id", "uid", "pack", "name", "type", "parameters"],
            slash: true,
            include: false,
            filters: &[filter(
                "timer-type",
                None,
                "timer_type",
                "Only timers of this type (also -ty)",
            )],
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &["id", "uid", "pack", "name", "type", "parameters", "description"],
        },
        verbs: &[],
        examples: "  st2 timer list",
    },
    Spec {
        name: "webhook",
        many: "webhooks",
        about: "Addresses that outside systems post to",
        one: "Webhook",
        path: "/webhooks",
        list: List { attributes: &["url", "type", "description"], filters: &[PACK], ..PLAIN },
        get: Get { attributes: ALL, order: &["id", "url", "type", "description", "parameters"] },
        verbs: &[],
        examples: "  st2 webhook list",
    },
    Spec {
        name: "apikey",
        many: "API keys",
        about: "Keys that programs use instead of a login",
        one: "API Key",
        path: "/apikeys",
        list: List {
            attributes: &["id", "user", "metadata"],
            include: false,
            filters: &[
                filter("user", Some('u'), "user", "Only keys of this user"),
                Filter {
                    sends: Some("True"),
                    ..filter("show-secrets", None, "show_secrets", "Show the hashes of the keys")
                },
            ],
            ..PLAIN
        },
        get: Get { attributes: ALL, order: &["id", "user", "metadata", "enabled"] },
        verbs: &[Verb::Delete, Verb::Enable, Verb::Disable],
        examples: "  st2 apikey create -u joe -k",
    },
    Spec {
        name: "inquiry",
        many: "inquiries",
        about: "Questions that workflows wait for an answer to",
        one: "Inquiry",
        path: "/inquiries",
        list: List {
            attributes: &["id", "roles", "users", "route", "ttl"],
            slash: true,
            include: false,
            paged: Some("inquiries"),
            reversed: Reversed::Always,
            ..PLAIN
        },
        get: Get { attributes: &["id", "roles", "users", "route", "ttl", "schema"], order: &[] },
        verbs: &[],
        examples: "  st2 inquiry respond ID -r '{\"continue\": true}'",
    },
    Spec {
        name: "role",
        many: "roles",
        about: "Sets of permissions",
        one: "Role",
        path: "/rbac/roles",
        list: List {
            attributes: &["id", "name", "system", "description"],
            slash: true,
            include: false,
            filters: &[Filter {
                sends: Some("True"),
                ..filter("system", Some('s'), "system", "Only roles that are built in")
            }],
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &["id", "name", "system", "description", "permission_grant_ids"],
        },
        verbs: &[],
        examples: "  st2 role list --system",
    },
    Spec {
        name: "role-assignment",
        many: "role assignments",
        about: "Who has which role",
        one: "Role Assignment",
        path: "/rbac/role_assignments",
        list: List {
            attributes: &["id", "role", "user", "is_remote", "source", "description"],
            slash: true,
            include: false,
            filters: &[
                filter("role", Some('r'), "role", "Only assignments of this role"),
                filter("user", Some('u'), "user", "Only assignments to this user"),
                filter("source", Some('s'), "source", "Only assignments from this source"),
                Filter {
                    sends: Some("True"),
                    ..filter(
                        "remote",
                        None,
                        "remote",
                        "Only assignments from groups of a directory",
                    )
                },
            ],
            ..PLAIN
        },
        get: Get {
            attributes: ALL,
            order: &["id", "role", "user", "is_remote", "source", "description"],
        },
        verbs: &[],
        examples: "  st2 role-assignment list -u joe",
    },
];

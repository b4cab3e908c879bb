//! What packs bring along.

use super::{ALL, CHANGES, EVERY_VERB, Filter, Get, List, PACK, PLAIN, SWITCH, Spec, filter};

pub(super) const SPECS: &[Spec] = &[
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
];

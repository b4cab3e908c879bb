//! What happens, and what waits for it.

use super::{AFTER, ALL, BEFORE, Filter, Get, List, PACK, PLAIN, Reversed, Spec, filter};

pub(super) const SPECS: &[Spec] = &[
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
];

//! Who may do what.

use super::{Filter, Get, List, PLAIN, Spec, Verb, filter};

pub(super) const SPECS: &[Spec] = &[
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
        get: Get::all(&["id", "user", "metadata", "enabled"]),
        verbs: &[Verb::Delete, Verb::Enable, Verb::Disable],
        examples: "  st2 apikey create -u joe -k",
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
        get: Get::all(&["id", "name", "system", "description", "permission_grant_ids"]),
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
        get: Get::all(&["id", "role", "user", "is_remote", "source", "description"]),
        verbs: &[],
        examples: "  st2 role-assignment list -u joe",
    },
];

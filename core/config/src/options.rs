//! Every option that is honoured: one line each, and the only place where defaults stand.

/// The form of an option's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// One of these, exactly.
    Choice(&'static [&'static str]),
    /// A decimal number.
    Integer,
    /// `true yes on 1` or `false no off 0`, in any case.
    Boolean,
    /// Items between commas.
    List,
}

/// One option.
#[derive(Debug)]
pub struct OptionSpec {
    /// The section, `DEFAULT` for none.
    pub section: &'static str,
    /// The name.
    pub name: &'static str,
    /// The form.
    pub kind: Kind,
    /// The text that stands when nobody set it.
    pub default: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn option(
    section: &'static str,
    name: &'static str,
    kind: Kind,
    default: &'static str,
    help: &'static str,
) -> OptionSpec {
    OptionSpec { section, name, kind, default, help }
}

use Kind::{Boolean, Choice, Integer, List, Text};

/// The options, by section.
pub static OPTIONS: &[OptionSpec] = &[
    option("DEFAULT", "debug", Boolean, "false", "Log everything of ours at DEBUG."),
    option("DEFAULT", "sensor_ref", Text, "", "The one sensor that a sensor container runs."),
    option("DEFAULT", "single_sensor_mode", Boolean, "false", "Run one sensor and exit with it."),
    option(
        "stormhost",
        "backend",
        Choice(&["embedded", "external"]),
        "embedded",
        "Where state lives: in the data directory, or in the servers of [database] and [messaging].",
    ),
    option(
        "stormhost",
        "data_dir",
        Text,
        "",
        "Directory of the embedded store; default: $XDG_DATA_HOME/stormhost.",
    ),
    option(
        "actionrunner",
        "workflows_pool_size",
        Integer,
        "40",
        "Workflows that one worker runs at a time.",
    ),
    option(
        "actionrunner",
        "actions_pool_size",
        Integer,
        "60",
        "Actions that one worker runs at a time.",
    ),
    option("actionrunner", "stream_output", Boolean, "true", "Store output while an action runs."),
    option(
        "actionrunner",
        "graceful_shutdown",
        Boolean,
        "true",
        "Wait for running executions on stop.",
    ),
    option("actionrunner", "exit_still_active_check", Integer, "300", "Seconds to wait for them."),
    option("api", "host", Text, "127.0.0.1", "Address to listen on."),
    option("api", "port", Integer, "9101", "Port to listen on; 0 takes a free one."),
    option(
        "api",
        "allow_origin",
        List,
        "http://127.0.0.1:3000",
        "Origins that browsers may call from.",
    ),
    option("api", "mask_secrets", Boolean, "true", "Mask secrets in answers."),
    option("api", "max_page_size", Integer, "100", "Most items of a page, for all but admins."),
    option("auth", "enable", Boolean, "true", "Ask every caller of the API for a credential."),
    option("auth", "host", Text, "127.0.0.1", "Address to listen on."),
    option("auth", "port", Integer, "9100", "Port to listen on; 0 takes a free one."),
    option("auth", "mode", Choice(&["standalone", "proxy"]), "standalone", "Who checks passwords."),
    option("auth", "backend", Text, "flat_file", "What checks passwords in standalone mode."),
    option("auth", "backend_kwargs", Text, "", "JSON object with the backend's arguments."),
    option(
        "auth",
        "proxy_secret",
        Text,
        "",
        "What the web server in front shows in X-Proxy-Secret, in proxy mode.",
    ),
    option("auth", "token_ttl", Integer, "86400", "Longest life of a user's token, seconds."),
    option(
        "auth",
        "service_token_ttl",
        Integer,
        "86400",
        "Life of a token for an action or sensor, seconds.",
    ),
    option(
        "auth",
        "api_url",
        Text,
        "",
        "URL of the API for actions and sensors; default: from [api].",
    ),
    option(
        "content",
        "system_packs_base_path",
        Text,
        "",
        "First directory of packs; default: the packs shipped.",
    ),
    option("content", "packs_base_paths", Text, "", "More directories of packs, between colons."),
    option("keyvalue", "enable_encryption", Boolean, "true", "Allow secret datastore items."),
    option("keyvalue", "encryption_key_path", Text, "", "JSON file with the datastore's key."),
    option("log", "mask_secrets", Boolean, "true", "Mask secrets in logs and answers."),
    option(
        "sensorcontainer",
        "sensor_node_name",
        Text,
        "sensornode1",
        "Name of this node for partitioning.",
    ),
    option(
        "sensorcontainer",
        "partition_provider",
        Text,
        "name:default",
        "Which sensors this node runs.",
    ),
    option(
        "sensorcontainer",
        "single_sensor_mode",
        Boolean,
        "false",
        "Run one sensor and exit with it.",
    ),
    option("system", "base_path", Text, "/opt/stackstorm", "Parent of configs/ and overrides/."),
    option(
        "system_user",
        "user",
        Text,
        "stanley",
        "Owner of what has no user; local actions run as this user by sudo.",
    ),
    option(
        "system",
        "validate_trigger_parameters",
        Boolean,
        "true",
        "Check the parameters of every trigger.",
    ),
    option(
        "system",
        "validate_trigger_payload",
        Boolean,
        "true",
        "Check the payload of every trigger instance.",
    ),
    option(
        "system",
        "validate_output_schema",
        Boolean,
        "false",
        "Check results against output schemas.",
    ),
    option(
        "webui",
        "webui_base_url",
        Text,
        "https://localhost",
        "Start of the links to executions.",
    ),
];

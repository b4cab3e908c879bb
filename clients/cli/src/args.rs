//! The command line: options shared by many commands here, commands with options of their own in
//! `args/`, plain resources from the table in `spec.rs`.
//!
//! The structs carry no doc comments: the parser would take them for the help of their command.

mod build;
mod execution;
mod extra;
mod login;
mod store;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(crate) use build::command;
pub(crate) use execution::{ExecutionList, Rerun, ResultView, Run, Tail};
pub(crate) use extra::{ApiKeyCreate, CloneAction, Inspect, Lookup, Respond, Sentence};
pub(crate) use login::{AuthArgs, LoginArgs};
pub(crate) use store::{KeyGet, KeyList, KeyLoad, KeySet, PackInstall, PackRegister};

// Options that stand before the command.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Global {
    /// Base address of all services; the standard ports are appended [env: ST2_BASE_URL]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Address of the API, version included [env: ST2_API_URL]
    #[arg(long, value_name = "URL")]
    pub(crate) api_url: Option<String>,
    /// Address of the authentication service [env: ST2_AUTH_URL]
    #[arg(long, value_name = "URL")]
    pub(crate) auth_url: Option<String>,
    /// Address of the event stream, version included [env: ST2_STREAM_URL]
    #[arg(long, value_name = "URL")]
    pub(crate) stream_url: Option<String>,
    /// Version of the API, v1 by default [env: ST2_API_VERSION]
    #[arg(long, value_name = "VERSION")]
    pub(crate) api_version: Option<String>,
    /// File of certificates to trust besides the system's, or "false" to trust anything
    /// [env: ST2_CACERT]
    #[arg(long, value_name = "PATH")]
    pub(crate) cacert: Option<String>,
    /// HTTP basic credentials for a proxy in front of the services
    #[arg(long, value_name = "USER:PASSWORD")]
    pub(crate) basic_auth: Option<String>,
    /// Configuration file, ~/.st2/config by default [env: ST2_CONFIG_FILE]
    #[arg(long, value_name = "PATH")]
    pub(crate) config_file: Option<PathBuf>,
    /// Print the effective configuration and exit with code 3
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Do not read the configuration file [env: ST2_CLI_SKIP_CONFIG]
    #[arg(long)]
    pub(crate) skip_config: bool,
    /// Tell each request on standard error, secrets masked
    #[arg(long)]
    pub(crate) debug: bool,
}

// Who asks.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct Identity {
    /// Token to use instead of the stored login [env: ST2_AUTH_TOKEN]
    #[arg(short, long)]
    pub(crate) token: Option<String>,
    /// API key to use instead of the stored login [env: ST2_API_KEY]
    #[arg(long)]
    pub(crate) api_key: Option<String>,
}

// How to print.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct Format {
    /// Print JSON
    #[arg(short, long)]
    pub(crate) json: bool,
    /// Print YAML
    #[arg(short, long)]
    pub(crate) yaml: bool,
    /// Print data only, as one document (json, yaml), one line per item (jsonl) or names
    #[arg(short = 'o', long = "output", value_name = "FORMAT", conflicts_with_all = ["json", "yaml"])]
    pub(crate) output: Option<Document>,
}

/// Formats without decorations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Document {
    Json,
    Yaml,
    Jsonl,
    Name,
}

// Columns of a list or properties of an item.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct Attributes {
    /// Attributes to show, dotted for nested ones; "all" for all of them
    #[arg(short, long, num_args = 1.., value_name = "NAME")]
    pub(crate) attr: Vec<String>,
}

// Widths of the columns of a list.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct Widths {
    /// Width of all columns, or one width per column
    #[arg(short, long, num_args = 1.., value_name = "N")]
    pub(crate) width: Vec<usize>,
}

// What every list takes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ListView {
    #[command(flatten)]
    pub(crate) attributes: Attributes,
    #[command(flatten)]
    pub(crate) widths: Widths,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

impl Format {
    /// Whether JSON or YAML was asked for.
    pub(crate) const fn is_plain_document(self) -> bool {
        self.json || self.yaml
    }

    /// Whether people read it: nothing else was asked for.
    pub(crate) const fn is_for_people(self) -> bool {
        !self.is_plain_document() && self.output.is_none()
    }
}

//! Options of `key` and `pack`.

use std::path::PathBuf;

use clap::Args;

use super::{Attributes, Format, Identity, ListView, Widths};

// `st2 key list`.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyList {
    /// Only items whose name starts like this
    #[arg(long)]
    pub(crate) prefix: Option<String>,
    /// Decrypt secrets (administrators and owners)
    #[arg(short, long)]
    pub(crate) decrypt: bool,
    /// Only items of this scope: system, user, all
    #[arg(short, long, default_value = "all")]
    pub(crate) scope: String,
    /// Items of this user (administrators only)
    #[arg(short, long)]
    pub(crate) user: Option<String>,
    /// Show N items, -1 for all
    #[arg(
        short = 'n',
        long,
        default_value_t = 50,
        allow_negative_numbers = true,
        value_name = "N"
    )]
    pub(crate) last: i64,
    #[command(flatten)]
    pub(crate) view: ListView,
}

// `st2 key get`.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyGet {
    /// Names of the items
    #[arg(required = true)]
    pub(crate) name: Vec<String>,
    /// Decrypt a secret
    #[arg(short, long)]
    pub(crate) decrypt: bool,
    /// Scope of the item: system or user
    #[arg(short, long, default_value = "system")]
    pub(crate) scope: String,
    #[command(flatten)]
    pub(crate) attributes: Attributes,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 key set`.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeySet {
    /// Name of the item
    pub(crate) name: String,
    /// Its value; "-" reads it from standard input; asked for when missing
    pub(crate) value: Option<String>,
    /// Encrypt the value before it is stored
    #[arg(short, long)]
    pub(crate) encrypt: bool,
    /// The value is encrypted already
    #[arg(long, conflicts_with = "encrypt")]
    pub(crate) encrypted: bool,
    /// Seconds after which the item is forgotten
    #[arg(short = 'l', long, value_name = "SECONDS")]
    pub(crate) ttl: Option<u64>,
    /// Scope of the item: system or user
    #[arg(short, long, default_value = "system")]
    pub(crate) scope: String,
    /// Owner of an item of scope user (administrators only)
    #[arg(short, long)]
    pub(crate) user: Option<String>,
    /// Take the value from this file
    #[arg(long, value_name = "PATH", conflicts_with = "value")]
    pub(crate) from_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 key load`.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyLoad {
    /// JSON or YAML file with an item or a list of items: name, value, scope, user, secret, ttl
    pub(crate) file: PathBuf,
    /// Store values that are no text as JSON
    #[arg(short, long)]
    pub(crate) convert: bool,
    #[command(flatten)]
    pub(crate) widths: Widths,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 pack install` and `st2 pack remove`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PackInstall {
    /// Names, addresses or directories of packs
    #[arg(required = true)]
    pub(crate) packs: Vec<String>,
    /// Install although the pack does not support this version
    #[arg(long)]
    pub(crate) force: bool,
    /// Leave the packs it depends on alone
    #[arg(long)]
    pub(crate) skip_dependencies: bool,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 pack register`.
#[derive(Args, Clone, Debug)]
pub(crate) struct PackRegister {
    /// Packs to register, all by default
    pub(crate) packs: Vec<String>,
    /// Kinds of content to register, all by default
    #[arg(long, num_args = 1..)]
    pub(crate) types: Vec<String>,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

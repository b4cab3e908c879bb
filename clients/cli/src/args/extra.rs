//! Options of commands that one group has and no other.

use std::path::PathBuf;

use clap::Args;

use super::{Format, Identity};

// `st2 action clone`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CloneAction {
    /// Reference or id of the action to copy
    pub(crate) source: String,
    /// Pack of the copy
    pub(crate) dest_pack: String,
    /// Name of the copy
    pub(crate) dest_action: String,
    /// Replace an action of that name without asking
    #[arg(short, long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 action-alias match` and `st2 action-alias execute`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Sentence {
    /// What one would write in chat
    pub(crate) command: String,
    /// Run in the name of this user (only for execute, administrators only)
    #[arg(short, long)]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 apikey create`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApiKeyCreate {
    /// User the key stands for; whoever asks by default
    #[arg(short, long)]
    pub(crate) user: Option<String>,
    /// Notes to keep with the key, as a JSON object
    #[arg(short, long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
    /// Print the bare key
    #[arg(short = 'k', long)]
    pub(crate) only_key: bool,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 inquiry respond`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Respond {
    /// The inquiry
    pub(crate) id: String,
    /// The answer, as a JSON object that fits the inquiry's schema
    #[arg(short, long, value_name = "JSON")]
    pub(crate) response: String,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 workflow inspect`.
#[derive(Args, Clone, Debug)]
#[group(id = "definition", required = true, multiple = false, args = ["file"])]
pub(crate) struct Inspect {
    /// File with the definition of a workflow
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

// `st2 pack show` and `st2 pack search`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Lookup {
    /// Name of a pack, or text to look for
    pub(crate) query: String,
    #[command(flatten)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) identity: Identity,
}

//! Options of `auth` and `login`.

use clap::Args;

use super::Format;

// `st2 auth`.
#[derive(Args, Clone, Debug)]
pub(crate) struct AuthArgs {
    /// Name of the user
    pub(crate) username: String,
    /// Password; asked for when missing
    #[arg(short, long)]
    pub(crate) password: Option<String>,
    /// Seconds the token shall live; the server sets a maximum
    #[arg(short = 'l', long, value_name = "SECONDS")]
    pub(crate) ttl: Option<u64>,
    /// Print the bare token
    #[arg(short = 't', long)]
    pub(crate) only_token: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

// `st2 login`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LoginArgs {
    /// Name of the user
    pub(crate) username: String,
    /// Password; asked for when missing
    #[arg(short, long)]
    pub(crate) password: Option<String>,
    /// Seconds the login shall last; the server sets a maximum
    #[arg(short = 'l', long, value_name = "SECONDS")]
    pub(crate) ttl: Option<u64>,
    /// Keep the password in the configuration file, so that logins renew themselves
    #[arg(short, long)]
    pub(crate) write_password: bool,
}

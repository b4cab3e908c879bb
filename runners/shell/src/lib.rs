//! The runners `local-shell-cmd` and `local-shell-script`.
//!
//! What a command is made of is computed in `args.rs` and `command.rs`, what its end means in
//! `outcome.rs`, both without any I/O; `run.rs` starts it and ends it. Invariants:
//!
//! - a command that is canceled or takes too long is ended with everything in its process group:
//!   first asked, then killed;
//! - a password for sudo goes through standard input, never through arguments or environment;
//! - of each output stream at most [`ShellConfig::output_bytes_max`] is kept in memory and in the
//!   result; what is beyond is counted in a note at the end. The stream of output is not affected;
//! - known secrets and the token are masked in everything a command prints;
//! - processes that a command leaves in the background live on, as StackStorm's do, unless the
//!   command was ended by us.
//!
//! Read first: `run.rs`.

mod args;
mod capture;
mod command;
mod outcome;
mod run;
mod secrets;
mod worktree;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use st2_runner::{Outcome, RunContext, Runner};

/// What the configuration says about local commands.
#[derive(Debug, Clone)]
pub struct ShellConfig {
    /// `[system_user] user`: as whom commands run. Sudo is used to become this user, unless it is
    /// the process's own.
    pub system_user: String,
    /// The user of this process.
    pub process_user: String,
    /// How much of each output stream is kept.
    pub output_bytes_max: usize,
}

impl ShellConfig {
    /// Commands run as `system_user`, from a process of `process_user`.
    #[must_use]
    pub fn new(system_user: &str, process_user: &str) -> Self {
        Self {
            system_user: system_user.to_owned(),
            process_user: process_user.to_owned(),
            output_bytes_max: 64 * 1024 * 1024,
        }
    }
}

/// Runs command lines and scripts on this machine.
#[derive(Debug, Clone)]
pub struct LocalShell {
    config: ShellConfig,
}

impl LocalShell {
    /// The runner.
    #[must_use]
    pub const fn new(config: ShellConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl Runner for LocalShell {
    fn names(&self) -> &'static [&'static str] {
        &["local-shell-cmd", "local-shell-script"]
    }

    fn metadata(&self) -> &'static str {
        include_str!("metadata.yaml")
    }

    fn needs_token(&self) -> bool {
        true
    }

    async fn run(&self, context: RunContext) -> Outcome {
        match run::run(&self.config, context).await {
            Ok(outcome) => outcome,
            Err(reason) => Outcome::error(reason),
        }
    }
}

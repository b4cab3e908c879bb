//! The text that is given to `/bin/sh -c`.

use crate::args::quote;

/// As whom a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunAs<'a> {
    /// Whether as root, through sudo.
    pub(crate) sudo: bool,
    /// Whether sudo reads a password on standard input.
    pub(crate) with_password: bool,
    /// The system user, in whose name actions run.
    pub(crate) system_user: &'a str,
    /// The user of this process.
    pub(crate) process_user: &'a str,
}

impl RunAs<'_> {
    /// Whether sudo is part of the command.
    #[must_use]
    pub(crate) fn needs_sudo(&self) -> bool {
        self.sudo || self.system_user != self.process_user
    }

    /// `command` as it is given to the shell.
    #[must_use]
    pub(crate) fn shell_text(&self, command: &str) -> String {
        if !self.needs_sudo() {
            return command.to_owned();
        }
        let password = if self.with_password { "-S " } else { "" };
        let user =
            if self.sudo { String::new() } else { format!("-H -u {} ", quote(self.system_user)) };
        format!("sudo {password}-E {user}-- bash -c {}", quote(command))
    }
}

/// The command that runs a script with these arguments.
#[must_use]
pub(crate) fn script(path: &str, arguments: &str) -> String {
    if arguments.is_empty() {
        return quote(path);
    }
    format!("{} {arguments}", quote(path))
}

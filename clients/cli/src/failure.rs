//! Why a command ends early, and with which exit code.

use std::error::Error;
use std::io;

use crate::params::ParamError;
use crate::settings::SettingsError;

pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// One failure of one command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The server or the way to it.
    #[error(transparent)]
    Api(#[from] st2_client::Error),
    /// An argument of an action.
    #[error(transparent)]
    Params(#[from] ParamError),
    /// The configuration file, the environment or a stored token.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A value that cannot be used, or a state that does not fit.
    #[error("{0}")]
    Refused(String),
    /// Creating, updating or configuring something did not work: exit code 2.
    #[error("{0}")]
    Operation(String),
    /// The command line is wrong in a way the parser cannot see: exit code 2, on standard error.
    #[error("{0}")]
    Usage(String),
    /// All has been said; only the exit code is left.
    #[error("exit code {0}")]
    Exit(u8),
    /// The reader of our output went away, or the disk is full.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Operation(_) | Self::Usage(_) => 2,
            Self::Exit(code) => *code,
            _ => 1,
        }
    }

    /// The reader closed its end (`st2 execution list | head`).
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The text with all its causes.
    pub(crate) fn explain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            cause = error.source();
        }
        text
    }
}

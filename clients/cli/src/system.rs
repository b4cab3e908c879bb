//! What the command sees of the machine it runs on.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

const FALLBACK_WIDTH: usize = 150;

/// Asks the person at the terminal.
pub trait Prompt {
    /// Reads one line; `secret` lines are not shown while they are typed.
    ///
    /// # Errors
    /// If there is nobody to ask.
    fn ask(&mut self, question: &str, secret: bool) -> io::Result<String>;
    /// Reads all that is piped in.
    ///
    /// # Errors
    /// If it cannot be read as UTF-8 text.
    fn piped(&mut self) -> io::Result<String>;
}

/// The process around a command: environment, clock, terminal, streams.
pub struct System<'a> {
    /// Environment variables that are valid text.
    pub env: BTreeMap<String, String>,
    /// Wall clock.
    pub now: fn() -> Timestamp,
    /// Working directory.
    pub directory: PathBuf,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Columns of the terminal, if there is one.
    pub columns: Option<usize>,
    /// Data and, in the old forms, errors.
    pub out: &'a mut dyn Write,
    /// Notes and, in the new forms, errors.
    pub err: &'a mut dyn Write,
    /// Where answers to questions come from.
    pub prompt: &'a mut dyn Prompt,
}

impl System<'_> {
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        self.env.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// `COLUMNS`, else the terminal's, else wide enough for anything.
    pub(crate) fn width(&self) -> usize {
        let asked = self.variable("COLUMNS").and_then(|text| text.parse().ok());
        asked.filter(|columns| *columns > 0).or(self.columns).unwrap_or(FALLBACK_WIDTH)
    }

    /// The directory `~/.st2`.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").map(|home| Path::new(&home).join(".st2"))
    }

    /// `ST2_CLI_COMPAT=0`: errors and progress leave standard output to the data.
    pub(crate) fn is_clean(&self) -> bool {
        self.variable("ST2_CLI_COMPAT").is_some_and(|value| value == "0")
    }
}

//! The text of the configuration, with the place each value came from.

use std::fmt;
use std::path::PathBuf;

use indexmap::IndexMap;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// An environment variable.
    Environment(String),
    /// A flag.
    CommandLine(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::CommandLine(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// Why a configuration can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A line that is no section, assignment, comment or continuation.
    #[error("{origin}: {reason}")]
    Syntax {
        /// The line.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
    /// A value of the wrong form.
    #[error("Value for option {option} from {origin} is not valid: {reason}")]
    Value {
        /// `section.option`.
        option: String,
        /// Where it came from.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
}

/// Values as written. Later additions win.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    values: IndexMap<(String, String), (String, Origin)>,
}

impl Raw {
    /// Adds what a file says.
    ///
    /// # Errors
    /// [`ConfigError::Syntax`], naming file and line.
    pub fn add_file(&mut self, path: &std::path::Path, text: &str) -> Result<(), ConfigError> {
        let mut section: Option<String> = None;
        let mut last: Option<(String, String)> = None;
        for (number, line) in text.lines().enumerate() {
            let origin = Origin::File(path.to_owned(), number + 1);
            let syntax = |reason: &str| ConfigError::Syntax {
                origin: origin.clone(),
                reason: reason.to_owned(),
            };
            if line.trim().is_empty() || line.starts_with(['#', ';']) {
                last = None;
            } else if line.starts_with(char::is_whitespace) {
                let key = last.as_ref().ok_or_else(|| syntax("a continuation of nothing"))?;
                if let Some((value, _)) = self.values.get_mut(key) {
                    value.push('\n');
                    value.push_str(line.trim());
                }
            } else if let Some(rest) = line.strip_prefix('[') {
                let name = rest.trim_end().strip_suffix(']');
                let name = name.filter(|name| !name.is_empty());
                section =
                    Some(section_name(name.ok_or_else(|| syntax("\"[section]\" is expected"))?));
                last = None;
            } else {
                let (key, value) = line
                    .find(['=', ':'])
                    .and_then(|at| Some((line.get(..at)?, line.get(at + 1..)?)))
                    .ok_or_else(|| syntax("\"option = value\" is expected"))?;
                let section = section.clone();
                let section =
                    section.ok_or_else(|| syntax("an option before the first section"))?;
                let key = (section, key.trim().to_owned());
                last = Some(key.clone());
                self.values.insert(key, (value.trim().to_owned(), origin));
            }
        }
        Ok(())
    }

    /// Adds the variables `ST2_<SECTION>__<OPTION>`.
    pub fn add_environment(&mut self, variables: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in variables {
            let Some((section, option)) =
                name.strip_prefix("ST2_").and_then(|rest| rest.split_once("__"))
            else {
                continue;
            };
            let section =
                if section == "DEFAULT" { section.to_owned() } else { section.to_lowercase() };
            let key = (section, option.to_lowercase());
            self.values.insert(key, (value, Origin::Environment(name)));
        }
    }

    /// Adds what a flag says.
    pub fn add_flag(&mut self, section: &str, option: &str, value: String, flag: &'static str) {
        let key = (section.to_owned(), option.to_owned());
        self.values.insert(key, (value, Origin::CommandLine(flag)));
    }

    /// The text of an option and where it came from; quotes around the whole are removed from
    /// what a file says.
    #[must_use]
    pub fn get(&self, section: &str, option: &str) -> Option<(&str, &Origin)> {
        let (text, origin) = self.values.get(&(section.to_owned(), option.to_owned()))?;
        let text = match origin {
            Origin::File(..) => unquoted(text),
            _ => text,
        };
        Some((text, origin))
    }
}

fn section_name(text: &str) -> String {
    if text == "DEFAULT" { text.to_owned() } else { text.to_lowercase() }
}

fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

//! The lists of deliberate differences: an id, a tab, a reason.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// The ids that differ on purpose, with the reasons.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Differences(BTreeMap<String, String>);

impl Differences {
    /// A file that is not there is an empty list.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let named = |problem: String| format!("{}: {problem}", path.display());
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text).map_err(named),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(named(error.to_string())),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut listed = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let (id, reason) = line
                .split_once('\t')
                .filter(|(id, reason)| !id.trim().is_empty() && !reason.trim().is_empty())
                .ok_or_else(|| format!("line {number} is not an id, a tab and a reason"))?;
            if listed.insert(id.to_owned(), reason.to_owned()).is_some() {
                return Err(format!("line {number}: {id} is listed twice"));
            }
        }
        Ok(Self(listed))
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// The ids, in order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

//! What is wrong with a file, as a value: one bad file never stops the others.

use std::fmt;

/// What is wrong with one file of one pack.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub struct Problem {
    /// The pack's directory name; empty when no pack is concerned.
    pub pack: String,
    /// Path relative to the pack, or the whole path of a file outside of packs.
    pub file: String,
    /// The member at fault, dotted; empty when it is the whole file.
    pub field: String,
    /// What is wrong and, where it is not obvious, what would be right.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pack.is_empty(), self.field.is_empty()) {
            (false, false) => write!(f, "pack \"{}\", {}, {}: ", self.pack, self.file, self.field)?,
            (false, true) => write!(f, "pack \"{}\", {}: ", self.pack, self.file)?,
            (true, false) => write!(f, "{}, {}: ", self.file, self.field)?,
            (true, true) => write!(f, "{}: ", self.file)?,
        }
        f.write_str(&self.reason)
    }
}

/// What is wrong with one member of one document, wherever the document came from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Fault {
    /// The member at fault, dotted; empty when it is the whole document.
    pub field: String,
    /// What is wrong. The texts are those that StackStorm's users know.
    pub reason: String,
}

impl Fault {
    /// A fault of the member `field`.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }

    /// A fault of the document as a whole.
    pub fn whole(reason: impl Into<String>) -> Self {
        Self::new("", reason)
    }

    /// This fault, found in `file` of `pack`.
    #[must_use]
    pub fn in_file(self, pack: &str, file: &str) -> Problem {
        Problem {
            pack: pack.to_owned(),
            file: file.to_owned(),
            field: self.field,
            reason: self.reason,
        }
    }
}

impl From<st2_schema::SchemaError> for Fault {
    fn from(error: st2_schema::SchemaError) -> Self {
        Self::new(error.path.to_string(), error.message)
    }
}

//! Documents made into text. Pure: what the terminal can do and what time it is comes in.

pub(crate) mod colour;
pub(crate) mod execution;
pub(crate) mod json;
pub(crate) mod list;
mod number;
pub(crate) mod path;
pub(crate) mod schema;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod wrap;
pub(crate) mod yaml;

#[cfg(test)]
mod tests;

use colour::Palette;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What the look of a document depends on besides the document.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) palette: Palette,
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
    /// Whether a status tells how long it took.
    pub(crate) durations: bool,
    /// Columns of the terminal.
    pub(crate) width: usize,
}

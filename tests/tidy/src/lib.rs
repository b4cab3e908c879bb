//! The rules of the repository, as tests: layers, libraries and who may use them, duplicate
//! versions, licences, sizes, words.
//!
//! Every list of exemptions here may only shrink: an entry that is no longer needed fails.

#[cfg(test)]
mod files;
#[cfg(test)]
mod graph;

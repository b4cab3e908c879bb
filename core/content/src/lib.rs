//! Content: packs on disk become records in the store.
//!
//! Reading is pure ([`parse`]): from the text of a file to a record, with every fault a value that
//! names file, field and reason. [`Registrar`] makes the store say what the directories say, and
//! [`ContentService`] keeps it so while files change. Invariants: one bad file never stops the
//! others and never removes what it defined before; nothing that has not changed is written; what
//! was made through the API is never pruned; a rule is never left without its trigger.
//!
//! Read first: `registrar.rs`, then `load.rs`, then `parse.rs`.

mod builtin;
pub mod document;
mod error;
mod fields;
mod kind;
mod load;
mod manifest;
pub mod parse;
mod problem;
mod read;
mod registrar;
mod report;
mod scan;
mod service;
mod survey;
mod timer;
mod triggers;
mod watch;

#[cfg(test)]
mod tests;

pub use builtin::{Builtin, CORE_PACK};
pub use error::Error;
pub use kind::Kind;
pub use parse::{RunnerTypes, parse_runner_type};
pub use problem::{Fault, Problem};
pub use registrar::{ContentSettings, Registrar, Request};
pub use report::{Count, Report};
pub use service::ContentService;
pub use triggers::{collect_trigger, ensure_trigger, settle_trigger};
pub use watch::NotifyFileWatch;

//! Executions: the only place that builds commits of them.
//!
//! [`Executions`] is the thin shell around pure decisions (`decide.rs`, `policy.rs`): it reads an
//! execution, decides, writes it back in the place of the revision that was read, decides again
//! when somebody else was faster, and sends the wake-up after the write. Invariants:
//!
//! - a status moves only along [`st2_model::ExecutionStatus::may_become`]; a completed one is
//!   final;
//! - an execution that is not completed has an owner or a due time, never both, never neither;
//! - the same cause requests the same execution once;
//! - not more executions of an action are scheduled and running than its policies allow;
//! - secret parameters are sealed in the store and opened by [`Executions::unseal`] only.
//!
//! Read first: `decide.rs`, then `commit.rs`.

mod admit;
mod claim;
mod commit;
mod content;
mod decide;
mod error;
mod output;
pub mod params;
mod payload;
mod policy;
mod render;
mod request;
mod seal;
mod take_over;

#[cfg(test)]
mod tests;

pub use admit::Admission;
pub use claim::Outcome;
pub use commit::{Executions, Settings};
pub use content::Content;
pub use decide::Cancellation;
pub use error::{Error, Refusal, RequestError};
pub use output::NewOutput;
pub use payload::{load_payload, store_payload};
pub use request::{Cause, Origin, Request, Requested};
pub use take_over::TakenOver;

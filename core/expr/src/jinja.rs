//! StackStorm's Jinja environment: strict undefined values, StackStorm's filters, Python's way of
//! printing values, and datastore lookups.
//!
//! The engine is minijinja 3, which keeps close to Jinja 2 and meters every rendering ("fuel"). What
//! it leaves out or prints differently is added here: `python` prints values, `methods` holds the
//! methods of Python's text, list and mapping types, `filters` and `tests_builtin` the rest.
//!
//! [`Engine`] is made once and shared; a [`Template`] is read once for many renderings; [`Context`]
//! holds what one rendering sees. Rendering is pure:
//! when a template reads a datastore item that the caller has not loaded, the answer is
//! [`JinjaError::KeysNeeded`], and the caller loads those items and renders again.

mod budget;
mod collections;
mod context;
mod convert;
mod engine;
mod error;
mod filters;
mod format;
mod guard;
mod keys;
mod methods;
mod operators;
pub(crate) mod python;
mod rewrite;
mod template;

pub use context::Context;
pub use engine::{Engine, Limits, is_expression, variables};
pub use error::JinjaError;
pub use keys::{KeyLookup, KeyRef, KeyTable, Lookup, SYSTEM_SCOPE, USER_SCOPE};
pub use template::Template;

#[cfg(test)]
mod tests;

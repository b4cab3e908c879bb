//! Filters over regular expressions with Python's rules.

use minijinja::Environment;

pub(super) fn register(_environment: &mut Environment<'static>) {}

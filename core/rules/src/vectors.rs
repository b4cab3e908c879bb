//! Recorded answers of the original.

mod criteria;
mod operators;

pub(crate) use criteria::rule;

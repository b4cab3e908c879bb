//! Tests.

mod commands;
mod runs;
mod words;

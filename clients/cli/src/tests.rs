//! Whole command lines played against a stub of the API that answers what the test says.

mod commands;
mod executions;
mod files;
mod play;
mod stub;
mod vectors;

//! Tests: recorded answers of StackStorm, and the registrar on stores in memory.

mod fixture;
mod follow;
mod registering;
mod timers;
mod vectors_builtin;
mod vectors_errors;
mod watching;

//! The backends against the suites of their ports.

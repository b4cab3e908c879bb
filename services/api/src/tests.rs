//! Requests against the service on memory ports.

//! What all HTTP services share: the edge that every request passes, errors as StackStorm's
//! bodies, parameters and bodies of requests, health and metrics, and the server loop.
//!
//! Invariants: only this crate turns situations into status codes' bodies; internal text goes to
//! the log under the request's id, never into an answer; every answer carries the request id and
//! the CORS headers.
//!
//! Read first: `edge.rs`.

mod body;
mod edge;
mod fault;
mod health;
mod params;
mod server;

#[cfg(test)]
mod tests;

pub use axum::Router;
pub use body::JsonBody;
pub use edge::{Caller, Edge, EdgeSettings, Method, Mount};
pub use fault::Fault;
pub use params::{Page, Params};
pub use server::{HttpServer, bind};

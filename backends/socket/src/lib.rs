//! Store, bus and coordinator of another process on this machine, through a Unix socket.
//!
//! The embedded store has one owner, `st2d`. A companion process on the same machine uses that
//! owner's ports: [`Server`] offers them on a socket that only their owner may open, [`Client`]
//! implements the ports on the other side. When the owner goes away every call answers
//! "unavailable" and the next one connects anew; leases that were held run out, as they must.
//!
//! Read first: `frame.rs`, the messages.

mod client;
mod filter;
mod frame;
mod server;

#[cfg(test)]
mod tests;

pub use client::Client;
pub use server::Server;

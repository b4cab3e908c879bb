//! Who may come in: passwords, tokens, API keys, and the key under which secrets are stored.
//!
//! Invariants: the store holds digests of tokens and API keys, never themselves; an unknown user
//! costs as much time as a wrong password.
//!
//! Read first: `credentials.rs`.

mod credentials;
mod keyring;
mod passwords;

#[cfg(test)]
mod tests;

pub use credentials::{AccessError, Credential, Credentials, Identity, NewApiKey, hash_api_key};
pub use keyring::FileKeyRing;
pub use passwords::{FlatFile, PasswordError, hash_password};

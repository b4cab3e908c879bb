//! API keys as API clients see them.

use serde_json::Value;
use st2_model::{ApiKey, MASK};

use crate::view::View;

/// An API key. Its hash, and the uid that contains it, are shown to those who may see secrets.
#[must_use]
pub fn api_key(key: &ApiKey, show_secrets: bool) -> Value {
    let (uid, hash) = if show_secrets {
        (format!("api_key:{}", key.key_hash), key.key_hash.as_str())
    } else {
        (MASK.to_owned(), MASK)
    };
    View::new()
        .with("uid", uid)
        .with("user", key.user.as_str())
        .with("key_hash", hash)
        .with("metadata", key.metadata.clone())
        .with("created_at", key.created_at.to_string())
        .with("enabled", key.enabled)
        .done(key.id)
}

/// A new API key, in the one answer that shows the key itself. `None`: the caller chose the hash,
/// and nobody else knows the key.
#[must_use]
pub fn new_api_key(key: &ApiKey, secret: Option<&str>) -> Value {
    View::new()
        .with("uid", format!("api_key:{}", key.key_hash))
        .with("user", key.user.as_str())
        .with("metadata", key.metadata.clone())
        .with("created_at", key.created_at.to_string())
        .with("enabled", key.enabled)
        .id(key.id)
        .with("key", secret)
        .into_value()
}

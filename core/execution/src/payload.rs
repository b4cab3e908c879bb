//! Results: in the record when small, beside it when large.

use bytes::Bytes;
use serde_json::Value;
use st2_model::Payload;
use st2_ports::{Store, StoreError};

/// Stores `value` where it belongs and returns its place and the length of its JSON text.
///
/// # Errors
/// Those of the store.
pub async fn store_payload(store: &dyn Store, value: Value) -> Result<(Payload, u64), StoreError> {
    let text = value.to_string();
    let bytes = text.len() as u64;
    if text.len() <= Payload::INLINE_BYTES_MAX {
        return Ok((Payload::Inline(value), bytes));
    }
    let blob = store.put_blob(Bytes::from(text)).await?;
    Ok((Payload::Blob(blob), bytes))
}

/// The whole value of a payload.
///
/// # Errors
/// Those of the store; [`StoreError::Corrupt`] when the blob is gone or no JSON.
pub async fn load_payload(store: &dyn Store, payload: &Payload) -> Result<Value, StoreError> {
    let blob = match payload {
        Payload::Inline(value) => return Ok(value.clone()),
        Payload::Blob(blob) => blob,
    };
    let corrupt = |reason: String| StoreError::Corrupt {
        collection: "blob",
        id: blob.digest.to_string(),
        reason,
    };
    let content = store.get_blob(&blob.digest).await?;
    let content = content.ok_or_else(|| corrupt("it is not stored".into()))?;
    serde_json::from_slice(&content).map_err(|error| corrupt(error.to_string()))
}

//! The key under which secrets are stored.

use st2_model::Secret;

/// Why a secret could not be sealed or opened. Never shows the secret or the key.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyRingError {
    /// No key is configured.
    #[error("no encryption key is configured: set [keyvalue] encryption_key_path")]
    NoKey,
    /// The ciphertext was not made with this key, or was changed.
    #[error("the value can not be decrypted with the configured key: {0}")]
    Undecipherable(String),
}

/// Encrypts what is stored secretly, in StackStorm's format (AES-CBC, HMAC-SHA1, upper-case hex).
/// Never blocks for longer than the computation.
pub trait KeyRing: Send + Sync {
    /// The ciphertext of `plain`.
    ///
    /// # Errors
    /// [`KeyRingError::NoKey`].
    fn seal(&self, plain: &str) -> Result<String, KeyRingError>;

    /// The text that `ciphertext` was made of.
    ///
    /// # Errors
    /// Both variants.
    fn open(&self, ciphertext: &str) -> Result<Secret<String>, KeyRingError>;
}

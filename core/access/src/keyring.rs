//! The key ring of a key file.

use std::sync::Arc;

use st2_expr::crypto::{CryptoError, CryptoKey};
use st2_model::Secret;
use st2_ports::{IdGen, KeyRing, KeyRingError};

/// Seals with the one key of a datastore key file, or with none.
pub struct FileKeyRing {
    key: Option<CryptoKey>,
    ids: Arc<dyn IdGen>,
}

impl FileKeyRing {
    /// A key ring without a key: secrets are refused.
    #[must_use]
    pub fn without_key(ids: Arc<dyn IdGen>) -> Self {
        Self { key: None, ids }
    }

    /// The key ring of the key file with this content.
    ///
    /// # Errors
    /// When the content is no key file.
    pub fn of_key_file(content: &str, ids: Arc<dyn IdGen>) -> Result<Self, CryptoError> {
        Ok(Self { key: Some(CryptoKey::parse(content)?), ids })
    }

    /// The content of a new key file.
    #[must_use]
    pub fn generate_key_file(ids: &dyn IdGen) -> String {
        let encode = |bytes: &[u8]| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
        };
        let (mut aes, mut hmac) = ([0; 32], [0; 32]);
        ids.fill(&mut aes);
        ids.fill(&mut hmac);
        serde_json::json!({
            "hmacKey": {"hmacKeyString": encode(&hmac), "size": 256},
            "aesKeyString": encode(&aes),
            "mode": "CBC",
            "size": 256,
        })
        .to_string()
    }
}

impl KeyRing for FileKeyRing {
    fn seal(&self, plain: &str) -> Result<String, KeyRingError> {
        let key = self.key.as_ref().ok_or(KeyRingError::NoKey)?;
        let mut iv = [0; 16];
        self.ids.fill(&mut iv);
        key.encrypt(plain, iv).map_err(|error| KeyRingError::Undecipherable(error.to_string()))
    }

    fn open(&self, ciphertext: &str) -> Result<Secret<String>, KeyRingError> {
        let key = self.key.as_ref().ok_or(KeyRingError::NoKey)?;
        key.decrypt(ciphertext)
            .map(Secret::new)
            .map_err(|error| KeyRingError::Undecipherable(error.to_string()))
    }
}

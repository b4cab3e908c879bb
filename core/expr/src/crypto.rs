//! Symmetric encryption of datastore items: AES-CBC with an HMAC-SHA1 over header, IV and cipher text.
//!
//! The layout is StackStorm's, so that either system reads what the other wrote: upper-case hex of
//! five header bytes, 16 IV bytes, the padded cipher text and the 20-byte signature.

use std::fmt;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha1::Sha1;
use zeroize::{Zeroize, ZeroizeOnDrop};

const HEADER: &[u8; 5] = b"00000";
const IV_BYTES: usize = 16;
const SIGNATURE_BYTES: usize = 20;

/// Why a key file or a cipher text is unusable. Never quotes key or content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    #[error("key file: {reason}")]
    BadKey { reason: String },
    #[error("cipher text: {reason}")]
    BadCipherText { reason: &'static str },
    #[error("cipher text: the signature does not match; it was changed or made with another key")]
    WrongSignature,
}

/// Key material of one key file. Never printed, cleared when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CryptoKey {
    aes: Vec<u8>,
    hmac: Vec<u8>,
}

impl fmt::Debug for CryptoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CryptoKey(********)")
    }
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
struct KeyFile {
    aes_key_string: String,
    hmac_key: HmacKey,
    mode: String,
    size: usize,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
struct HmacKey {
    hmac_key_string: String,
}

impl CryptoKey {
    /// Reads the text of a key file.
    ///
    /// # Errors
    /// If it is no key file, or its mode or sizes are not supported.
    pub fn parse(text: &str) -> Result<Self, CryptoError> {
        let bad = |reason: String| CryptoError::BadKey { reason };
        let file: KeyFile = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
        if !file.mode.eq_ignore_ascii_case("CBC") {
            return Err(bad(format!("mode: {:?} is not supported", file.mode)));
        }
        let aes = decoded("aesKeyString", &file.aes_key_string)?;
        if !matches!(aes.len(), 16 | 24 | 32) {
            return Err(bad(format!("aesKeyString: {} bits are no AES key", aes.len() * 8)));
        }
        if aes.len() * 8 != file.size {
            return Err(bad(format!(
                "size: {} bits, but aesKeyString has {}",
                file.size,
                aes.len() * 8
            )));
        }
        let hmac = decoded("hmacKeyString", &file.hmac_key.hmac_key_string)?;
        Ok(Self { aes, hmac })
    }

    /// Encrypts a text. `iv` must be random and never used twice.
    ///
    /// # Errors
    /// If the key material does not fit the cipher, which reading the key file rules out.
    pub fn encrypt(&self, plain: &str, iv: [u8; IV_BYTES]) -> Result<String, CryptoError> {
        let bad = |reason: &str| CryptoError::BadKey { reason: reason.to_owned() };
        let plain = plain.as_bytes();
        let encrypted = match self.aes.len() {
            16 => cbc::Encryptor::<Aes128>::new_from_slices(&self.aes, &iv)
                .map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
            24 => cbc::Encryptor::<Aes192>::new_from_slices(&self.aes, &iv)
                .map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
            _ => cbc::Encryptor::<Aes256>::new_from_slices(&self.aes, &iv)
                .map(|cipher| cipher.encrypt_padded_vec::<Pkcs7>(plain)),
        };
        let mut message = HEADER.to_vec();
        message.extend(iv);
        message.extend(encrypted.map_err(|_| bad("aesKeyString: wrong size"))?);
        let mac = self.mac(&message).ok_or_else(|| bad("hmacKeyString: wrong size"))?;
        message.extend(mac.finalize().into_bytes());
        let mut text = String::with_capacity(message.len() * 2);
        for byte in message {
            text.push_str(&format!("{byte:02X}"));
        }
        Ok(text)
    }

    /// Decrypts what [`CryptoKey::encrypt`], or StackStorm, made.
    ///
    /// # Errors
    /// If the text is malformed, was changed, or was made with another key.
    pub fn decrypt(&self, cipher_text: &str) -> Result<String, CryptoError> {
        let bad = |reason| CryptoError::BadCipherText { reason };
        let message = from_hex(cipher_text).ok_or_else(|| bad("not hexadecimal"))?;
        let short = || bad("too short");
        let signed = message.len().checked_sub(SIGNATURE_BYTES).ok_or_else(short)?;
        let (body, signature) = message.split_at_checked(signed).ok_or_else(short)?;
        let (_, rest) = body.split_at_checked(HEADER.len()).ok_or_else(short)?;
        let (iv, encrypted) = rest.split_at_checked(IV_BYTES).ok_or_else(short)?;
        if encrypted.is_empty() {
            return Err(short());
        }
        self.mac(body)
            .ok_or(CryptoError::WrongSignature)?
            .verify_slice(signature)
            .map_err(|_| CryptoError::WrongSignature)?;
        let plain = match self.aes.len() {
            16 => cbc::Decryptor::<Aes128>::new_from_slices(&self.aes, iv)
                .map(|cipher| cipher.decrypt_padded_vec::<Pkcs7>(encrypted)),
            24 => cbc::Decryptor::<Aes192>::new_from_slices(&self.aes, iv)
                .map(|cipher| cipher.decrypt_padded_vec::<Pkcs7>(encrypted)),
            _ => cbc::Decryptor::<Aes256>::new_from_slices(&self.aes, iv)
                .map(|cipher| cipher.decrypt_padded_vec::<Pkcs7>(encrypted)),
        };
        let plain = plain.map_err(|_| bad("wrong sizes"))?.map_err(|_| bad("wrong padding"))?;
        String::from_utf8(plain).map_err(|_| bad("the content is not UTF-8 text"))
    }

    fn mac(&self, message: &[u8]) -> Option<Hmac<Sha1>> {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.hmac).ok()?;
        mac.update(message);
        Some(mac)
    }
}

/// Web-safe base64, with or without padding.
fn decoded(field: &str, text: &str) -> Result<Vec<u8>, CryptoError> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&base64::alphabet::URL_SAFE, config)
        .decode(text.trim())
        .map_err(|_| CryptoError::BadKey { reason: format!("{field}: not web-safe base64") })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| match pair {
                [high, low] => high << 4 | low,
                _ => 0,
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests;

//! Encryption by example; cipher texts of the original are among the vectors of templates.

use super::{CryptoError, CryptoKey};

fn key_file(aes: &str, size: usize, mode: &str) -> String {
    format!(
        r#"{{"hmacKey": {{"hmacKeyString": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "size": 256}}, "aesKeyString": "{aes}", "mode": "{mode}", "size": {size}}}"#
    )
}

#[test]
fn what_is_encrypted_decrypts_with_every_key_size() {
    for (aes, size) in [
        ("ZGVmZ2hpamtsbW5vcHFycw", 128),
        ("ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7", 192),
        ("ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM=", 256),
    ] {
        let key = CryptoKey::parse(&key_file(aes, size, "CBC")).unwrap();
        for plain in ["", "secret", "žluť 日本", &"x".repeat(1000)] {
            let cipher = key.encrypt(plain, [7; 16]).unwrap();
            assert!(cipher.starts_with("3030303030"));
            assert_eq!(cipher, cipher.to_uppercase());
            assert_eq!(key.decrypt(&cipher).unwrap(), plain);
        }
    }
}

#[test]
fn a_changed_text_or_another_key_is_noticed() {
    let key = CryptoKey::parse(&key_file("ZGVmZ2hpamtsbW5vcHFycw", 128, "CBC")).unwrap();
    let cipher = key.encrypt("secret", [7; 16]).unwrap();
    let changed = cipher.replacen('A', "B", 1);
    assert_eq!(key.decrypt(&changed), Err(CryptoError::WrongSignature));
    for text in ["", "00", "0", "zz", "30303030", "é0"] {
        let error = key.decrypt(text).unwrap_err();
        assert!(matches!(error, CryptoError::BadCipherText { .. }), "{text}");
    }
}

#[test]
fn unusable_key_files_are_refused_without_showing_keys() {
    for text in [
        "".to_owned(),
        "{}".to_owned(),
        key_file("ZGVmZ2hpamtsbW5vcHFycw", 128, "ECB"),
        key_file("ZGVmZ2hpamtsbW5vcHFycw", 256, "CBC"),
        key_file("ZGVm", 24, "CBC"),
        key_file("§", 128, "CBC"),
    ] {
        let error = CryptoKey::parse(&text).unwrap_err();
        assert!(!error.to_string().contains("ZGVm"), "{error}");
    }
    let key = CryptoKey::parse(&key_file("ZGVmZ2hpamtsbW5vcHFycw", 128, "CBC")).unwrap();
    assert_eq!(format!("{key:?}"), "CryptoKey(********)");
}

proptest::proptest! {
    #[test]
    fn decrypting_never_panics(text in "[0-9a-fA-F]{0,120}|.{0,20}") {
        let key = CryptoKey::parse(&key_file("ZGVmZ2hpamtsbW5vcHFycw", 128, "CBC")).unwrap();
        assert!(key.decrypt(&text).is_err());
    }
}

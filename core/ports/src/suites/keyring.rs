//! Laws of the key ring that has a key.

use std::sync::Arc;

use crate::{KeyRing, KeyRingError};

pub async fn what_is_sealed_opens(ring: Arc<dyn KeyRing>) {
    for plain in ["", "s", "žluť 日本", &"x".repeat(100_000)] {
        let sealed = ring.seal(plain).unwrap();
        assert_eq!(ring.open(&sealed).unwrap().reveal(), plain);
    }
}

pub async fn a_ciphertext_shows_nothing_and_does_not_repeat(ring: Arc<dyn KeyRing>) {
    let (one, two) = (ring.seal("hunter2").unwrap(), ring.seal("hunter2").unwrap());
    assert_ne!(one, two);
    assert!(!one.contains("hunter2"));
}

pub async fn what_was_changed_does_not_open(ring: Arc<dyn KeyRing>) {
    let sealed = ring.seal("hunter2").unwrap();
    let changed: String =
        sealed.char_indices().map(|(at, c)| if at == 40 && c != '0' { '0' } else { c }).collect();
    for broken in ["", "zz", "00", &sealed[..sealed.len() - 2]] {
        let refused = ring.open(broken);
        assert!(matches!(refused, Err(KeyRingError::Undecipherable(_))), "{broken}");
    }
    if changed != sealed {
        assert!(matches!(ring.open(&changed), Err(KeyRingError::Undecipherable(_))));
    }
}

pub async fn an_opened_secret_does_not_show_itself(ring: Arc<dyn KeyRing>) {
    let opened = ring.open(&ring.seal("hunter2").unwrap()).unwrap();
    assert_eq!(format!("{opened} {opened:?}"), "******** ********");
}

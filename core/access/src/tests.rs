//! Known hashes, and the life of credentials.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use st2_model::{Object, User};
use st2_ports::{KeyRing, KeyRingError, SystemIdGen};

use super::*;

fn flat_file(lines: &str) -> (FlatFile, std::path::PathBuf) {
    let name = format!("st2-access-{}-{:x}", std::process::id(), md5_of(lines));
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, lines).expect("a temporary file");
    (FlatFile::at(path.clone()), path)
}

fn md5_of(text: &str) -> u64 {
    text.bytes().fold(7, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

#[test]
fn every_kind_of_hash_is_checked() {
    let argon2 = hash_password("st2-test").expect("a hash");
    let bcrypt = bcrypt::hash("st2-test", 4).expect("a hash").replacen("$2b$", "$2y$", 1);
    for hash in [
        "$apr1$AbCdEfGh$P5oq2bhCfyAxSLhnLGKpW0",
        "{SHA}M6jbikrtu1x8YSHx2rxSAC5rsjo=",
        "$6$AbCdEfGh$T/KFAJzHEZnieEN2VuYIHaiq/7j5ySDsznhukjEnxM9/PzJ14567wY5VobM/qmIVngo4n5.HuXaNrt2d4R6R70",
        &argon2,
        &bcrypt,
    ] {
        let (file, path) = flat_file(&format!("# users\nbad line\njoe:x\njoe:{hash}\n"));
        assert!(file.authenticate("joe", "st2-test").expect("readable"), "{hash}");
        assert!(!file.authenticate("joe", "wrong").expect("readable"), "{hash}");
        assert!(!file.authenticate("ann", "st2-test").expect("readable"), "{hash}");
        std::fs::remove_file(path).expect("removable");
    }
}

#[test]
fn a_missing_password_file_is_named() {
    let file = FlatFile::at(Path::new("/nonexistent/htpasswd").to_owned());
    let error = file.authenticate("joe", "x").expect_err("no file").to_string();
    assert!(error.contains("/nonexistent/htpasswd"), "{error}");
}

#[test]
fn api_keys_hash_as_the_original_does() {
    assert!(
        hash_api_key("test-key").starts_with("ce7f768517e1523f00afda7d135e8d6c17598ab6d2f2315a")
    );
}

#[test]
fn a_generated_key_seals_and_opens() {
    let ids = Arc::new(SystemIdGen::default());
    let file = FileKeyRing::generate_key_file(&*ids);
    let ring = FileKeyRing::of_key_file(&file, ids.clone()).expect("a key");
    let sealed = ring.seal("höhe").expect("sealed");
    assert!(sealed.starts_with("3030303030") && !sealed.contains("höhe"));
    assert_eq!(ring.open(&sealed).expect("opened").reveal(), "höhe");
    assert!(matches!(ring.open("00"), Err(KeyRingError::Undecipherable(_))));
    let other = FileKeyRing::generate_key_file(&*ids);
    let other = FileKeyRing::of_key_file(&other, ids.clone()).expect("a key");
    assert!(matches!(other.open(&sealed), Err(KeyRingError::Undecipherable(_))));
    assert!(matches!(FileKeyRing::without_key(ids).seal("x"), Err(KeyRingError::NoKey)));
}

#[tokio::test(start_paused = true)]
async fn credentials_open_until_they_end() {
    let ports = st2_memory::simulated_ports(1).0;
    let credentials = Credentials::new(ports.clone(), Duration::from_secs(60));
    let (token, secret) = credentials.issue_token("joe", None).await.expect("a token");
    let stored = serde_json::to_string(&token).expect("json");
    assert!(!stored.contains(&secret), "the secret itself is not stored");
    let identify = |secret: String| {
        let credentials = credentials.clone();
        async move { credentials.identify(Credential::Token(&secret)).await }
    };
    assert_eq!(identify(secret.clone()).await.expect("known").user, "joe");
    assert!(matches!(identify("x".to_owned()).await, Err(AccessError::UnknownToken)));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(matches!(identify(secret).await, Err(AccessError::ExpiredToken)));
    for ttl in [0, -1, 61] {
        let refused = credentials.issue_token("joe", Some(ttl)).await;
        assert!(matches!(refused, Err(AccessError::Ttl(_))), "{ttl}");
    }

    let new = credentials.issue_api_key("bot", Object::new(), true).await.expect("a key");
    let found = credentials.identify(Credential::ApiKey(&new.key)).await.expect("known");
    assert_eq!((found.user.as_str(), found.expiry), ("bot", None));
    ports.repository::<User>().delete(User::id_of("bot")).await.expect("deleted");
    let orphan = credentials.identify(Credential::ApiKey(&new.key)).await;
    assert!(matches!(orphan, Err(AccessError::UnknownUser(_))));
}

mod ring {
    use std::sync::Arc;

    use st2_ports::{KeyRing, SystemIdGen};

    use crate::FileKeyRing;

    fn open() -> (Arc<dyn KeyRing>, ()) {
        let ids = Arc::new(SystemIdGen::default());
        let file = FileKeyRing::generate_key_file(&*ids);
        (Arc::new(FileKeyRing::of_key_file(&file, ids).expect("a key")), ())
    }

    st2_ports::keyring_suite!(open);
}

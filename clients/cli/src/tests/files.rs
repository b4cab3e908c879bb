//! Configuration file, stored logins, environment, and what a broken terminal does.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::play::Scene;
use super::stub::{Answer, Asked, Reply, Stub};
use crate::ini;

/// An installation where `joe` has the password `pw` and every token but `old` is good.
fn guarded() -> Answer {
    Arc::new(|asked: &Asked| {
        let header = |name: &str| asked.headers.get(name).map(String::as_str);
        if asked.path == "/tokens" {
            // "joe:pw" as HTTP basic credentials.
            if header("authorization") != Some("Basic am9lOnB3") {
                return Some(Reply(
                    401,
                    None,
                    json!({"faultstring": "Invalid or missing credentials"}),
                ));
            }
            let token =
                json!({"token": "fresh", "user": "joe", "expiry": "2020-01-02T10:00:00.000000Z"});
            return Some(Reply(201, None, token));
        }
        match (header("x-auth-token"), header("st2-api-key")) {
            (Some("old"), _) | (None, None) => {
                Some(Reply(401, None, json!({"faultstring": "Unauthorized - Token has expired."})))
            }
            _ if asked.path == "/v1/user" => Some(Reply(
                200,
                None,
                json!({
                    "username": "joe",
                    "authentication": {"method": "authentication token", "token_expire": "2020-01-02T10:00:00.000000Z"},
                    "rbac": {"enabled": true, "roles": ["admin", "observer"], "is_admin": true},
                }),
            )),
            _ if asked.path == "/v1/actions" => Some(Reply(200, None, json!([]))),
            _ => None,
        }
    })
}

async fn scene() -> (Stub, tempfile::TempDir, Scene) {
    let stub = Stub::start(guarded()).await;
    let directory = tempfile::tempdir().unwrap();
    let scene = Scene::new(directory.path(), &stub.base);
    (stub, directory, scene)
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(directory.join(".st2")).unwrap();
    std::fs::write(directory.join(".st2").join(name), text).unwrap();
}

fn sent(stub: &Stub, header: &str) -> Option<String> {
    stub.asked().last().unwrap().headers.get(header).cloned()
}

#[tokio::test]
async fn login_keeps_a_private_token_that_later_commands_use() {
    let (stub, directory, mut scene) = scene().await;
    write(
        directory.path(),
        "config",
        "# mine\n[cli]\ntimezone = UTC\n\n[credentials]\npassword = old\n",
    );
    scene.answers = vec!["pw".to_owned()];
    let played = scene.play(&["login", "joe"]).await;
    assert_eq!(played.code, 0, "{played:?}");
    assert!(played.out.starts_with("Logged in as joe\n"), "{}", played.out);
    assert!(played.out.contains("Thu, 02 Jan 2020 10:00:00 UTC"), "{}", played.out);
    let cache = directory.path().join(".st2/token-joe");
    assert_eq!(std::fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o600);
    let kept: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&cache).unwrap()).unwrap();
    assert_eq!(kept, json!({"token": "fresh", "expire_timestamp": 1_577_959_200}));
    let config = std::fs::read_to_string(directory.path().join(".st2/config")).unwrap();
    assert_eq!(config, "# mine\n[cli]\ntimezone = UTC\n\n[credentials]\nusername = joe\n");

    assert_eq!(scene.play(&["action", "list"]).await.code, 0);
    assert_eq!(sent(&stub, "x-auth-token").as_deref(), Some("fresh"));

    let played = scene.play(&["logout"]).await;
    assert_eq!((played.code, played.out.as_str()), (0, "Logged out joe\n"));
    assert!(!cache.exists());
    assert_eq!(scene.play(&["action", "list"]).await.code, 1);
}

#[tokio::test]
async fn a_refused_login_changes_nothing() {
    let (_stub, directory, mut scene) = scene().await;
    let played = scene.play(&["login", "joe", "-p", "wrong"]).await;
    assert_eq!(played.code, 1);
    assert!(played.out.starts_with("ERROR: Failed to log in as joe: "), "{}", played.out);
    assert!(!directory.path().join(".st2").exists());
    let played = scene.play(&["login", "joe"]).await;
    assert!(played.out.contains("use -p"), "{}", played.out);
}

#[tokio::test]
async fn auth_prints_a_token_and_keeps_nothing() {
    let (_stub, directory, mut scene) = scene().await;
    let played = scene.play(&["auth", "joe", "-p", "pw", "-t"]).await;
    assert_eq!(played.out, "fresh\n");
    let played = scene.play(&["auth", "joe", "-p", "pw"]).await;
    assert!(played.out.contains("| token    | fresh"), "{}", played.out);
    assert!(!directory.path().join(".st2").exists());
}

#[tokio::test]
async fn the_nearest_credential_wins() {
    let (stub, directory, mut scene) = scene().await;
    write(directory.path(), "config", "[credentials]\nusername = joe\npassword = pw\n");
    write(directory.path(), "token-joe", r#"{"token": "kept", "expire_timestamp": 1577959200}"#);
    scene.play(&["action", "list"]).await;
    assert_eq!(sent(&stub, "x-auth-token").as_deref(), Some("kept"));
    write(directory.path(), "config", "[credentials]\nusername = joe\napi_key = filed\n");
    scene.play(&["action", "list"]).await;
    assert_eq!(sent(&stub, "st2-api-key").as_deref(), Some("filed"));
    scene.env.insert("ST2_API_KEY".to_owned(), "env-key".to_owned());
    scene.play(&["action", "list"]).await;
    assert_eq!(sent(&stub, "st2-api-key").as_deref(), Some("env-key"));
    scene.env.insert("ST2_AUTH_TOKEN".to_owned(), "env-token".to_owned());
    scene.play(&["action", "list"]).await;
    assert_eq!(sent(&stub, "x-auth-token").as_deref(), Some("env-token"));
    scene.play(&["action", "list", "--api-key", "given"]).await;
    assert_eq!(sent(&stub, "st2-api-key").as_deref(), Some("given"));
    assert_eq!(sent(&stub, "x-auth-token"), None);
}

#[tokio::test]
async fn a_token_about_to_expire_is_replaced_when_the_password_is_kept() {
    let (stub, directory, mut scene) = scene().await;
    write(directory.path(), "config", "[credentials]\nusername = joe\npassword = pw\n");
    // The clock stands at 1577872900; ten seconds of life are too few.
    write(directory.path(), "token-joe", r#"{"token": "old", "expire_timestamp": 1577872910}"#);
    assert_eq!(scene.play(&["action", "list"]).await.code, 0);
    assert_eq!(sent(&stub, "x-auth-token").as_deref(), Some("fresh"));
    let kept = std::fs::read_to_string(directory.path().join(".st2/token-joe")).unwrap();
    assert!(kept.contains("fresh"), "{kept}");
}

#[tokio::test]
async fn damaged_files_are_named() {
    let (_stub, directory, mut scene) = scene().await;
    write(directory.path(), "config", "[credentials]\nusername = joe\n");
    write(directory.path(), "token-joe", "{");
    let played = scene.play(&["action", "list"]).await;
    assert_eq!(played.code, 1);
    assert!(played.out.contains("token-joe\" is damaged; delete the file"), "{}", played.out);
    write(directory.path(), "config", "[credentials]\nnonsense\n");
    let played = scene.play(&["action", "list"]).await;
    assert!(played.out.contains(".st2/config\": line 2: neither a section"), "{}", played.out);
    write(directory.path(), "config", "[cli]\ntimezone = Mars/Olympus\n");
    let played = scene.play(&["action", "list"]).await;
    assert!(played.out.contains("[cli] timezone is \"Mars/Olympus\""), "{}", played.out);
    let played = scene.play(&["--config-file", "nowhere", "action", "list"]).await;
    assert!(played.out.contains("/nowhere\" not found"), "{}", played.out);
}

#[tokio::test]
async fn a_token_others_can_read_is_used_with_a_warning() {
    let (_stub, directory, mut scene) = scene().await;
    write(directory.path(), "config", "[credentials]\nusername = joe\n");
    write(directory.path(), "token-joe", r#"{"token": "kept", "expire_timestamp": 1577959200}"#);
    let cache = directory.path().join(".st2/token-joe");
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o644)).unwrap();
    let played = scene.play(&["action", "list"]).await;
    assert_eq!(played.code, 0);
    assert!(played.err.contains("chmod 600"), "{}", played.err);
}

#[tokio::test]
async fn whoami_tells_and_fails_when_nobody_is_logged_in() {
    let (_stub, _directory, mut scene) = scene().await;
    let played = scene.play(&["whoami"]).await;
    assert_eq!(played.code, 1);
    assert!(played.out.contains("st2 login"), "{}", played.out);
    scene.env.insert("ST2_AUTH_TOKEN".to_owned(), "good".to_owned());
    let played = scene.play(&["whoami"]).await;
    assert!(played.out.starts_with("Currently logged in as \"joe\"."), "{}", played.out);
    assert!(played.out.contains(" - Roles: admin, observer"), "{}", played.out);
    let played = scene.play(&["whoami", "-o", "json"]).await;
    assert!(played.out.contains("\"username\": \"joe\""), "{}", played.out);
}

#[tokio::test]
async fn addresses_come_from_the_command_line_then_the_file_then_the_environment() {
    let (_stub, directory, mut scene) = scene().await;
    write(directory.path(), "config", "[api]\nurl = http://filed:1/v1\n");
    let played = scene.play(&["--auth-url", "http://given:2", "--print-config"]).await;
    assert_eq!(played.code, 3);
    assert!(played.out.contains("[api]\nurl = http://filed:1/v1\n"), "{}", played.out);
    assert!(played.out.contains("[auth]\nurl = http://given:2\n"), "{}", played.out);
    let played = scene.play(&["--skip-config", "--url", "http://box/", "--print-config"]).await;
    assert!(played.out.contains("[stream]\nurl = http://box:9102/v1\n"), "{}", played.out);
    assert!(!played.out.contains("filed"), "{}", played.out);
}

#[tokio::test]
async fn an_unreachable_server_is_one_clear_error() {
    let directory = tempfile::tempdir().unwrap();
    // A port that was free a moment ago and has no listener now.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let played = Scene::new(directory.path(), &base).play(&["action", "list"]).await;
    assert_eq!(played.code, 1);
    assert!(
        played.out.starts_with(&format!("ERROR: cannot reach {base}/v1/actions")),
        "{}",
        played.out
    );
    let mut clean = Scene::new(directory.path(), &base);
    clean.env.insert("ST2_CLI_COMPAT".to_owned(), "0".to_owned());
    let played = clean.play(&["action", "list"]).await;
    assert!(played.out.is_empty() && played.err.starts_with("ERROR: cannot reach"), "{played:?}");
}

#[test]
fn the_file_keeps_its_comments_when_a_value_changes() {
    let text = "; top\n[a]\nx = 1\n\n[b]\ny: 2\n";
    assert_eq!(ini::with_value(text, "a", "x", Some("3")), "; top\n[a]\nx = 3\n\n[b]\ny: 2\n");
    assert_eq!(ini::with_value(text, "b", "y", None), "; top\n[a]\nx = 1\n\n[b]\n");
    assert_eq!(ini::with_value("", "c", "z", Some("4")), "[c]\nz = 4\n");
    assert_eq!(ini::with_value(text, "c", "z", None), text);
}

#[test]
fn values_are_taken_as_they_stand() {
    let found = ini::parse("[a]\nKey = v = \"1\" ; no comment\nlong: x\n  y\n# c\n").unwrap();
    assert_eq!(found["a"]["key"], "v = \"1\" ; no comment");
    assert_eq!(found["a"]["long"], "x\ny");
    assert!(ini::parse("x = 1").unwrap_err().starts_with("line 1: "));
    assert!(ini::parse("[a\n").unwrap_err().starts_with("line 1: "));
    assert!(ini::parse("[a]\n  x = 1\n").unwrap_err().starts_with("line 2: "));
}

/// A pipe whose reader has gone.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_the_command_quietly() {
    let (_stub, _directory, mut scene) = scene().await;
    for words in [&["--help"][..], &["--api-url", "http://127.0.0.1:1/v1", "action", "list"][..]] {
        let mut err = Vec::new();
        let code = scene.play_into(words, &mut Closed, &mut err).await;
        assert_eq!((code, err.as_slice()), (141, &[][..]), "{words:?}");
    }
}

#[tokio::test]
async fn a_wrong_address_is_not_taken_for_a_missing_item() {
    let bare: Answer = Arc::new(|_: &Asked| Some(Reply(404, None, json!(""))));
    let stub = Stub::start(bare).await;
    let directory = tempfile::tempdir().unwrap();
    for words in [&["rule", "get", "p.r"][..], &["run", "p.a"][..], &["rule", "delete", "p.r"][..]]
    {
        let played = Scene::new(directory.path(), &stub.base).play(words).await;
        assert_eq!(played.code, 1, "{words:?}");
        assert!(played.out.contains("is this the address of the API?"), "{}", played.out);
    }
}

#[tokio::test]
async fn a_refused_request_says_how_to_log_in() {
    let (_stub, _directory, mut scene) = scene().await;
    let played = scene.play(&["action", "list"]).await;
    assert_eq!(played.code, 1);
    assert!(
        played.out.starts_with("ERROR: 401 Client Error: Unauthorized\nMESSAGE: "),
        "{}",
        played.out
    );
    assert_eq!(played.err, "Log in with: st2 login USER\n");
}

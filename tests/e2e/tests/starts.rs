//! Starting and stopping: the demo, the first start, and what stands in the way of a start.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use st2_e2e::{End, Site, children};

fn mode(path: &Path) -> Result<u32> {
    let metadata = fs::metadata(path).with_context(|| path.display().to_string())?;
    Ok(metadata.permissions().mode() & 0o777)
}

/// The one error that a start ended with; nothing else may stand on standard output or error but
/// lines of the log.
fn refusal(end: &End) -> &str {
    assert_eq!(end.code, Some(1), "signal {:?}: {}", end.signal, end.stderr);
    assert_eq!(end.stdout, "", "nothing was ready");
    let errors: Vec<&str> = end.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{}", end.stderr);
    assert!(!end.stderr.contains("panicked"), "{}", end.stderr);
    errors[0]
}

#[test]
fn the_demo_shows_the_main_job() -> Result<()> {
    let site = Site::new()?;
    let end = site.run(&site.st2d()?.args(["--demo=once"]))?;
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let shown: Vec<&str> = end.stdout.lines().collect();
    let at = |start: &str, text: &str| {
        let found = shown.iter().position(|line| {
            line.split_once(" ms  ").is_some_and(|(_, rest)| rest.starts_with(start))
                && line.contains(text)
        });
        found.unwrap_or_else(|| panic!("no line {start} … {text}:\n{}", end.stdout))
    };
    let order = [
        at("trigger ", "linux."),
        at("execution ", " requested"),
        at("execution ", " scheduled"),
        at("execution ", " running"),
        at("execution ", " succeeded"),
        at("result ", "hello from the demo"),
    ];
    assert!(order.is_sorted(), "{order:?}\n{}", end.stdout);
    // The record that the rule fired is written while its execution goes on already.
    assert!(at("rule ", "default.demo fired") > order[0], "{}", end.stdout);
    site.nothing_left()
}

#[test]
fn the_first_start_keeps_secrets_to_their_owner() -> Result<()> {
    let site = Site::new()?;
    let node = site.node()?;
    let password_file = node.ready.data.join("admin-password");
    let told = format!("user st2admin was made; its password is in {}", password_file.display());
    let end = node.stop()?;
    assert_eq!(end.stdout.lines().nth(1), Some(told.as_str()));
    let data = site.data();
    assert_eq!(mode(&data)?, 0o700);
    let private = ["admin-password", "htpasswd", "store.db", "lock", "keys/datastore_key.json"];
    for name in private {
        assert_eq!(mode(&data.join(name))?, 0o600, "{name}");
    }
    let password = fs::read_to_string(data.join("admin-password"))?;
    assert!(password.trim_end().len() >= 16, "a password of {} characters", password.len());
    let users = fs::read_to_string(data.join("htpasswd"))?;
    assert!(users.starts_with("st2admin:") && !users.contains(password.trim_end()), "{users}");
    assert!(!end.stderr.contains(password.trim_end()), "the password is in the log");

    // The second start makes nothing new and tells nothing.
    let end = site.node()?.stop()?;
    assert_eq!(end.stdout.lines().count(), 1, "{}", end.stdout);
    assert_eq!(fs::read_to_string(data.join("admin-password"))?, password);
    assert_eq!(fs::read_to_string(data.join("htpasswd"))?, users);
    Ok(())
}

#[test]
fn both_signals_stop_it_and_leave_nothing_behind() -> Result<()> {
    let site = Site::new()?;
    for signal in ["TERM", "INT"] {
        let node = site.node()?;
        node.logged("sensor started", std::time::Duration::from_secs(20))?;
        assert!(!children(node.pid()).is_empty(), "the sensor is a process of its own");
        assert!(site.census().alive.len() > 1, "{:?}", site.census());
        let end = node.stop_by(signal)?;
        assert!(!end.stderr.contains("did not stop in time"), "{}", end.stderr);
        assert!(!end.stderr.contains(" ERROR "), "{}", end.stderr);
        site.nothing_left()?;
    }
    // What was flushed at the end is all that there is: no write-ahead log is left to replay.
    assert!(!site.data().join("store.db-wal").exists());
    Ok(())
}

#[test]
fn a_port_in_use_is_named() -> Result<()> {
    let site = Site::new()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?;
    let end = site.run(&site.program("st2d")?.args([format!("--api-port={}", address.port())]))?;
    let error = refusal(&end);
    assert!(error.contains(&address.to_string()), "{error}");
    assert!(error.contains("in use"), "{error}");
    site.nothing_left()
}

#[test]
fn a_second_node_on_the_same_data_is_refused() -> Result<()> {
    let site = Site::new()?;
    let node = site.node()?;
    let end = site.run(&site.st2d()?)?;
    let error = refusal(&end);
    assert!(error.contains(&node.ready.data.display().to_string()), "{error}");
    assert!(error.contains(&format!("process {}", node.pid())), "{error}");
    // The first one does not mind.
    let mut api = node.stranger()?;
    assert_eq!(api.get("/readyz")?["status"], "ready");
    node.stop()?;
    Ok(())
}

#[test]
fn a_broken_configuration_file_is_named_with_its_line() -> Result<()> {
    let site = Site::new()?;
    let file = site.path("st2.conf");
    let cases = [
        ("[api]\nport = 9101\nthis is no option\n", 3, "option = value"),
        ("[api\nport = 9101\n", 1, "[section]"),
        ("# fine\n[api]\nport = many\n", 3, "port"),
        ("[actionrunner]\n\nactions_pool_size = -3\n", 3, "actions_pool_size"),
        ("port = 1\n", 1, ""),
    ];
    for (text, line, what) in cases {
        fs::write(&file, text)?;
        let end =
            site.run(&site.program("st2d")?.args(["--config-file".as_ref(), file.as_os_str()]))?;
        let error = refusal(&end);
        let place = format!("{}:{line}", file.display());
        let named =
            error.contains(&place) || error.contains(&format!("{}, line {line}", file.display()));
        assert!(named, "{text:?} gives {error}");
        assert!(error.contains(what), "{text:?} gives {error}");
        assert!(!site.data().exists(), "nothing is made before the configuration is understood");
    }
    let end = site.run(&site.program("st2d")?.args(["--config-file", "/nonexistent/st2.conf"]))?;
    assert!(refusal(&end).contains("/nonexistent/st2.conf"), "{}", end.stderr);
    Ok(())
}

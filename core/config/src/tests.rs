//! Grammar, precedence and errors.

use std::path::Path;

use super::*;

fn settings(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let mut raw = Raw::default();
    raw.add_file(Path::new("st2.conf"), text)?;
    raw.add_environment(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    Settings::from_raw(&raw)
}

fn error(text: &str) -> String {
    settings(text, &[]).expect_err(text).to_string()
}

#[test]
fn every_default_has_the_form_of_its_option() {
    let settings = settings("", &[]).expect("the defaults");
    assert_eq!((settings.api_port, settings.auth_port), (9101, 9100));
    assert_eq!(settings.allow_origin, ["http://127.0.0.1:3000"]);
    assert_eq!(settings.backend, Backend::Embedded);
}

#[test]
fn files_follow_the_grammar() {
    let text = "# c\n[API]\nport: 1\nport = 9999\nallow_origin = \"a,\n b\"\n[system_user]\nuser = 'joe'\n";
    let settings = settings(text, &[]).expect(text);
    assert_eq!(settings.api_port, 9999);
    assert_eq!(settings.allow_origin, ["a", "b"]);
    assert_eq!(settings.system_user, "joe");
}

#[test]
fn the_environment_wins_over_files() {
    let settings = settings("[api]\nport = 1\n", &[("ST2_API__PORT", "2")]).expect("settings");
    assert_eq!(settings.api_port, 2);
}

#[test]
fn errors_name_option_origin_and_reason() {
    assert_eq!(
        error("[api]\nport = x\n"),
        "Value for option api.port from st2.conf:2 is not valid: \"x\" is not a whole number"
    );
    assert!(error("[api]\nport = 70000\n").contains("out of range"));
    assert!(error("[auth]\nenable = T\n").contains("neither true nor false"));
    assert!(error("[stormhost]\nbackend = x\n").contains("embedded, external"));
    assert_eq!(error("port = 1\n"), "st2.conf:1: an option before the first section");
    assert_eq!(error("[api\n"), "st2.conf:1: \"[section]\" is expected");
    assert_eq!(error("[api]\nport\n"), "st2.conf:2: \"option = value\" is expected");
    assert_eq!(error("[api]\n x\n"), "st2.conf:2: a continuation of nothing");
}

#[test]
fn unknown_options_are_ignored() {
    settings("[mistral]\nx = 1\n[api]\nunknown = 1\n", &[]).expect("settings");
}

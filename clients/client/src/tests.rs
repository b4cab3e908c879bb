//! What can be said without a server; the rest is tested through the command line against a stub.

use crate::{Client, Credential, Endpoints, Error, Target, Trust, is_waiting, segment};

fn target(api: &str) -> Target {
    let endpoints = Endpoints { api: api.to_owned(), ..Endpoints::from_base("http://h/", "v1") };
    Target { endpoints, trust: Trust::System, basic: None }
}

#[test]
fn addresses_follow_from_the_base() {
    let found = Endpoints::from_base("https://box/", "v1");
    assert_eq!(found.api, "https://box:9101/v1");
    assert_eq!(found.auth, "https://box:9100");
    assert_eq!(found.stream, "https://box:9102/v1");
}

#[test]
fn trailing_slashes_are_stripped_and_odd_schemes_refused() {
    let client = Client::new(target("http://h:1/v1//")).unwrap();
    assert_eq!(client.endpoints().api, "http://h:1/v1");
    let error = Client::new(target("ftp://h/v1")).unwrap_err();
    assert!(matches!(&error, Error::Address { url, .. } if url == "ftp://h/v1"), "{error}");
    let error = Client::new(target("no address")).unwrap_err();
    assert!(error.to_string().contains("\"no address\""), "{error}");
}

#[test]
fn a_bundle_that_is_none_is_named() {
    let trust = Trust::Bundle("/no/such/bundle.pem".into());
    let error = Client::new(Target { trust, ..target("https://h/v1") }).unwrap_err();
    assert!(error.to_string().contains("/no/such/bundle.pem"), "{error}");
}

#[test]
fn credentials_are_not_shown() {
    let text = format!("{:?}", Credential::Token("abc".into()));
    assert!(!text.contains("abc"));
    let client = Client::new(target("http://h/v1"))
        .unwrap()
        .with_credential(Some(Credential::ApiKey("abc".into())));
    assert!(!format!("{client:?}").contains("abc"));
}

#[test]
fn only_statuses_that_move_by_themselves_are_waited_for() {
    assert!(
        ["requested", "scheduled", "running", "canceling"].iter().all(|status| is_waiting(status))
    );
    assert!(
        !["delayed", "paused", "pending", "succeeded", "canceled", "timeout"]
            .iter()
            .any(|status| is_waiting(status))
    );
}

#[test]
fn a_refusal_reads_like_the_contract_says() {
    let error = Error::Status {
        status: 404,
        reason: "Not Found".into(),
        fault: "no such thing".into(),
        stated: true,
        url: "http://h/v1/rules/x".into(),
    };
    assert_eq!(
        error.to_string(),
        "404 Client Error: Not Found\nMESSAGE: no such thing for url: http://h/v1/rules/x"
    );
}

#[test]
fn names_cannot_leave_their_segment() {
    assert_eq!(segment("a:b.c_d-e"), "a:b.c_d-e");
    assert_eq!(segment("a/b?c#d e%\u{e9}"), "a%2Fb%3Fc%23d%20e%25%C3%A9");
}

//! Laws of ids, times, references and the transition table.

use super::*;
use serde_json::json;

fn object(value: serde_json::Value) -> Object {
    value.as_object().cloned().expect("an object")
}

#[test]
fn derived_ids_depend_on_every_part() {
    let id = |parts: &[&str]| Id::<kinds::Execution>::derived(parts);
    assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
    assert_ne!(id(&["a", "bc"]), id(&["ab", "c"]));
    let text = id(&["a"]).to_string();
    assert_eq!(text.len(), 24);
    assert_eq!(text.parse(), Ok(id(&["a"])));
    assert!("xyz".parse::<Id<kinds::Execution>>().is_err());
}

#[test]
fn derived_ids_sort_by_their_time() {
    let at = |seconds: i64| {
        Id::<kinds::Execution>::derived_at(Timestamp::from_micros(seconds * 1_000_000), &["x"])
    };
    assert!(at(5) < at(6));
    assert_eq!(at(1_784_534_400).created_at().to_string(), "2026-07-20T08:00:00.000000Z");
}

#[test]
fn timestamps_read_what_clients_send() {
    for text in [
        "2026-07-20T08:00:00.120000Z",
        "2026-07-20 08:00:00.120Z",
        "2026-07-20T08:00:00.1200+00",
        "2026-07-20T08:00:00.120+0000",
        "2026-07-20T08:00:00.120000+00:00",
    ] {
        let at: Timestamp = text.parse().expect(text);
        assert_eq!(at.to_string(), "2026-07-20T08:00:00.120000Z", "{text}");
    }
    for text in [
        "2026-07-20",
        "2026-07-20T08:00:00",
        "2026-07-20T08:00:00.1Z",
        "x",
        "",
        "2026-13-20T08:00:00Z",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
}

#[test]
fn references_split_at_the_first_dot() {
    let reference: ResourceRef = "core.st2.webhook".parse().expect("a ref");
    assert_eq!((reference.pack(), reference.name()), ("core", "st2.webhook"));
    for text in ["core", "", ".x", "core."] {
        assert!(text.parse::<ResourceRef>().is_err(), "{text}");
    }
}

#[test]
fn trigger_uids_hash_parameters_as_the_original_does() {
    let kind: ResourceRef = "core.st2.webhook".parse().expect("a ref");
    let uid = |parameters| Trigger::of(&kind, parameters).expect("a trigger").uid().to_string();
    assert!(uid(object(json!({"url": "my/hook"}))).ends_with(":d8abcd4400870a77e79bdbcbaf2526cb"));
    assert_eq!(uid(Object::new()), "trigger:core:st2.webhook:99914b932bd37a50b983c5e7c90ae93b");
}

#[test]
fn completed_statuses_go_nowhere() {
    for from in ExecutionStatus::COMPLETED {
        for to in ExecutionStatus::ALL {
            assert!(!from.may_become(to), "{from} -> {to}");
        }
    }
}

#[test]
fn every_open_status_reaches_an_end_and_nothing_becomes_itself() {
    for from in ExecutionStatus::ALL {
        assert!(!from.may_become(from), "{from}");
        if !from.is_completed() {
            assert!(ExecutionStatus::COMPLETED.iter().any(|to| from.may_become(*to)), "{from}");
        }
        assert_eq!(from.as_str().parse(), Ok(from));
    }
}

#[test]
fn secrets_do_not_show() {
    let secret = Secret::new("hunter2".to_owned());
    assert_eq!(format!("{secret} {secret:?}"), "******** ********");
    assert_eq!(serde_json::to_string(&secret).expect("json"), "\"********\"");
    assert_eq!(secret.reveal(), "hunter2");
}

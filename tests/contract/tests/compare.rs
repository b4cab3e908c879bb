//! Whether an answer is the recorded one, with stand-ins for values that differ by nature.

use serde_json::Value;

/// Statuses of executions that are on their way.
const MOVING: [&str; 4] = ["requested", "scheduled", "delayed", "running"];

/// Every place where `actual` is not what was `recorded`. `may_have_moved`: an execution that was
/// on its way when its status was recorded may be further by now.
pub(crate) fn differences(recorded: &Value, actual: &Value, may_have_moved: bool) -> Vec<String> {
    let mut found = Vec::new();
    let is_moving = |status: &Value| status.as_str().is_some_and(|text| MOVING.contains(&text));
    let mut compare = |path: &str, recorded: &Value, actual: &Value| {
        let has_moved = may_have_moved && path.ends_with(".status") && is_moving(recorded);
        if !has_moved && !is_same(path, recorded, actual) {
            found.push(format!("{path}: expected {recorded}, got {actual}"));
        }
    };
    at("", recorded, actual, &mut compare);
    found
}

fn at(path: &str, recorded: &Value, actual: &Value, compare: &mut dyn FnMut(&str, &Value, &Value)) {
    match (recorded, actual) {
        (Value::Object(recorded), Value::Object(actual)) => {
            let nothing = Value::String("(nothing)".to_owned());
            for (name, value) in recorded {
                let path = format!("{path}.{name}");
                at(&path, value, actual.get(name).unwrap_or(&nothing), compare);
            }
            for (name, value) in actual.iter().filter(|(name, _)| !recorded.contains_key(*name)) {
                compare(&format!("{path}.{name}"), &nothing, value);
            }
        }
        (Value::Array(recorded), Value::Array(actual)) if recorded.len() == actual.len() => {
            for (index, (recorded, actual)) in recorded.iter().zip(actual).enumerate() {
                at(&format!("{path}.{index}"), recorded, actual, compare);
            }
        }
        _ => compare(path, recorded, actual),
    }
}

fn is_same(path: &str, recorded: &Value, actual: &Value) -> bool {
    match (recorded, actual) {
        (Value::String(pattern), Value::Number(_)) => pattern == "<num>",
        // What we ship is described in our own words.
        (Value::String(_), Value::String(text)) if path.ends_with(".description") => {
            text != "(nothing)"
        }
        (Value::String(pattern), Value::String(text)) if path.ends_with(".faultstring") => {
            is_same_fault(pattern, text)
        }
        (Value::String(pattern), Value::String(text)) => matches(pattern, text),
        _ => recorded == actual,
    }
}

/// Of a fault the first line counts: what follows is the validator's long form. Of texts that
/// come from a parser or a database, what stands in front of their own words.
fn is_same_fault(recorded: &str, actual: &str) -> bool {
    for origin in ["Failed to parse request body:", "Tried to save duplicate unique keys"] {
        if recorded.starts_with(origin) {
            return actual.starts_with(origin);
        }
    }
    let first = |text: &str| text.split("\n\n").next().unwrap_or_default().to_owned();
    matches(&first(recorded), &first(actual))
}

const STAND_INS: [&str; 8] =
    ["<id>", "<ts>", "<uuid>", "<num>", "<host>", "<base>", "<path>", "<secret>"];

/// Whether `text` is `pattern` with values for its stand-ins.
fn matches(pattern: &str, text: &str) -> bool {
    let next =
        STAND_INS.iter().filter_map(|stand_in| Some((pattern.find(stand_in)?, *stand_in))).min();
    let Some((start, stand_in)) = next else { return pattern == text };
    let Some(rest) = text.strip_prefix(&pattern[..start]) else { return false };
    let after = &pattern[start + stand_in.len()..];
    // Every way to divide the rest between the stand-in and what follows it.
    (0..=rest.len())
        .filter(|end| rest.is_char_boundary(*end))
        .any(|end| stands_in(stand_in, &rest[..end]) && matches(after, &rest[end..]))
}

fn stands_in(stand_in: &str, text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match stand_in {
        "<id>" => text.len() == 24 && hex(text),
        "<uuid>" => text.len() == 36 && hex(&text.replace('-', "")),
        "<ts>" => text.len() >= 19 && text.as_bytes()[4] == b'-' && text.as_bytes()[10] == b'T',
        "<num>" => !text.is_empty() && text.parse::<f64>().is_ok(),
        _ => !text.is_empty() && text != "(nothing)",
    }
}

#[test]
fn stand_ins_stand_for_values_of_their_kind() {
    assert!(matches("core.<uuid>", "core.8b45d417-8529-4a94-a027-018f5a534a00"));
    assert!(!matches("core.<uuid>", "core.8b45d417"));
    assert!(matches("<id>:<id>!", "65aa00000000000000000001:65aa00000000000000000002!"));
    assert!(matches("<ts>", "2026-01-01T00:00:00.000000Z"));
    assert!(matches("plain", "plain") && !matches("plain", "other"));
}

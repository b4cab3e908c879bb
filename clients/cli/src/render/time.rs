//! Timestamps and durations for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

const FINISHED: [&str; 5] = ["succeeded", "failed", "timeout", "canceled", "abandoned"];

/// `Thu, 01 Jan 2026 00:00:00 UTC`; a text that is no timestamp is left as it is.
pub(crate) fn display(text: &str, zone: &TimeZone) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => {
            time.to_zoned_datetime(zone.clone()).strftime("%a, %d %b %Y %H:%M:%S %Z").to_string()
        }
        Err(_) => text.to_owned(),
    }
}

/// Whole seconds an execution has taken, or has been running for.
pub(crate) fn elapsed(execution: &Value, now: Timestamp) -> Option<i64> {
    let time = |name: &str| {
        execution.get(name).and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok())
    };
    let status = execution.get("status").and_then(Value::as_str)?;
    let start = time("start_timestamp")?;
    let end = match time("end_timestamp") {
        Some(end) if FINISHED.contains(&status) => end,
        _ if status == "running" => now,
        _ => return None,
    };
    Some(end.as_second() - start.as_second())
}

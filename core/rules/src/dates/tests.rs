//! Dates beyond the recordings.

use st2_model::Timestamp;

use super::parse;

fn read(text: &str) -> String {
    let now: Timestamp = "2026-03-15T12:30:45.500000Z".parse().unwrap();
    match parse(text, now) {
        Ok(at) => at.to_string(),
        Err(reason) => reason,
    }
}

#[test]
fn iso_forms() {
    for (text, expected) in [
        ("2026", "2026-01-01T00:00:00.000000Z"),
        ("2026-02", "2026-02-01T00:00:00.000000Z"),
        ("20260102T030405.25+0130", "2026-01-02T01:34:05.250000Z"),
        ("2026-W53-1", "2026-12-28T00:00:00.000000Z"),
        ("2026W011", "2025-12-29T00:00:00.000000Z"),
        ("2024-366", "2024-12-31T00:00:00.000000Z"),
        ("2026-12-31T24:00Z", "2027-01-01T00:00:00.000000Z"),
        ("2026-03-15 12:30:45-05", "2026-03-15T17:30:45.000000Z"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn loose_forms() {
    for (text, expected) in [
        ("Sun Mar 15 10:36:28 2026", "2026-03-15T10:36:28.000000Z"),
        ("15th of March 2026 at 5 pm", "2026-03-15T17:00:00.000000Z"),
        ("Jan-02-99", "1999-01-02T00:00:00.000000Z"),
        ("2026/1/2 3:04am", "2026-01-02T03:04:00.000000Z"),
        ("12h30m15s", "2026-03-15T12:30:15.000000Z"),
        ("10 h 36.5", "2026-03-15T10:36:30.000000Z"),
        ("990102", "1999-01-02T00:00:00.000000Z"),
        ("13 pm", "2026-03-15T13:00:00.000000Z"),
        ("20260102 0304", "2026-01-02T03:04:00.000000Z"),
        ("2026-03-15 12:00:00 -03:00 (BRT)", "2026-03-15T15:00:00.000000Z"),
        ("12:00 GMT+2", "2026-03-15T14:00:00.000000Z"),
        ("tue", "2026-03-17T00:00:00.000000Z"),
        ("feb", "2026-02-15T00:00:00.000000Z"),
        ("1.5.2026", "2026-01-05T00:00:00.000000Z"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_date_says_why() {
    for (text, expected) in [
        ("", "it contains no date"),
        ("hello", "unknown format"),
        ("1 2 3 4 5", "unknown format"),
        ("2026-02-30", "day is out of range for month"),
        ("10:61", "minute must be in 0..59"),
        ("0000-01-01", "year 0 is out of range"),
        ("9999-12-31T23:59:59-12", "date value out of range"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert_eq!(read(&"1".repeat(5_000)), "it is too long");
}

//! Dates as people write them: ISO 8601 first, then whatever can be made out of the words.
//!
//! Parts that are missing come from today; a time without a zone, or with a zone nobody knows, is
//! UTC. "Today" is the caller's `now`, never a clock.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use st2_model::Timestamp;

mod found;
mod iso;
mod loose;
mod tokens;
mod words;
mod ymd;

#[cfg(test)]
mod tests;

/// A date and time with the offset from UTC that stood with it, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Zoned {
    civil: DateTime,
    offset_seconds: i64,
}

/// The point in time that `text` tells; `Err` says what is wrong with it.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let zoned = match iso::parse(text) {
        Some(zoned) => zoned,
        None => loose::parse(text, today(now))?,
    };
    let point = TimeZone::UTC
        .to_timestamp(zoned.civil)
        .map_err(|_| "date value out of range".to_owned())?;
    let micros = point
        .as_microsecond()
        .checked_sub(zoned.offset_seconds.saturating_mul(1_000_000))
        .ok_or("date value out of range")?;
    Ok(Timestamp::from_micros(micros))
}

fn today(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now.to_jiff()).date()
}

/// `year-month-day`, or what is wrong with it.
fn date(year: i64, month: i64, day: i64) -> Result<Date, String> {
    let year = i16::try_from(year)
        .ok()
        .filter(|year| (1..=9999).contains(year))
        .ok_or_else(|| format!("year {year} is out of range"))?;
    let month = i8::try_from(month)
        .ok()
        .filter(|month| (1..=12).contains(month))
        .ok_or("month must be in 1..12")?;
    i8::try_from(day)
        .ok()
        .and_then(|day| Date::new(year, month, day).ok())
        .ok_or_else(|| "day is out of range for month".to_owned())
}

/// `hour:minute:second.micro`, or what is wrong with it.
fn time(hour: i64, minute: i64, second: i64, micro: i64) -> Result<Time, String> {
    let part = |value: i64, below: i8, name: &str| {
        i8::try_from(value)
            .ok()
            .filter(|part| (0..below).contains(part))
            .ok_or_else(|| format!("{name} must be in 0..{}", below - 1))
    };
    let hour = part(hour, 24, "hour")?;
    let minute = part(minute, 60, "minute")?;
    let second = part(second, 60, "second")?;
    let nanos = i32::try_from(micro.saturating_mul(1000)).unwrap_or(-1);
    Time::new(hour, minute, second, nanos).map_err(|_| "microsecond out of range".to_owned())
}

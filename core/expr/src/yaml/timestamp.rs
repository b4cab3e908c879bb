//! Dates and times of YAML 1.1.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime};
use regex::{Captures, Regex};

use super::YamlValue;

static SHAPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})|(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})(?:[Tt]|[ \t]+)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]*))?(?:[ \t]*(?:(?P<utc>Z)|(?P<sign>[-+])(?P<zone_hours>[0-9]{1,2})(?::(?P<zone_minutes>[0-9]{2}))?))?)$",
    )
    .ok()
});

pub(super) fn looks_like_one(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && SHAPE.as_ref().is_some_and(|shape| shape.is_match(text))
}

pub(super) fn read(text: &str) -> Result<YamlValue, String> {
    let wrong = || format!("'{text}' is no date or time");
    let parts = SHAPE.as_ref().and_then(|shape| shape.captures(text)).ok_or_else(wrong)?;
    if let Some(date) = parts.name("date") {
        let fields: Vec<i64> =
            date.as_str().split('-').filter_map(|field| field.parse().ok()).collect();
        let [year, month, day] = fields.as_slice() else {
            return Err(wrong());
        };
        return date_of(*year, *month, *day).map(YamlValue::Date).ok_or_else(wrong);
    }
    datetime_of(&parts).ok_or_else(wrong)
}

fn date_of(year: i64, month: i64, day: i64) -> Option<Date> {
    if year < 1 {
        return None;
    }
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn datetime_of(parts: &Captures<'_>) -> Option<YamlValue> {
    let field = |name: &str| -> Option<i64> { parts.name(name)?.as_str().parse().ok() };
    let date = date_of(field("year")?, field("month")?, field("day")?)?;
    let micros: String = parts
        .name("fraction")
        .map_or("", |fraction| fraction.as_str())
        .chars()
        .chain(std::iter::repeat('0'))
        .take(6)
        .collect();
    let nanos = micros.parse::<i32>().ok()?.checked_mul(1000)?;
    let (hour, minute, second) = (field("hour")?, field("minute")?, field("second")?);
    if second > 59 {
        return None;
    }
    let local = DateTime::new(
        date.year(),
        date.month(),
        date.day(),
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        nanos,
    )
    .ok()?;
    let offset = if parts.name("utc").is_some() {
        Some(0)
    } else if let Some(sign) = parts.name("sign") {
        let minutes = field("zone_hours")? * 60 + field("zone_minutes").unwrap_or(0);
        if minutes >= 24 * 60 {
            return None;
        }
        let seconds = i32::try_from(minutes * 60).ok()?;
        Some(if sign.as_str() == "-" { -seconds } else { seconds })
    } else {
        None
    };
    Some(YamlValue::DateTime { local, offset })
}

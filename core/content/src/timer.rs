//! Parameters of timers, beyond what their schema says: a timer that could never fire is refused
//! when the rule is made.

use serde_json::Value;
use st2_model::Object;

use crate::problem::Fault;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const ORDINALS: [&str; 6] = ["1st", "2nd", "3rd", "4th", "5th", "last"];

/// The fields of a CronTimer with the least and the greatest value of each.
const CRON_FIELDS: [(&str, u32, u32); 8] = [
    ("year", 1970, 9999),
    ("month", 1, 12),
    ("day", 1, 31),
    ("week", 1, 53),
    ("day_of_week", 0, 6),
    ("hour", 0, 23),
    ("minute", 0, 59),
    ("second", 0, 59),
];

/// Checks the parameters of the timer type `name`; other trigger types pass.
///
/// # Errors
/// The first parameter that can not be meant.
pub(crate) fn check(name: &str, parameters: &Object) -> Result<(), Fault> {
    match name {
        "st2.IntervalTimer" => check_interval(parameters)?,
        "st2.DateTimer" => check_date(parameters)?,
        "st2.CronTimer" => check_cron(parameters)?,
        _ => return Ok(()),
    }
    check_zone(parameters)
}

fn check_interval(parameters: &Object) -> Result<(), Fault> {
    match parameters.get("delta").and_then(Value::as_i64) {
        Some(delta) if delta < 1 => {
            Err(Fault::new("delta", format!("an interval of {delta} never passes; 1 is the least")))
        }
        _ => Ok(()),
    }
}

/// Dates are read leniently when the timer is scheduled; what has no digit is none.
fn check_date(parameters: &Object) -> Result<(), Fault> {
    match parameters.get("date").and_then(Value::as_str) {
        Some(date) if !date.contains(|c: char| c.is_ascii_digit()) => {
            Err(Fault::new("date", format!("\"{date}\" is no date")))
        }
        _ => Ok(()),
    }
}

fn check_zone(parameters: &Object) -> Result<(), Fault> {
    let Some(name) = parameters.get("timezone").and_then(Value::as_str) else {
        return Ok(());
    };
    // Where the system has no time zones, nothing can be said about a name.
    if jiff::tz::db().is_definitively_empty() || jiff::tz::TimeZone::get(name).is_ok() {
        return Ok(());
    }
    Err(Fault::new("timezone", format!("No time zone found with key {name}")))
}

fn check_cron(parameters: &Object) -> Result<(), Fault> {
    for (field, min, max) in CRON_FIELDS {
        let text = match parameters.get(field) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        for part in text.split(',') {
            check_expression(field, part.trim(), min, max)
                .map_err(|reason| Fault::new(field, reason))?;
        }
    }
    Ok(())
}

/// One expression of one field: `*`, `*/n`, `a`, `a-b`, `a-b/n`, names, and what only days have.
fn check_expression(field: &str, text: &str, min: u32, max: u32) -> Result<(), String> {
    let unknown = || format!("Unrecognized expression \"{text}\" for field \"{field}\"");
    if field == "day" && check_day(text)? {
        return Ok(());
    }
    let (range, step) = match text.split_once('/') {
        None => (text, None),
        Some((range, step)) => (range, Some(step.parse::<u32>().map_err(|_| unknown())?)),
    };
    let (first, last) = match range {
        "*" => (min, max),
        range => match range.split_once('-') {
            None => {
                let only = number(field, range).ok_or_else(unknown)?;
                (only, if step.is_some() { max } else { only })
            }
            Some((first, last)) => (
                number(field, first).ok_or_else(unknown)?,
                number(field, last).ok_or_else(unknown)?,
            ),
        },
    };
    if first > last {
        return Err("The minimum value in a range must not be higher than the maximum".into());
    }
    if first < min {
        return Err(format!(
            "Error validating expression '{text}': the first value ({first}) is lower than the \
             minimum value ({min})"
        ));
    }
    if last > max {
        return Err(format!(
            "Error validating expression '{text}': the last value ({last}) is higher than the \
             maximum value ({max})"
        ));
    }
    match step {
        Some(0) => Err("Increment must be higher than 0".into()),
        Some(step) if step > max - min => Err(format!(
            "Error validating expression '{text}': the step value ({step}) is higher than the \
             total range of the expression ({})",
            max - min
        )),
        _ => Ok(()),
    }
}

/// Whether the text is `last` or an ordinal with a weekday, which count from the month's ends.
fn check_day(text: &str) -> Result<bool, String> {
    if text.eq_ignore_ascii_case("last") {
        return Ok(true);
    }
    let Some((ordinal, weekday)) = text.split_once(char::is_whitespace) else {
        return Ok(false);
    };
    if !ORDINALS.iter().any(|known| known.eq_ignore_ascii_case(ordinal)) {
        return Ok(false);
    }
    match index_of(&WEEKDAYS, weekday.trim()) {
        Some(_) => Ok(true),
        None => Err(format!("Invalid weekday name \"{weekday}\"")),
    }
}

fn number(field: &str, text: &str) -> Option<u32> {
    let named = match field {
        "month" => index_of(&MONTHS, text).map(|index| index + 1),
        "day_of_week" => index_of(&WEEKDAYS, text),
        _ => None,
    };
    named.or_else(|| text.parse().ok())
}

fn index_of(names: &[&str], text: &str) -> Option<u32> {
    let index = names.iter().position(|name| name.eq_ignore_ascii_case(text))?;
    u32::try_from(index).ok()
}

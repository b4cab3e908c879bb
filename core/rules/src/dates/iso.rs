//! ISO 8601: calendar, week and ordinal dates, with or without separators; any one character
//! between date and time.

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, ISOWeekDate, Time, Weekday};

use super::Zoned;

/// `text` read as ISO 8601; `None` when it is anything else.
pub(super) fn parse(text: &str) -> Option<Zoned> {
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    if !text.is_ascii() {
        return None;
    }
    let date = calendar_date(&mut reader).or_else(|| {
        reader.at = 0;
        week_or_ordinal_date(&mut reader)
    })?;
    if reader.peek().is_none() {
        return Some(Zoned { civil: date.to_datetime(Time::midnight()), offset_seconds: 0 });
    }
    reader.at += 1;
    time_of(&mut reader, date)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Four digits that name a year; there is no year 0.
    fn year(&mut self) -> Option<i16> {
        self.digits(4).filter(|year| *year > 0)
    }

    /// Exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i16> {
        let digits = self.text.get(self.at..self.at + count)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.at += count;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Two digits; one is enough at the end.
    fn pair(&mut self) -> Option<i8> {
        let count = usize::min(2, self.text.len().saturating_sub(self.at)).max(1);
        self.digits(count).and_then(|n| i8::try_from(n).ok())
    }
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, `YYYYMMDD`.
fn calendar_date(reader: &mut Reader<'_>) -> Option<Date> {
    let year = reader.year()?;
    if reader.peek().is_none() {
        return Date::new(year, 1, 1).ok();
    }
    let separated = reader.take(b'-');
    let month = i8::try_from(reader.digits(2)?).ok()?;
    if reader.peek().is_none() {
        return Date::new(year, month, 1).ok().filter(|_| separated);
    }
    if separated && !reader.take(b'-') {
        return None;
    }
    let day = i8::try_from(reader.digits(2)?).ok()?;
    Date::new(year, month, day).ok()
}

/// `YYYY-Www`, `YYYY-Www-D`, `YYYY-DDD`, and the same without separators.
fn week_or_ordinal_date(reader: &mut Reader<'_>) -> Option<Date> {
    let year = reader.year()?;
    let separated = reader.take(b'-');
    if !reader.take(b'W') {
        let day = reader.digits(3)?;
        let first = Date::new(year, 1, 1).ok()?;
        let last = first.days_in_year();
        return (1..=last)
            .contains(&day)
            .then(|| first.checked_add(i64::from(day - 1).days()).ok())
            .flatten();
    }
    let week = i8::try_from(reader.digits(2)?).ok()?;
    let mut weekday = 1;
    if reader.peek().is_some() {
        if reader.take(b'-') != separated {
            return None;
        }
        weekday = i8::try_from(reader.digits(1)?).ok()?;
    }
    let weekday = Weekday::from_monday_one_offset(weekday).ok()?;
    ISOWeekDate::new(year, week, weekday).ok().map(ISOWeekDate::date)
}

/// `hh`, `hh:mm`, `hhmm`, `hh:mm:ss`, `hhmmss`, a fraction after a dot or a comma, a zone.
fn time_of(reader: &mut Reader<'_>, date: Date) -> Option<Zoned> {
    let mut parts = [0_i8; 3];
    let mut micros = 0;
    let mut offset_seconds = 0;
    let mut separated = false;
    let is_zone = |b: Option<u8>| matches!(b, Some(b'+' | b'-' | b'Z' | b'z'));
    *parts.first_mut()? = reader.pair()?;
    for (nth, part) in parts.iter_mut().enumerate().skip(1) {
        if reader.peek().is_none() || is_zone(reader.peek()) {
            break;
        }
        match nth {
            1 => separated = reader.take(b':'),
            _ if separated && !reader.take(b':') => return None,
            _ => {}
        }
        *part = reader.pair()?;
    }
    if reader.take(b'.') || reader.take(b',') {
        micros = fraction(reader)?;
    }
    if is_zone(reader.peek()) {
        offset_seconds = zone(reader)?;
    }
    if reader.peek().is_some() {
        return None;
    }
    let [hour, minute, second] = parts;
    if hour == 24 {
        let midnight = minute == 0 && second == 0 && micros == 0;
        let next = date.tomorrow().ok().filter(|_| midnight)?;
        return Some(Zoned { civil: next.to_datetime(Time::midnight()), offset_seconds });
    }
    let time = Time::new(hour, minute, second, micros.checked_mul(1000)?).ok()?;
    Some(Zoned { civil: DateTime::from_parts(date, time), offset_seconds })
}

/// Digits after the point as microseconds; those beyond the sixth are dropped.
fn fraction(reader: &mut Reader<'_>) -> Option<i32> {
    let rest = reader.text.get(reader.at..)?;
    let digits: String =
        rest.iter().take_while(|b| b.is_ascii_digit()).map(|b| char::from(*b)).collect();
    reader.at += digits.len();
    let six: String = digits.chars().take(6).collect();
    if six.is_empty() {
        return None;
    }
    format!("{six:0<6}").parse().ok()
}

/// `Z`, `±hh`, `±hhmm`, `±hh:mm`, as seconds east.
fn zone(reader: &mut Reader<'_>) -> Option<i64> {
    if reader.take(b'Z') || reader.take(b'z') {
        return Some(0);
    }
    let sign = if reader.take(b'-') { -1 } else { 1 };
    if sign == 1 && !reader.take(b'+') {
        return None;
    }
    let hours = i64::from(reader.digits(2)?);
    let mut minutes = 0;
    if reader.peek().is_some() {
        reader.take(b':');
        minutes = i64::from(reader.digits(2)?);
    }
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

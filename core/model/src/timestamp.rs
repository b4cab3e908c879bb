//! Points in time, UTC, to the microsecond.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z. Stored as that number, shown as
/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point `micros` microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This point moved forward by `by`; stops at the end of time.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` to here; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The calendar view of this point.
    #[must_use]
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    /// The point of a calendar view.
    #[must_use]
    pub fn from_jiff(at: jiff::Timestamp) -> Self {
        Self(at.as_microsecond())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_jiff().strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
    }
}

/// A text that is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a UTC time: YYYY-MM-DDTHH:MM:SS, up to six fraction digits, then Z is expected"
)]
pub struct ParseTimestampError(pub String);

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// Reads what StackStorm's clients send: `T` or a blank between date and time, three to six
    /// fraction digits or none, and `Z`, `+00`, `+0000` or `+00:00` at the end.
    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        parse(text).ok_or_else(|| ParseTimestampError(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Timestamp> {
    let stem = ["Z", "+00:00", "+0000", "+00"].iter().find_map(|zone| text.strip_suffix(zone))?;
    let (seconds, fraction) = stem.split_once('.').map_or((stem, None), |(s, f)| (s, Some(f)));
    let separator = seconds.as_bytes().get(10)?;
    if seconds.len() != 19 || !matches!(separator, b'T' | b' ') {
        return None;
    }
    let micros = match fraction {
        None => 0,
        Some(digits)
            if (3..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            format!("{digits:0<6}").parse::<i64>().ok()?
        }
        Some(_) => return None,
    };
    let civil: jiff::civil::DateTime = seconds.parse().ok()?;
    let at = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(Timestamp(at.as_microsecond().checked_add(micros)?))
}

//! The parts of a date as far as a text tells them, and the date they make.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::Zoned;
use super::ymd::{Parts, Ymd, days_in_month};

/// What the text has told so far.
#[derive(Default)]
pub(super) struct Found {
    pub(super) ymd: Ymd,
    pub(super) weekday: Option<usize>,
    pub(super) hour: Option<i64>,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
    pub(super) micro: Option<i64>,
    pub(super) zone_name: bool,
    pub(super) offset_seconds: Option<i64>,
}

impl Found {
    /// The date these parts make, with today's where there are none.
    pub(super) fn build(&self, (year, month, day): Parts, today: Date) -> Result<Zoned, String> {
        let told = [year, month, day, self.hour, self.minute, self.second];
        let nothing = told.iter().all(Option::is_none);
        if nothing && self.weekday.is_none() && !self.zone_name && self.offset_seconds.is_none() {
            return Err("it contains no date".to_owned());
        }
        let year = year.map_or(i64::from(today.year()), |year| self.full_year(year, today));
        let month = month.unwrap_or_else(|| i64::from(today.month()));
        let given_day = day;
        let day = day.unwrap_or_else(|| {
            let last = days_in_month(year, month);
            i64::from(today.day()).min(if last == 0 { 31 } else { last })
        });
        let mut date = super::date(year, month, day)?;
        let time = super::time(
            self.hour.unwrap_or(0),
            self.minute.unwrap_or(0),
            self.second.unwrap_or(0),
            self.micro.unwrap_or(0),
        )?;
        if let (Some(weekday), None | Some(0)) = (self.weekday, given_day) {
            date = on_or_after(date, weekday)?;
        }
        Ok(Zoned {
            civil: date.to_datetime(time),
            offset_seconds: self.offset_seconds.unwrap_or(0),
        })
    }

    /// Two-digit years lie within fifty years of today.
    fn full_year(&self, year: i64, today: Date) -> i64 {
        if year >= 100 || self.ymd.century_given {
            return year;
        }
        let this_year = i64::from(today.year());
        let year = year + this_year / 100 * 100;
        if year >= this_year + 50 {
            year - 100
        } else if year < this_year - 50 {
            year + 100
        } else {
            year
        }
    }
}

fn on_or_after(date: Date, weekday: usize) -> Result<Date, String> {
    let weekday = i64::try_from(weekday).unwrap_or(0);
    let own = i64::from(date.weekday().to_monday_zero_offset());
    date.checked_add((weekday - own).rem_euclid(7).days())
        .map_err(|_| "date value out of range".to_owned())
}

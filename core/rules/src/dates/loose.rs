//! Dates in any order and with words in them: `Mar 15 2026 12:30 PM`, `15.03.2026`, `5`, `Mon`.

use jiff::civil::Date;

use super::Zoned;
use super::found::Found;
use super::words;
use super::ymd::Label;

/// Longer texts hold no date.
const BYTES_MAX: usize = 1000;

/// The date that `text` tells on the day `today`, or what is wrong with it.
pub(super) fn parse(text: &str, today: Date) -> Result<Zoned, String> {
    if text.len() > BYTES_MAX {
        return Err("it is too long".to_owned());
    }
    let mut reader = Reader { tokens: super::tokens::split(text), at: 0, found: Found::default() };
    let parts = reader.read().and_then(|()| reader.found.ymd.resolve()).ok_or("unknown format")?;
    reader.found.build(parts, today)
}

struct Reader {
    tokens: Vec<String>,
    at: usize,
    found: Found,
}

/// Hours of a clock with twelve of them as hours of one with twenty-four.
const fn full_hour(hour: i64, is_pm: bool) -> i64 {
    match (hour, is_pm) {
        (12, false) => 0,
        (hour, true) if hour < 12 => hour + 12,
        (hour, _) => hour,
    }
}

/// The whole number and the fraction of a second as microseconds.
fn seconds_of(text: &str) -> Option<(i64, i64)> {
    let Some((whole, fraction)) = text.split_once('.') else {
        return Some((text.parse().ok()?, 0));
    };
    let six: String = fraction.chars().take(6).collect();
    Some((whole.parse().ok()?, format!("{six:0<6}").parse().ok()?))
}

/// The whole part and the fraction.
const fn whole(value: f64) -> (i64, f64) {
    (value as i64, value % 1.0)
}

/// Sixtieths of a fraction.
fn sixtieths(fraction: f64) -> Option<i64> {
    (fraction != 0.0).then_some((60.0 * fraction) as i64)
}

impl Reader {
    fn token(&self, at: usize) -> Option<&str> {
        self.tokens.get(at).map(String::as_str)
    }

    /// `None` when a token fits nowhere.
    fn read(&mut self) -> Option<()> {
        while let Some(token) = self.token(self.at).map(str::to_owned) {
            let is_number = token.bytes().next().is_some_and(|b| b.is_ascii_digit());
            if let Some(value) = token.parse::<f64>().ok().filter(|_| is_number) {
                self.number(&token, value)?;
            } else if let Some(weekday) = words::weekday(&token) {
                self.found.weekday = Some(weekday);
            } else if let Some(month) = words::month(&token) {
                self.month(month)?;
            } else if let Some(is_pm) = words::is_pm(&token) {
                let hour = self.found.hour.filter(|hour| (0..=12).contains(hour))?;
                self.found.hour = Some(full_hour(hour, is_pm));
            } else if self.could_be_zone(&token) {
                self.zone(&token);
            } else if self.found.hour.is_some() && matches!(token.as_str(), "+" | "-") {
                self.offset(if token == "+" { 1 } else { -1 })?;
            } else if !words::is_filler(&token) {
                return None;
            }
            self.at += 1;
        }
        Some(())
    }

    /// A month's name, with what may hang on it: `Jan-01-99`, `Jan of 01`.
    fn month(&mut self, month: i64) -> Option<()> {
        self.found.ymd.push_number(month, Label::Month)?;
        let Some(sep) = self.token(self.at + 1).map(str::to_owned) else {
            return Some(());
        };
        if matches!(sep.as_str(), "-" | "/") {
            let next = self.token(self.at + 2)?.to_owned();
            self.found.ymd.push_digits(&next, Label::Unknown)?;
            if self.token(self.at + 3) == Some(sep.as_str()) {
                let third = self.token(self.at + 4)?.to_owned();
                self.found.ymd.push_digits(&third, Label::Unknown)?;
                self.at += 2;
            }
            self.at += 2;
        } else if sep == " " && self.token(self.at + 3) == Some(" ") {
            let of = self.token(self.at + 2).is_some_and(|w| w.eq_ignore_ascii_case("of"));
            if let Some(year) = self.token(self.at + 4).filter(|_| of) {
                if let Ok(year) = year.parse() {
                    self.found.ymd.push_number(year, Label::Year)?;
                }
                self.at += 4;
            }
        }
        Some(())
    }

    fn could_be_zone(&self, token: &str) -> bool {
        self.found.hour.is_some()
            && !self.found.zone_name
            && self.found.offset_seconds.is_none()
            && token.len() <= 5
            && (token.bytes().all(|b| b.is_ascii_uppercase()) || words::is_utc(token))
    }

    /// A zone's name. `UTC+3` says that three hours more here are UTC, so the sign turns.
    fn zone(&mut self, token: &str) {
        self.found.zone_name = true;
        let next = match self.token(self.at + 1) {
            Some("+") => "-",
            Some("-") => "+",
            _ => {
                self.found.offset_seconds = words::is_utc(token).then_some(0);
                return;
            }
        };
        if let Some(sign) = self.tokens.get_mut(self.at + 1) {
            next.clone_into(sign);
        }
    }

    /// `-0300`, `-03:00`, `-3`.
    fn offset(&mut self, sign: i64) -> Option<()> {
        let first = self.token(self.at + 1)?.to_owned();
        let (hours, minutes): (i64, i64) = if first.len() == 4 {
            (first.get(..2)?.parse().ok()?, first.get(2..)?.parse().ok()?)
        } else if self.token(self.at + 2) == Some(":") {
            let minutes = self.token(self.at + 3)?.parse().ok()?;
            self.at += 2;
            (first.parse().ok()?, minutes)
        } else if first.len() <= 2 {
            (first.parse().ok()?, 0)
        } else {
            return None;
        };
        self.found.offset_seconds = Some(sign * (hours * 3600 + minutes * 60));
        self.skip_zone_in_parentheses();
        self.at += 1;
        Some(())
    }

    /// ` (PST)` after an offset.
    fn skip_zone_in_parentheses(&mut self) {
        let at = self.at;
        let is_zone = self.token(at + 2).is_some_and(words::is_filler)
            && self.token(at + 3) == Some("(")
            && self.token(at + 5) == Some(")")
            && self.token(at + 4).is_some_and(|name| {
                (3..=5).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_uppercase())
            });
        if is_zone {
            self.at += 4;
        }
    }

    /// A number: its length and what follows tell what it is.
    fn number(&mut self, token: &str, value: f64) -> Option<()> {
        let next = self.token(self.at + 1).map(str::to_owned);
        let follows_time = next.as_deref().is_none_or(|n| n != ":" && words::unit(n).is_none());
        let dot = token.find('.');
        let length = token.len();
        if self.found.ymd.len() == 3
            && matches!(length, 2 | 4)
            && self.found.hour.is_none()
            && follows_time
        {
            self.found.hour = Some(token.get(..2)?.parse().ok()?);
            if length == 4 {
                self.found.minute = Some(token.get(2..)?.parse().ok()?);
            }
            return Some(());
        }
        if length == 6 || (length > 6 && dot == Some(6)) {
            return self.six_digits(token);
        }
        if matches!(length, 8 | 12 | 14) {
            return self.long_digits(token);
        }
        if let Some((unit, skip)) = self.unit_nearby() {
            self.at += skip;
            return self.set_unit(unit, token, value);
        }
        match next.as_deref() {
            Some(":") if self.token(self.at + 2).is_some() => self.clock(value),
            Some(sep @ ("-" | "/" | ".")) => self.separated_date(token, sep),
            None => self.lone_number(value),
            Some(word) if words::is_filler(word) => self.lone_number(value),
            Some(word) => match words::is_pm(word) {
                Some(is_pm) if (0.0..24.0).contains(&value) => {
                    self.found.hour = Some(full_hour(whole(value).0, is_pm));
                    self.at += 1;
                    Some(())
                }
                _ if self.found.ymd.could_be_day(whole(value).0) => {
                    self.found.ymd.push_number(whole(value).0, Label::Unknown)
                }
                _ => None,
            },
        }
    }

    /// `YYMMDD`, or `HHMMSS[.ss]` once there is a date.
    fn six_digits(&mut self, token: &str) -> Option<()> {
        let (a, b, rest) = (token.get(..2)?, token.get(2..4)?, token.get(4..)?);
        if self.found.ymd.len() == 0 && !token.contains('.') {
            for digits in [a, b, rest] {
                self.found.ymd.push_digits(digits, Label::Unknown)?;
            }
            return Some(());
        }
        self.found.hour = Some(a.parse().ok()?);
        self.found.minute = Some(b.parse().ok()?);
        self.set_seconds(rest)
    }

    /// `YYYYMMDD[HHMM[SS]]`.
    fn long_digits(&mut self, token: &str) -> Option<()> {
        let ymd = &mut self.found.ymd;
        ymd.push_digits(token.get(..4)?, Label::Year)?;
        ymd.push_digits(token.get(4..6)?, Label::Unknown)?;
        ymd.push_digits(token.get(6..8)?, Label::Unknown)?;
        if token.len() > 8 {
            self.found.hour = Some(token.get(8..10)?.parse().ok()?);
            self.found.minute = Some(token.get(10..12)?.parse().ok()?);
        }
        if token.len() > 12 {
            self.found.second = Some(token.get(12..)?.parse().ok()?);
        }
        Some(())
    }

    /// The unit that stands after or before this number, and how many tokens it takes.
    fn unit_nearby(&self) -> Option<(usize, usize)> {
        let at = self.at;
        let unit = |at: usize| self.token(at).and_then(words::unit);
        let before = |back: usize| at.checked_sub(back).and_then(unit).map(|u| (u + 1, 0));
        if let Some(found) = unit(at + 1) {
            return Some((found, 1));
        }
        let is_apart = self.token(at + 1) == Some(" ");
        if let Some(found) = unit(at + 2).filter(|_| is_apart) {
            return Some((found, 2));
        }
        before(1).or_else(|| {
            let is_last = at + 1 == self.tokens.len();
            let blank = at.checked_sub(1).and_then(|at| self.token(at)) == Some(" ");
            before(2).filter(|_| is_last && blank)
        })
    }

    fn set_unit(&mut self, unit: usize, token: &str, value: f64) -> Option<()> {
        let (number, fraction) = whole(value);
        match unit {
            0 => {
                self.found.hour = Some(number);
                self.found.minute = sixtieths(fraction).or(self.found.minute);
            }
            1 => {
                self.found.minute = Some(number);
                self.found.second = sixtieths(fraction);
            }
            2 => return self.set_seconds(token),
            _ => {}
        }
        Some(())
    }

    fn set_seconds(&mut self, text: &str) -> Option<()> {
        let (second, micro) = seconds_of(text)?;
        self.found.second = Some(second);
        self.found.micro = Some(micro);
        Some(())
    }

    /// `HH:MM[:SS[.ss]]`.
    fn clock(&mut self, value: f64) -> Option<()> {
        self.found.hour = Some(whole(value).0);
        let (minute, fraction) = whole(self.token(self.at + 2)?.parse().ok()?);
        self.found.minute = Some(minute);
        self.found.second = sixtieths(fraction);
        let has_seconds = self.token(self.at + 3) == Some(":");
        let seconds = self.token(self.at + 4).filter(|_| has_seconds);
        if let Some(seconds) = seconds.map(str::to_owned) {
            self.set_seconds(&seconds)?;
            self.at += 2;
        }
        self.at += 2;
        Some(())
    }

    /// `01-02[-03]` with `-`, `/` or `.`; a month may be a word.
    fn separated_date(&mut self, token: &str, sep: &str) -> Option<()> {
        self.found.ymd.push_digits(token, Label::Unknown)?;
        let second = self.token(self.at + 2).map(str::to_owned);
        if let Some(second) = second.filter(|word| !words::is_filler(word)) {
            if second.bytes().all(|b| b.is_ascii_digit()) {
                self.found.ymd.push_digits(&second, Label::Unknown)?;
            } else {
                let month = words::month(&second)?;
                self.found.ymd.push_number(month, Label::Month)?;
            }
            if self.token(self.at + 3) == Some(sep) {
                let third = self.token(self.at + 4)?.to_owned();
                match words::month(&third) {
                    Some(month) => self.found.ymd.push_number(month, Label::Month)?,
                    None => self.found.ymd.push_digits(&third, Label::Unknown)?,
                }
                self.at += 2;
            }
            self.at += 1;
        }
        self.at += 1;
        Some(())
    }

    /// A year, month or day by itself, or `12 am`.
    fn lone_number(&mut self, value: f64) -> Option<()> {
        let number = whole(value).0;
        match self.token(self.at + 2).and_then(words::is_pm) {
            Some(is_pm) => {
                self.found.hour = Some(full_hour(number, is_pm));
                self.at += 1;
            }
            None => self.found.ymd.push_number(number, Label::Unknown)?,
        }
        self.at += 1;
        Some(())
    }
}

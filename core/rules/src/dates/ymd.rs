//! Decides which of up to three numbers is the year, which the month, which the day.

use jiff::civil::Date;

/// Numbers in the order of the text, with what is known of their meaning.
#[derive(Debug, Default)]
pub(super) struct Ymd {
    numbers: Vec<i64>,
    year_at: Option<usize>,
    month_at: Option<usize>,
    pub(super) century_given: bool,
}

/// What a number can be known to be when it is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Unknown,
    Year,
    Month,
}

/// Year, month and day, as far as the text tells.
pub(super) type Parts = (Option<i64>, Option<i64>, Option<i64>);

impl Ymd {
    pub(super) const fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Adds digits as they stand in the text. More than two digits are a year.
    pub(super) fn push_digits(&mut self, digits: &str, label: Label) -> Option<()> {
        let is_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let is_long = is_digits && digits.len() > 2;
        self.push(digits.parse().ok()?, label, is_long)
    }

    /// Adds a number. One above 100 is a year.
    pub(super) fn push_number(&mut self, number: i64, label: Label) -> Option<()> {
        self.push(number, label, number > 100)
    }

    fn push(&mut self, number: i64, label: Label, is_year: bool) -> Option<()> {
        if is_year && label == Label::Month {
            return None;
        }
        let at = self.numbers.len();
        let slot = match label {
            _ if is_year => &mut self.year_at,
            Label::Year => &mut self.year_at,
            Label::Month => &mut self.month_at,
            Label::Unknown => {
                self.numbers.push(number);
                return Some(());
            }
        };
        if slot.is_some() {
            return None;
        }
        *slot = Some(at);
        self.century_given |= is_year;
        self.numbers.push(number);
        Some(())
    }

    /// Whether a number may still be the day of what is known.
    pub(super) fn could_be_day(&self, number: i64) -> bool {
        let at = |place: Option<usize>| place.and_then(|at| self.numbers.get(at)).copied();
        let longest = match (at(self.month_at), at(self.year_at)) {
            (None, _) => 31,
            (Some(month), year) => days_in_month(year.unwrap_or(2000), month),
        };
        (1..=longest).contains(&number)
    }

    /// The meaning of the numbers; `None` when there are too many.
    pub(super) fn resolve(&self) -> Option<Parts> {
        if let Some(parts) = self.resolve_labelled() {
            return Some(parts);
        }
        match *self.numbers.as_slice() {
            [] => Some((None, None, None)),
            [one] => Some(match self.month_at {
                Some(_) => (None, Some(one), None),
                None if one > 31 => (Some(one), None, None),
                None => (None, None, Some(one)),
            }),
            [a, b] => Some(self.resolve_two(a, b)),
            [a, b, c] => Some(self.resolve_three(a, b, c)),
            _ => None,
        }
    }

    /// When every number has a label, or all but one of three.
    fn resolve_labelled(&self) -> Option<Parts> {
        let at = |place: usize| self.numbers.get(place).copied();
        match (self.year_at, self.month_at, self.numbers.len()) {
            (Some(year), None, 1) => Some((at(year), None, None)),
            (None, Some(month), 1) => Some((None, at(month), None)),
            (Some(year), Some(month), 2) => Some((at(year), at(month), None)),
            (Some(year), Some(month), 3) => {
                let day = (0..3).find(|place| *place != year && *place != month)?;
                Some((at(year), at(month), at(day)))
            }
            _ => None,
        }
    }

    fn resolve_two(&self, a: i64, b: i64) -> Parts {
        match self.month_at {
            Some(0) if b > 31 => (Some(b), Some(a), None),
            Some(0) => (None, Some(a), Some(b)),
            Some(_) if a > 31 => (Some(a), Some(b), None),
            Some(_) => (None, Some(b), Some(a)),
            None if a > 31 => (Some(a), Some(b), None),
            None if b > 31 => (Some(b), Some(a), None),
            None => (None, Some(a), Some(b)),
        }
    }

    fn resolve_three(&self, a: i64, b: i64, c: i64) -> Parts {
        let (year, month, day) = match self.month_at {
            Some(0) if b > 31 => (b, a, c),
            Some(0) => (c, a, b),
            Some(1) if a > 31 => (a, b, c),
            Some(1) => (c, b, a),
            Some(_) if b > 31 => (b, c, a),
            Some(_) => (a, c, b),
            None if a > 31 || self.year_at == Some(0) => (a, b, c),
            None if a > 12 => (c, b, a),
            None => (c, a, b),
        };
        (Some(year), Some(month), Some(day))
    }
}

/// Zero when there is no such month.
pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    i16::try_from(year)
        .ok()
        .zip(i8::try_from(month).ok())
        .and_then(|(year, month)| Date::new(year, month, 1).ok())
        .map_or(0, |first| i64::from(first.days_in_month()))
}

//! The words of dates, in English, in any case.

const WEEKDAYS: [[&str; 2]; 7] = [
    ["mon", "monday"],
    ["tue", "tuesday"],
    ["wed", "wednesday"],
    ["thu", "thursday"],
    ["fri", "friday"],
    ["sat", "saturday"],
    ["sun", "sunday"],
];

const MONTHS: [&[&str]; 12] = [
    &["jan", "january"],
    &["feb", "february"],
    &["mar", "march"],
    &["apr", "april"],
    &["may"],
    &["jun", "june"],
    &["jul", "july"],
    &["aug", "august"],
    &["sep", "sept", "september"],
    &["oct", "october"],
    &["nov", "november"],
    &["dec", "december"],
];

const UNITS: [&[&str]; 3] =
    [&["h", "hour", "hours"], &["m", "minute", "minutes"], &["s", "second", "seconds"]];

/// What may stand between the parts without a meaning of its own.
const FILLERS: [&str; 18] = [
    " ", ".", ",", ";", "-", "/", "'", "at", "on", "and", "ad", "m", "t", "of", "st", "nd", "rd",
    "th",
];

const UTC_NAMES: [&str; 4] = ["utc", "gmt", "z", "Z"];

fn position<'a, N: AsRef<[&'a str]>>(table: &[N], word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    table.iter().position(|names| names.as_ref().contains(&word.as_str()))
}

/// 0 is Monday.
pub(super) fn weekday(word: &str) -> Option<usize> {
    position(&WEEKDAYS, word)
}

/// 1 is January.
pub(super) fn month(word: &str) -> Option<i64> {
    position(&MONTHS, word).and_then(|at| i64::try_from(at + 1).ok())
}

/// Hours, minutes, seconds: 0, 1, 2.
pub(super) fn unit(word: &str) -> Option<usize> {
    position(&UNITS, word)
}

/// Whether `word` says "after noon"; `None` when it says neither half of the day.
pub(super) fn is_pm(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "am" | "a" => Some(false),
        "pm" | "p" => Some(true),
        _ => None,
    }
}

pub(super) fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word.to_lowercase().as_str())
}

pub(super) fn is_utc(word: &str) -> bool {
    UTC_NAMES.contains(&word.to_lowercase().as_str())
}

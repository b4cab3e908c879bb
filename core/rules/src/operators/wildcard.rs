//! Shell wildcards over a whole text: `*`, `?`, `[seq]`, `[!seq]`; no escapes.

use crate::error::Error;

/// More comparisons than this are refused: a hostile text must not hold up a worker.
const STEPS_MAX: usize = 10_000_000;

/// A compiled wildcard.
#[derive(Debug, Clone)]
pub(super) struct Wildcard {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    AnyText,
    AnyChar,
    Char(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Part {
    fn accepts(&self, c: char) -> bool {
        match self {
            Self::AnyText | Self::AnyChar => true,
            Self::Char(own) => *own == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

impl Wildcard {
    pub(super) fn new(pattern: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = pattern;
        while let Some(c) = rest.chars().next() {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            parts.push(match c {
                '*' => Part::AnyText,
                '?' => Part::AnyChar,
                '[' => match class_end(rest) {
                    Some((content, after)) => {
                        rest = after;
                        class(content)
                    }
                    None => Part::Char('['),
                },
                other => Part::Char(other),
            });
        }
        Self { parts }
    }

    /// On a mismatch only the last `*` is tried again one character later, which suffices.
    pub(super) fn matches(&self, text: &str) -> Result<bool, Error> {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        for _ in 0..STEPS_MAX {
            let accepted = match (self.parts.get(part), text.get(at)) {
                (Some(Part::AnyText), _) => {
                    retry = Some((part + 1, at));
                    part += 1;
                    continue;
                }
                (Some(p), Some(c)) => p.accepts(*c),
                (None, None) => return Ok(true),
                _ => false,
            };
            if accepted {
                part += 1;
                at += 1;
                continue;
            }
            match &mut retry {
                Some((after_star, from)) if *from < text.len() => {
                    *from += 1;
                    part = *after_star;
                    at = *from;
                }
                _ => return Ok(false),
            }
        }
        Err(Error::TooManySteps { what: "matching the wildcard".to_owned() })
    }
}

/// What stands between `[` and its `]`, and what follows. A `]` that comes first is a member.
fn class_end(rest: &str) -> Option<(&str, &str)> {
    let body = rest.strip_prefix('!').unwrap_or(rest);
    let skip = rest.len() - body.len() + usize::from(body.starts_with(']'));
    let end = skip + rest.get(skip..)?.find(']')?;
    Some((rest.get(..end)?, rest.get(end + 1..)?))
}

fn class(content: &str) -> Part {
    let (negated, members) = match content.strip_prefix('!') {
        Some(members) => (true, members),
        None => (false, content),
    };
    let members: Vec<char> = members.chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some('-'), Some(high)) => {
                if low <= high {
                    ranges.push((*low, *high));
                }
                at += 3;
            }
            _ => {
                ranges.push((*low, *low));
                at += 1;
            }
        }
    }
    Part::Class { negated, ranges }
}

//! Reads a pattern with Python's grammar and writes it for the engine.

use std::collections::HashMap;

use super::Texts;
use super::flags::Flags;
use super::piece::{Kind, Piece, UNBOUNDED};

/// Groups and look-arounds may stand this deep in each other.
const DEPTH_MAX: usize = 100;
/// Python's own limit of a repetition count.
const REPEAT_MAX: u64 = 4_294_967_295;

/// Why a pattern is refused, and where.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) position: usize,
    pub(super) reason: String,
}

pub(super) type Parsed<T> = Result<T, Problem>;

/// What is known of a capturing group; `None` while it is open.
pub(super) type GroupWidth = Option<(u64, u64)>;

/// The state of one translation.
pub(super) struct Parser {
    chars: Vec<char>,
    pub(super) at: usize,
    pub(super) flags: Flags,
    pub(super) texts: Texts,
    /// By group number less one.
    pub(super) groups: Vec<GroupWidth>,
    pub(super) names: HashMap<String, usize>,
    /// Groups that conditions name, with the place, checked at the end.
    pub(super) conditions: Vec<(usize, usize)>,
    depth: usize,
}

/// A pattern, written for the engine.
pub(super) struct Translated {
    pub(super) text: String,
    /// The names of the capturing groups, by number less one.
    pub(super) names: Vec<Option<String>>,
}

pub(super) fn translate(pattern: &str, flags: Flags, texts: Texts) -> Parsed<Translated> {
    let mut parser = Parser {
        chars: pattern.chars().collect(),
        at: 0,
        flags,
        texts,
        groups: Vec::new(),
        names: HashMap::new(),
        conditions: Vec::new(),
        depth: 0,
    };
    parser.global_flags()?;
    let piece = parser.alternatives()?;
    if parser.peek() == Some(')') {
        return Err(parser.problem(parser.at, "unbalanced parenthesis"));
    }
    for (group, position) in &parser.conditions {
        if *group > parser.groups.len() {
            return Err(parser.problem(*position, format!("invalid group reference {group}")));
        }
    }
    let mut names = vec![None; parser.groups.len()];
    for (name, group) in parser.names {
        if let Some(place) = names.get_mut(group - 1) {
            *place = Some(name);
        }
    }
    Ok(Translated { text: piece.text, names })
}

impl Parser {
    pub(super) fn problem(&self, position: usize, reason: impl Into<String>) -> Problem {
        Problem { position, reason: reason.into() }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    pub(super) fn char_at(&self, at: usize) -> Option<char> {
        self.chars.get(at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    pub(super) fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Up to `max` characters that pass `accepts`.
    pub(super) fn take_while(&mut self, max: usize, accepts: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while taken.chars().count() < max {
            match self.peek() {
                Some(c) if accepts(c) => taken.push(c),
                _ => break,
            }
            self.at += 1;
        }
        taken
    }

    /// `a|b|c`, up to a closing parenthesis or the end.
    pub(super) fn alternatives(&mut self) -> Parsed<Piece> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.problem(self.at, format!("groups nested more than {DEPTH_MAX} deep")));
        }
        let mut all = self.sequence()?;
        while self.take('|') {
            let next = self.sequence()?;
            all.text.push('|');
            all.text.push_str(&next.text);
            all.min = all.min.min(next.min);
            all.max = all.max.max(next.max);
        }
        self.depth -= 1;
        Ok(all)
    }

    /// Items in a row, up to `|`, `)` or the end.
    pub(super) fn sequence(&mut self) -> Parsed<Piece> {
        let mut row = Piece::new("", 0, 0);
        let mut last: Option<Piece> = None;
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            if self.flags.verbose && self.skip_verbose(c) {
                continue;
            }
            if let Some(count) = self.repetition(c)? {
                let repeated = self.repeat(last.take(), count)?;
                last = Some(repeated);
                continue;
            }
            if let Some(item) = self.item()? {
                row.append(last.replace(item));
            }
        }
        row.append(last);
        Ok(row)
    }

    fn skip_verbose(&mut self, c: char) -> bool {
        if c == '#' {
            while self.next().is_some_and(|c| c != '\n') {}
            return true;
        }
        let blank = matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}');
        self.at += usize::from(blank);
        blank
    }

    /// One item; `None` for a comment.
    fn item(&mut self) -> Parsed<Option<Piece>> {
        let start = self.at;
        let Some(c) = self.next() else {
            return Ok(None);
        };
        let flags = self.flags;
        Ok(Some(match c {
            '\\' => self.escape(start)?,
            '[' => self.class(start)?,
            '(' => return self.group(start),
            '.' if flags.dot_all => Piece::new("(?s:.)", 1, 1),
            '.' => Piece::new(r"[^\n]", 1, 1),
            '^' if flags.multi_line => Piece::anchor("(?m:^)"),
            '^' => Piece::anchor(r"\A"),
            '$' if flags.multi_line => Piece::anchor("(?m:$)"),
            '$' if self.texts == Texts::Plain => Piece::anchor(r"\z"),
            '$' => Piece::anchor(r"(?=\n?\z)"),
            other => Piece::literal(other, flags),
        }))
    }

    /// The counts of a repetition that starts here.
    fn repetition(&mut self, c: char) -> Parsed<Option<(usize, u64, u64)>> {
        let start = self.at;
        let (min, max) = match c {
            '*' => (0, UNBOUNDED),
            '+' => (1, UNBOUNDED),
            '?' => (0, 1),
            '{' => return self.counts(start),
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some((start, min, max)))
    }

    /// `{m}`, `{m,}`, `{,n}`, `{m,n}`; anything else makes the brace a literal.
    fn counts(&mut self, start: usize) -> Parsed<Option<(usize, u64, u64)>> {
        self.at += 1;
        let low = self.take_while(usize::MAX, |c| c.is_ascii_digit());
        let comma = self.take(',');
        let high =
            if comma { self.take_while(usize::MAX, |c| c.is_ascii_digit()) } else { low.clone() };
        if !self.take('}') || (low.is_empty() && !comma) {
            self.at = start;
            return Ok(None);
        }
        let number = |digits: &str, empty: u64| match digits {
            "" => Some(empty),
            digits => digits.parse().ok().filter(|n| *n < REPEAT_MAX),
        };
        match (number(&low, 0), number(&high, UNBOUNDED)) {
            (Some(min), Some(max)) if min <= max => Ok(Some((start, min, max))),
            (Some(_), Some(_)) => {
                Err(self.problem(start + 1, "min repeat greater than max repeat"))
            }
            _ => Err(self.problem(start + 1, "the repetition number is too large")),
        }
    }

    fn repeat(&mut self, item: Option<Piece>, count: (usize, u64, u64)) -> Parsed<Piece> {
        let (start, min, max) = count;
        let item = match item {
            Some(item) if item.kind == Kind::Item => item,
            Some(item) if item.kind == Kind::Repetition => {
                return Err(self.problem(start, "multiple repeat"));
            }
            _ => return Err(self.problem(start, "nothing to repeat")),
        };
        let counted = match (min, max) {
            (0, UNBOUNDED) => "*".to_owned(),
            (1, UNBOUNDED) => "+".to_owned(),
            (0, 1) => "?".to_owned(),
            (min, UNBOUNDED) => format!("{{{min},}}"),
            (min, max) => format!("{{{min},{max}}}"),
        };
        let body = item.grouped();
        let text = if self.take('?') {
            format!("{body}{counted}?")
        } else if self.take('+') {
            format!("(?>{body}{counted})")
        } else {
            format!("{body}{counted}")
        };
        Ok(Piece {
            text,
            min: item.min.saturating_mul(min),
            max: if item.max == 0 { 0 } else { item.max.saturating_mul(max) },
            kind: Kind::Repetition,
        })
    }
}

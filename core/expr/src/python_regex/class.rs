//! Character classes: `[…]`.

use super::escape::category;
use super::parse::{Parsed, Parser};
use super::piece::{Piece, is_i, push_char};

/// One member of a class, or one end of a range.
enum Member {
    Char(char),
    /// A character that no text can hold.
    Nothing,
    /// `\d` and the like, with the letter.
    Category(char),
}

/// A class as far as it is read.
#[derive(Default)]
struct Class {
    text: String,
    has_i: bool,
    empty: bool,
}

impl Class {
    fn push_range(&mut self, low: char, high: char, fold_ascii: bool) {
        self.empty = false;
        self.has_i |=
            (low..=high).contains(&'i') || (low..=high).contains(&'I') || is_i(low) || is_i(high);
        self.write(low, high);
        if fold_ascii {
            self.fold(low, high, 'a', 'z');
            self.fold(low, high, 'A', 'Z');
        }
    }

    fn write(&mut self, low: char, high: char) {
        push_char(&mut self.text, low);
        if low != high {
            self.text.push('-');
            push_char(&mut self.text, high);
        }
    }

    /// Adds the other case of what `low..=high` has of `first..=last`.
    fn fold(&mut self, low: char, high: char, first: char, last: char) {
        let swap = |c: char| {
            if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
        };
        let (from, to) = (low.max(first), high.min(last));
        if from <= to {
            self.write(swap(from), swap(to));
        }
    }
}

impl Parser {
    /// After the opening bracket at `start`.
    pub(super) fn class(&mut self, start: usize) -> Parsed<Piece> {
        let flags = self.flags;
        let negated = self.take('^');
        let first = self.at;
        let mut class = Class { empty: true, ..Class::default() };
        loop {
            let position = self.at;
            match self.peek() {
                None => return Err(self.problem(start, "unterminated character set")),
                Some(']') if position != first => {
                    self.at += 1;
                    break;
                }
                Some(_) => self.class_item(&mut class, start, position)?,
            }
        }
        if flags.folds_unicode() && class.has_i {
            class.text.push_str("iI\u{130}\u{131}");
        }
        let text = match (class.empty, negated) {
            (true, true) => "(?s:.)".to_owned(),
            (true, false) => return Ok(Piece::never()),
            (false, negated) => format!("[{}{}]", if negated { "^" } else { "" }, class.text),
        };
        if flags.folds_unicode() {
            return Ok(Piece::new(format!("(?i:{text})"), 1, 1));
        }
        Ok(Piece::new(text, 1, 1))
    }

    /// One member, or a range.
    fn class_item(&mut self, class: &mut Class, start: usize, position: usize) -> Parsed<()> {
        let low = self.member(start)?;
        let is_range = self.peek() == Some('-') && self.peek_at(1) != Some(']');
        if !is_range {
            self.push(class, &low);
            return Ok(());
        }
        self.at += 1;
        let high = self.member(start)?;
        match (&low, &high) {
            (Member::Char(low), Member::Char(high)) if low <= high => {
                class.push_range(*low, *high, self.flags.folds_ascii());
                Ok(())
            }
            (Member::Nothing, _) | (_, Member::Nothing) => Ok(()),
            _ => {
                let range: String = (position..self.at).filter_map(|at| self.char_at(at)).collect();
                Err(self.problem(position, format!("bad character range {range}")))
            }
        }
    }

    fn push(&self, class: &mut Class, member: &Member) {
        match member {
            Member::Char(c) => class.push_range(*c, *c, self.flags.folds_ascii()),
            Member::Nothing => {}
            Member::Category(letter) => {
                let members = category(*letter, self.flags).unwrap_or_default();
                class.empty = false;
                if letter.is_ascii_uppercase() {
                    class.text.push_str("[^");
                    class.text.push_str(members);
                    class.text.push(']');
                } else {
                    class.text.push_str(members);
                }
            }
        }
    }

    fn member(&mut self, start: usize) -> Parsed<Member> {
        let position = self.at;
        let unterminated = |parser: &Self| parser.problem(start, "unterminated character set");
        let c = self.next().ok_or_else(|| unterminated(self))?;
        if c != '\\' {
            return Ok(Member::Char(c));
        }
        let c = self.next().ok_or_else(|| self.problem(position, "bad escape (end of pattern)"))?;
        match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => Ok(Member::Category(c)),
            'b' => Ok(Member::Char('\u{8}')),
            '0'..='7' => {
                let digits = format!("{c}{}", self.take_while(2, |c| matches!(c, '0'..='7')));
                match u32::from_str_radix(&digits, 8) {
                    Ok(code) if code <= 0o377 => {
                        Ok(char::from_u32(code).map_or(Member::Nothing, Member::Char))
                    }
                    _ => {
                        let reason =
                            format!("octal escape value \\{digits} outside of range 0-0o377");
                        Err(self.problem(position, reason))
                    }
                }
            }
            other => Ok(self.char_escape(position, other)?.map_or(Member::Nothing, Member::Char)),
        }
    }
}

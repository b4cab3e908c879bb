//! Groups: capturing, named, with flags, look-arounds, conditions, comments.

use super::flags::Flags;
use super::parse::{Parsed, Parser};
use super::piece::{Kind, Piece};

/// Python's own limit of the number in a condition.
const GROUPS_MAX: usize = 1_073_741_823;

/// Letters that may start flags.
const FLAG_LETTERS: [char; 7] = ['i', 'L', 'm', 's', 'x', 'a', 'u'];

impl Parser {
    /// Flags for the whole pattern, which must come first.
    pub(super) fn global_flags(&mut self) -> Parsed<()> {
        loop {
            let start = self.at;
            if self.peek() != Some('(') || self.peek_at(1) != Some('?') {
                return Ok(());
            }
            self.at += 2;
            let letters = self.take_while(usize::MAX, |c| c.is_ascii_alphabetic());
            if !letters.starts_with(FLAG_LETTERS) || !self.take(')') {
                self.at = start;
                return Ok(());
            }
            let mut flags = self.flags;
            self.set_flags(&mut flags, &letters, true, start + 2)?;
            self.flags = flags;
        }
    }

    fn set_flags(&self, flags: &mut Flags, letters: &str, on: bool, at: usize) -> Parsed<()> {
        for (ahead, letter) in letters.chars().enumerate() {
            if letter == 'L' {
                let reason = "bad inline flags: cannot use 'L' flag with a str pattern";
                return Err(self.problem(at + ahead, reason));
            }
            if !flags.set(letter, on) {
                return Err(self.problem(at + ahead, "unknown flag"));
            }
        }
        if on && letters.contains('a') && letters.contains('u') {
            let reason = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
            return Err(self.problem(at, reason));
        }
        Ok(())
    }

    /// After the opening parenthesis at `start`; `None` for a comment.
    pub(super) fn group(&mut self, start: usize) -> Parsed<Option<Piece>> {
        if !self.take('?') {
            return self.capture(start, None).map(Some);
        }
        let Some(c) = self.next() else {
            return Err(self.problem(self.at, "unexpected end of pattern"));
        };
        match c {
            'P' => self.python_extension(start).map(Some),
            ':' => {
                let body = self.body(start)?;
                Ok(Some(Piece { text: body.grouped(), kind: Kind::Item, ..body }))
            }
            '>' => {
                let body = self.body(start)?;
                Ok(Some(Piece::new(format!("(?>{})", body.text), body.min, body.max)))
            }
            '#' => self.comment(start),
            '=' => self.look(start, "?=").map(Some),
            '!' => self.look(start, "?!").map(Some),
            '<' => self.look_behind(start).map(Some),
            '(' => self.condition(start).map(Some),
            c if c == '-' || FLAG_LETTERS.contains(&c) => {
                self.at -= 1;
                self.flagged(start).map(Some)
            }
            other => Err(self.problem(start + 1, format!("unknown extension ?{other}"))),
        }
    }

    /// What stands in the group that opened at `start`, with its closing parenthesis.
    fn body(&mut self, start: usize) -> Parsed<Piece> {
        let outer = self.flags;
        let body = self.alternatives()?;
        self.flags = outer;
        self.close(start)?;
        Ok(body)
    }

    fn close(&mut self, start: usize) -> Parsed<()> {
        if self.take(')') {
            return Ok(());
        }
        Err(self.problem(start, "missing ), unterminated subpattern"))
    }

    fn capture(&mut self, start: usize, name: Option<String>) -> Parsed<Piece> {
        self.groups.push(None);
        let number = self.groups.len();
        if let Some(name) = name {
            if let Some(earlier) = self.names.get(&name) {
                let reason = format!(
                    "redefinition of group name '{name}' as group {number}; was group {earlier}"
                );
                return Err(self.problem(start + 4, reason));
            }
            self.names.insert(name, number);
        }
        let body = self.body(start)?;
        if let Some(group) = self.groups.get_mut(number - 1) {
            *group = Some((body.min, body.max));
        }
        Ok(Piece::new(format!("({})", body.text), body.min, body.max))
    }

    fn comment(&mut self, start: usize) -> Parsed<Option<Piece>> {
        loop {
            match self.next() {
                None => return Err(self.problem(start, "missing ), unterminated comment")),
                Some(')') => return Ok(None),
                Some(_) => {}
            }
        }
    }

    /// `(?P<name>…)` and `(?P=name)`.
    fn python_extension(&mut self, start: usize) -> Parsed<Piece> {
        match self.next() {
            Some('<') => {
                let name = self.name('>')?;
                self.capture(start, Some(name))
            }
            Some('=') => {
                let position = self.at;
                let name = self.name(')')?;
                match self.names.get(&name) {
                    Some(group) => self.reference(*group, position),
                    None => Err(self.problem(position, format!("unknown group name '{name}'"))),
                }
            }
            Some(other) => Err(self.problem(start + 1, format!("unknown extension ?P{other}"))),
            None => Err(self.problem(self.at, "unexpected end of pattern")),
        }
    }

    fn name(&mut self, end: char) -> Parsed<String> {
        let position = self.at;
        let name = self.take_while(usize::MAX, |c| c != end);
        if !self.take(end) {
            return Err(self.problem(position, format!("missing {end}, unterminated name")));
        }
        let mut chars = name.chars();
        let starts_well = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
        if !starts_well || !chars.all(|c| c.is_alphanumeric() || c == '_') {
            let reason = format!("bad character in group name '{name}'");
            return Err(self.problem(position, reason));
        }
        Ok(name)
    }

    fn look(&mut self, start: usize, sign: &str) -> Parsed<Piece> {
        let body = self.body(start)?;
        Ok(Piece::new(format!("({sign}{})", body.text), 0, 0))
    }

    fn look_behind(&mut self, start: usize) -> Parsed<Piece> {
        let sign = match self.next() {
            Some('=') => "?<=",
            Some('!') => "?<!",
            Some(other) => {
                return Err(self.problem(start + 1, format!("unknown extension ?<{other}")));
            }
            None => return Err(self.problem(self.at, "unexpected end of pattern")),
        };
        let body = self.body(start)?;
        if body.min != body.max {
            return Err(self.problem(start, "look-behind requires fixed-width pattern"));
        }
        Ok(Piece::new(format!("({sign}{})", body.text), 0, 0))
    }

    /// `(?(1)yes|no)` and `(?(name)yes|no)`.
    fn condition(&mut self, start: usize) -> Parsed<Piece> {
        let position = self.at;
        let name = self.take_while(usize::MAX, |c| c != ')');
        if !self.take(')') {
            return Err(self.problem(position, "missing ), unterminated name"));
        }
        let group = match name.parse::<usize>() {
            Ok(0) => return Err(self.problem(position, "bad group number")),
            Ok(number) if number < GROUPS_MAX => number,
            Ok(number) => {
                return Err(self.problem(position, format!("invalid group reference {number}")));
            }
            Err(_) => match self.names.get(&name) {
                Some(number) => *number,
                None => {
                    let reason = format!("unknown group name '{name}'");
                    return Err(self.problem(position, reason));
                }
            },
        };
        self.conditions.push((group, position));
        let outer = self.flags;
        let yes = self.sequence()?;
        let no = if self.take('|') { self.sequence()? } else { Piece::new("", 0, 0) };
        self.flags = outer;
        if self.peek() == Some('|') {
            let reason = "conditional backref with more than two branches";
            return Err(self.problem(self.at, reason));
        }
        self.close(start)?;
        let text = format!("(?({group}){}|{})", yes.grouped(), no.grouped());
        Ok(Piece::new(text, yes.min.min(no.min), yes.max.max(no.max)))
    }

    /// `(?i-s:…)`.
    fn flagged(&mut self, start: usize) -> Parsed<Piece> {
        let letter = |c: char| c.is_ascii_alphabetic();
        let outer = self.flags;
        let mut inner = outer;
        let from = self.at;
        let on = self.take_while(usize::MAX, letter);
        self.set_flags(&mut inner, &on, true, from)?;
        if self.peek() == Some(')') && !on.is_empty() {
            let reason = "global flags not at the start of the expression";
            return Err(self.problem(start, reason));
        }
        if self.take('-') {
            let from = self.at;
            let off = self.take_while(usize::MAX, letter);
            if off.is_empty() {
                return Err(self.problem(from, "missing flag"));
            }
            self.set_flags(&mut inner, &off, false, from)?;
        }
        if !self.take(':') {
            return Err(self.problem(self.at, "missing :"));
        }
        self.flags = inner;
        let body = self.alternatives()?;
        self.flags = outer;
        self.close(start)?;
        Ok(Piece { text: body.grouped(), kind: Kind::Item, ..body })
    }
}

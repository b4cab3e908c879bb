//! Texts that replace a match, in Python's notation.

use fancy_regex::Captures;

use super::RegexError;

/// A replacement for the matches of one pattern.
#[derive(Debug)]
pub(super) struct Replacement(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// `names` are those of the pattern's groups, by number less one.
    pub(super) fn parse(text: &str, names: &[Option<String>]) -> Result<Self, RegexError> {
        let mut reader = Reader {
            chars: text.chars().collect(),
            at: 0,
            names,
            parts: Vec::new(),
            text: String::new(),
        };
        while let Some(c) = reader.next() {
            if c != '\\' {
                reader.text.push(c);
                continue;
            }
            let start = reader.at - 1;
            reader.escape(start).map_err(|(position, reason)| RegexError::Replacement {
                replacement: text.to_owned(),
                position,
                reason,
            })?;
        }
        reader.end_text();
        Ok(Self(reader.parts))
    }

    pub(super) fn expand(&self, captures: &Captures<'_, str>, out: &mut String) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(group) => {
                    out.push_str(captures.get(*group).map_or("", |group| group.as_str()));
                }
            }
        }
    }
}

struct Reader<'n> {
    chars: Vec<char>,
    at: usize,
    names: &'n [Option<String>],
    parts: Vec<Part>,
    /// What stands between two groups, as far as it is read.
    text: String,
}

/// Where something is wrong, and what.
type Problem = (usize, String);

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take_if(&mut self, accepts: impl Fn(&char) -> bool) -> Option<char> {
        let c = self.peek().filter(accepts)?;
        self.at += 1;
        Some(c)
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }

    /// After the backslash at `start`.
    fn escape(&mut self, start: usize) -> Result<(), Problem> {
        let problem = |reason: String| Err((start, reason));
        let Some(c) = self.next() else {
            return problem("bad escape (end of text)".to_owned());
        };
        let plain = match c {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' => '\\',
            'g' => return self.named(start),
            '0'..='9' => return self.number(start, c),
            letter if letter.is_ascii_alphabetic() => {
                return problem(format!("bad escape \\{letter}"));
            }
            other => {
                self.text.push('\\');
                other
            }
        };
        self.text.push(plain);
        Ok(())
    }

    /// `\g<name>` and `\g<1>`.
    fn named(&mut self, start: usize) -> Result<(), Problem> {
        if self.take_if(|c| *c == '<').is_none() {
            return Err((start + 2, "missing <".to_owned()));
        }
        let mut name = String::new();
        loop {
            match self.next() {
                Some('>') => break,
                Some(c) => name.push(c),
                None => return Err((start + 3, "missing >, unterminated name".to_owned())),
            }
        }
        let named = || self.names.iter().position(|known| known.as_ref() == Some(&name));
        let is_number = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        let group = if is_number { name.parse().ok() } else { named().map(|at| at + 1) };
        match group {
            Some(group) => self.group(group, start + 3),
            None => Err((start + 3, format!("unknown group name '{name}'"))),
        }
    }

    /// `\1`: a group; a character when it starts with a zero or is three octal digits.
    fn number(&mut self, start: usize, first: char) -> Result<(), Problem> {
        let is_octal = |c: &char| matches!(c, '0'..='7');
        let mut digits = first.to_string();
        if first == '0' {
            digits.extend(self.take_if(is_octal));
            digits.extend(self.take_if(is_octal));
            return self.octal(start, &digits);
        }
        let Some(second) = self.take_if(char::is_ascii_digit) else {
            return self.group_of(start, &digits);
        };
        digits.push(second);
        if is_octal(&first)
            && is_octal(&second)
            && let Some(third) = self.take_if(is_octal)
        {
            digits.push(third);
            return self.octal(start, &digits);
        }
        self.group_of(start, &digits)
    }

    fn octal(&mut self, start: usize, digits: &str) -> Result<(), Problem> {
        let code = u8::from_str_radix(digits, 8).map_err(|_| {
            (start, format!("octal escape value \\{digits} outside of range 0-0o377"))
        })?;
        self.text.push(char::from(code));
        Ok(())
    }

    fn group_of(&mut self, start: usize, digits: &str) -> Result<(), Problem> {
        self.group(digits.parse().unwrap_or(usize::MAX), start + 1)
    }

    fn group(&mut self, group: usize, position: usize) -> Result<(), Problem> {
        if group > self.names.len() {
            return Err((position, format!("invalid group reference {group}")));
        }
        self.end_text();
        self.parts.push(Part::Group(group));
        Ok(())
    }
}

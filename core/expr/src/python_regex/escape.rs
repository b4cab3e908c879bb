//! Escapes outside classes, and character escapes that both places share.

use super::Texts;
use super::flags::Flags;
use super::parse::{Parsed, Parser};
use super::piece::Piece;

/// Word characters of ASCII patterns, as members of a class.
const ASCII_WORD: &str = "0-9A-Z_a-z";
/// Word characters: letters and everything numeric, but no combining marks.
const WORD: &str = r"\p{L}\p{N}_";
const ASCII_SPACE: &str = r"\t\n\x0B\x0C\r\x20";
/// White space, to which Python counts the four separators.
const SPACE: &str = r"\s\x1C-\x1F";
const ASCII_DIGIT: &str = "0-9";
const DIGIT: &str = r"\d";

/// The class members that `\d`, `\s` or `\w` stand for; `None` for other letters.
pub(super) const fn category(letter: char, flags: Flags) -> Option<&'static str> {
    Some(match (letter.to_ascii_lowercase(), flags.ascii) {
        ('d', true) => ASCII_DIGIT,
        ('d', false) => DIGIT,
        ('s', true) => ASCII_SPACE,
        ('s', false) => SPACE,
        ('w', true) => ASCII_WORD,
        ('w', false) => WORD,
        _ => return None,
    })
}

impl Parser {
    /// After a backslash outside a class.
    pub(super) fn escape(&mut self, start: usize) -> Parsed<Piece> {
        let Some(c) = self.next() else {
            return Err(self.problem(start, "bad escape (end of pattern)"));
        };
        let flags = self.flags;
        if let Some(members) = category(c, flags) {
            let negation = if c.is_ascii_uppercase() { "^" } else { "" };
            return Ok(Piece::new(format!("[{negation}{members}]"), 1, 1));
        }
        let word = if flags.ascii { ASCII_WORD } else { WORD };
        Ok(match c {
            'A' => Piece::anchor(r"\A"),
            'Z' => Piece::anchor(r"\z"),
            'b' | 'B' if self.texts == Texts::Plain => Piece::anchor(format!("\\{c}")),
            'b' => {
                Piece::anchor(format!("(?:(?<=[{word}])(?![{word}])|(?<![{word}])(?=[{word}]))"))
            }
            'B' => {
                Piece::anchor(format!("(?:(?<=[{word}])(?=[{word}])|(?<![{word}])(?![{word}]))"))
            }
            '0' => {
                let more = self.take_while(2, |c| matches!(c, '0'..='7'));
                char_of(&more, 8, flags)
            }
            '1'..='9' => self.number(start, c)?,
            other => match self.char_escape(start, other)? {
                Some(c) => Piece::literal(c, flags),
                None => Piece::never(),
            },
        })
    }

    /// `\1`: a group, or a character when three octal digits stand there.
    fn number(&mut self, start: usize, first: char) -> Parsed<Piece> {
        let octal = |c: Option<char>| c.is_some_and(|c| matches!(c, '0'..='7'));
        let mut digits = first.to_string();
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            if octal(Some(first)) && octal(self.peek()) && octal(self.peek_at(1)) {
                digits.push_str(&self.take_while(2, |_| true));
                return self.octal(start, &digits);
            }
            digits.push_str(&self.take_while(1, |_| true));
        }
        let group: usize = digits.parse().unwrap_or(usize::MAX);
        self.reference(group, start + 1)
    }

    fn octal(&self, start: usize, digits: &str) -> Parsed<Piece> {
        if digits > "377" {
            let reason = format!("octal escape value \\{digits} outside of range 0-0o377");
            return Err(self.problem(start, reason));
        }
        Ok(char_of(digits, 8, self.flags))
    }

    /// The group `group`, which must be closed.
    pub(super) fn reference(&self, group: usize, position: usize) -> Parsed<Piece> {
        match group.checked_sub(1).and_then(|at| self.groups.get(at)) {
            None => Err(self.problem(position, format!("invalid group reference {group}"))),
            Some(None) => Err(self.problem(position, "cannot refer to an open group")),
            Some(Some((min, max))) => {
                let text = if self.flags.ignore_case {
                    format!("(?i:\\{group})")
                } else {
                    format!("(?:\\{group})")
                };
                Ok(Piece::new(text, *min, *max))
            }
        }
    }

    /// Escapes of single characters; `Ok(None)` for one that no text can hold.
    pub(super) fn char_escape(&mut self, start: usize, c: char) -> Parsed<Option<char>> {
        let digits = match c {
            'a' => return Ok(Some('\u{7}')),
            'f' => return Ok(Some('\u{c}')),
            'n' => return Ok(Some('\n')),
            'r' => return Ok(Some('\r')),
            't' => return Ok(Some('\t')),
            'v' => return Ok(Some('\u{b}')),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'N' => return Err(self.problem(start, "characters by name (\\N) are not supported")),
            other if other.is_ascii_alphanumeric() => {
                return Err(self.problem(start, format!("bad escape \\{other}")));
            }
            other => return Ok(Some(other)),
        };
        let hex = self.take_while(digits, |c| c.is_ascii_hexdigit());
        match u32::from_str_radix(&hex, 16) {
            Ok(code) if hex.len() == digits && code <= 0x0010_FFFF => Ok(char::from_u32(code)),
            Ok(_) if hex.len() == digits => {
                Err(self.problem(start, format!("bad escape \\{c}{hex}")))
            }
            _ => Err(self.problem(start, format!("incomplete escape \\{c}{hex}"))),
        }
    }
}

/// The character that `digits` stand for; none are zero.
fn char_of(digits: &str, radix: u32, flags: Flags) -> Piece {
    let code = u32::from_str_radix(digits, radix).unwrap_or(0);
    char::from_u32(code).map_or_else(Piece::never, |c| Piece::literal(c, flags))
}

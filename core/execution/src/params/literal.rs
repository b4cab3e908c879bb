//! Literals of Python: what a list or object turns into when a template prints it.

use serde_json::{Map, Number, Value};

/// Lists nested deeper than this are refused.
const DEPTH_MAX: usize = 100;

/// Reads one literal: `None`, `True`, numbers, texts, lists, tuples (read as lists) and mappings.
/// The error says why and where.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let value = parser.value()?;
    parser.space();
    match parser.peek() {
        None => Ok(value),
        Some(c) => Err(parser.unexpected(c)),
    }
}

/// An integer of the given base, if it fits 64 bits.
pub(super) fn integer(digits: &str, radix: u32) -> Option<Value> {
    let signed = i64::from_str_radix(digits, radix).map(Value::from);
    signed.or_else(|_| u64::from_str_radix(digits, radix).map(Value::from)).ok()
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')) {
            self.at += 1;
        }
    }

    fn unexpected(&self, c: char) -> String {
        format!("unexpected {c:?} at character {}", self.position())
    }

    fn position(&self) -> usize {
        self.text.get(..self.at).unwrap_or_default().chars().count() + 1
    }

    fn value(&mut self) -> Result<Value, String> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("nested deeper than {DEPTH_MAX} levels"));
        }
        self.space();
        let Some(c) = self.peek() else {
            return Err("the text ends too early".to_owned());
        };
        self.depth += 1;
        let value = match c {
            '[' => self.list('[', ']'),
            '(' => self.tuple(),
            '{' => self.mapping(),
            '\'' | '"' => self.texts(),
            c if c.is_ascii_digit() || matches!(c, '.' | '+' | '-') => self.number(),
            c if c.is_alphabetic() || c == '_' => self.word(),
            c => Err(self.unexpected(c)),
        };
        self.depth -= 1;
        value
    }

    fn word(&mut self) -> Result<Value, String> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let quoted = rest.get(end..).is_some_and(|rest| rest.starts_with(['\'', '"']));
        match word {
            "None" => Ok(self.skip(word, Value::Null)),
            "True" => Ok(self.skip(word, Value::Bool(true))),
            "False" => Ok(self.skip(word, Value::Bool(false))),
            "u" | "U" | "r" | "R" if quoted => self.texts(),
            word => Err(format!("{word:?} is no literal")),
        }
    }

    fn skip(&mut self, word: &str, value: Value) -> Value {
        self.at += word.len();
        value
    }

    fn list(&mut self, open: char, close: char) -> Result<Value, String> {
        self.eat(open.encode_utf8(&mut [0; 4]));
        let mut items = Vec::new();
        loop {
            self.space();
            if self.peek() == Some(close) {
                self.next();
                return Ok(Value::Array(items));
            }
            items.push(self.value()?);
            self.separator(close)?;
        }
    }

    /// `(1)` is the value itself, `(1,)` a tuple of one.
    fn tuple(&mut self) -> Result<Value, String> {
        let start = self.at;
        let items = self.list('(', ')')?;
        let inside = self.text.get(start..self.at).unwrap_or_default();
        let is_tuple =
            inside.strip_suffix(')').is_some_and(|inside| inside.trim_end().ends_with([',', '(']));
        match items {
            Value::Array(mut items) if items.len() == 1 && !is_tuple => {
                Ok(items.pop().unwrap_or_default())
            }
            items => Ok(items),
        }
    }

    fn mapping(&mut self) -> Result<Value, String> {
        self.eat("{");
        let mut members = Map::new();
        loop {
            self.space();
            if self.eat("}") {
                return Ok(Value::Object(members));
            }
            let key = match self.value()? {
                Value::String(key) => key,
                other => return Err(format!("{other} cannot be a key: keys are texts")),
            };
            self.space();
            if !self.eat(":") {
                return Err(format!("expected ':' at character {}", self.position()));
            }
            let value = self.value()?;
            members.insert(key, value);
            self.separator('}')?;
        }
    }

    /// A comma, or the closing bracket (which is left for the caller).
    fn separator(&mut self, close: char) -> Result<(), String> {
        self.space();
        match self.peek() {
            Some(',') => {
                self.next();
                Ok(())
            }
            Some(c) if c == close => Ok(()),
            Some(c) => Err(self.unexpected(c)),
            None => Err(format!("{close:?} is missing at the end")),
        }
    }

    fn number(&mut self) -> Result<Value, String> {
        let negative = self.sign();
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|(index, c)| !self.continues_number(rest, *index, *c))
            .map_or(rest.len(), |(index, _)| index);
        let shown = rest.get(..end).unwrap_or_default();
        self.at += end;
        let bad = || format!("{shown:?} is no number");
        let parts = shown.split('_');
        if parts.clone().any(str::is_empty) {
            return Err(bad());
        }
        let digits: String = parts.collect();
        let lower = digits.to_ascii_lowercase();
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
            if let Some(digits) = lower.strip_prefix(prefix) {
                return integer(&signed(negative, digits), radix).ok_or_else(bad);
            }
        }
        if lower.bytes().all(|c| c.is_ascii_digit()) {
            if lower.len() > 1 && lower.starts_with('0') && lower.bytes().any(|c| c != b'0') {
                return Err(bad());
            }
            return integer(&signed(negative, &lower), 10).ok_or_else(bad);
        }
        let number: f64 = signed(negative, &lower).parse().map_err(|_| bad())?;
        Number::from_f64(number).map(Value::Number).ok_or_else(bad)
    }

    /// Any number of signs, as Python allows; true when the value is negative.
    fn sign(&mut self) -> bool {
        let mut negative = false;
        while let Some(c) = self.peek().filter(|c| matches!(c, '+' | '-')) {
            negative ^= c == '-';
            self.next();
            self.space();
        }
        negative
    }

    fn continues_number(&self, text: &str, index: usize, c: char) -> bool {
        let is_hex = text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"));
        let before = text.get(..index).and_then(|text| text.chars().next_back());
        let in_exponent = !is_hex && before.is_some_and(|c| matches!(c, 'e' | 'E'));
        c.is_ascii_alphanumeric()
            || matches!(c, '.' | '_')
            || (in_exponent && matches!(c, '+' | '-'))
    }

    /// One text, or several side by side, which Python joins.
    fn texts(&mut self) -> Result<Value, String> {
        let mut joined = String::new();
        loop {
            let raw = self.rest().starts_with(['r', 'R']);
            let prefix = self.text_prefix();
            self.at += prefix;
            self.quoted(raw, &mut joined)?;
            self.space();
            let prefix = self.text_prefix();
            let follows = self.rest().get(prefix..).unwrap_or_default();
            if !follows.starts_with(['\'', '"']) {
                return Ok(Value::String(joined));
            }
        }
    }

    /// Length of the letter before a text.
    fn text_prefix(&self) -> usize {
        usize::from(self.rest().starts_with(['r', 'R', 'u', 'U']))
    }

    fn quoted(&mut self, raw: bool, out: &mut String) -> Result<(), String> {
        let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| self.eat(quote));
        let Some(quote) = quote else {
            return Err(format!("expected a text at character {}", self.position()));
        };
        loop {
            if self.eat(quote) {
                return Ok(());
            }
            match self.next() {
                None => return Err("a text does not end".to_owned()),
                Some('\n') if quote.len() == 1 => return Err("a text does not end".to_owned()),
                Some('\\') if raw => {
                    out.push('\\');
                    out.extend(self.next());
                }
                Some('\\') => self.escape(out)?,
                Some(c) => out.push(c),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), String> {
        let Some(c) = self.next() else {
            return Err("a text does not end".to_owned());
        };
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'v' => out.push('\u{b}'),
            '0'..='7' => {
                self.at -= 1;
                self.code(8, 1..=3, out)?;
            }
            'x' => self.code(16, 2..=2, out)?,
            'u' => self.code(16, 4..=4, out)?,
            'U' => self.code(16, 8..=8, out)?,
            // Python keeps escapes it does not know.
            c => out.extend(['\\', c]),
        }
        Ok(())
    }

    fn code(
        &mut self,
        radix: u32,
        length: std::ops::RangeInclusive<usize>,
        out: &mut String,
    ) -> Result<(), String> {
        let rest = self.rest();
        let digits = rest.chars().take(*length.end()).take_while(|c| c.is_digit(radix)).count();
        let code = rest.get(..digits).and_then(|code| u32::from_str_radix(code, radix).ok());
        let c = code.filter(|_| digits >= *length.start()).and_then(char::from_u32);
        self.at += digits;
        out.push(c.ok_or_else(|| format!("bad escape at character {}", self.position()))?);
        Ok(())
    }
}

fn signed(negative: bool, digits: &str) -> String {
    format!("{}{digits}", if negative { "-" } else { "" })
}

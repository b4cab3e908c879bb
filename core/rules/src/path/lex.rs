//! Cuts a key into tokens.

/// A token with its place, in characters from the start.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) position: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Name(String),
    Number(i64),
    /// A word in back quotes.
    Named(String),
    Where,
    DoubleDot,
    Sign(char),
}

/// Why a key is no path, and where.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) position: usize,
    pub(super) reason: String,
}

impl Problem {
    pub(super) fn new(position: usize, reason: impl Into<String>) -> Self {
        Self { position, reason: reason.into() }
    }
}

pub(super) fn tokens(key: &str) -> Result<Vec<Token>, Problem> {
    let chars: Vec<char> = key.chars().collect();
    let mut lexer = Lexer { chars, at: 0 };
    let mut tokens = Vec::new();
    while let Some(c) = lexer.peek() {
        let position = lexer.at;
        if matches!(c, ' ' | '\t' | '\n') {
            lexer.at += 1;
            continue;
        }
        let kind = lexer.token(c)?;
        tokens.push(Token { kind, position });
    }
    Ok(tokens)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn token(&mut self, c: char) -> Result<Kind, Problem> {
        let position = self.at;
        let next = self.chars.get(position + 1).copied();
        match c {
            '\'' | '"' => self.quoted(c).map(Kind::Name),
            '`' => self.quoted(c).map(Kind::Named),
            '.' if next == Some('.') => {
                self.at += 2;
                Ok(Kind::DoubleDot)
            }
            '*' | '.' | '[' | ']' | '(' | ')' | '$' | ',' | ':' | '|' | '&' => {
                self.at += 1;
                Ok(Kind::Sign(c))
            }
            c if c.is_ascii_digit() || (c == '-' && next.is_some_and(|c| c.is_ascii_digit())) => {
                self.at += 1;
                let digits = self.run(|c| c.is_ascii_digit());
                format!("{c}{digits}")
                    .parse()
                    .map(Kind::Number)
                    .map_err(|_| Problem::new(position, "the number is too large"))
            }
            c if c.is_ascii_alphabetic() || matches!(c, '_' | '@') => {
                let word = self.run(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-'));
                Ok(if word == "where" { Kind::Where } else { Kind::Name(word) })
            }
            other => Err(Problem::new(position, format!("character \"{other}\" must be quoted"))),
        }
    }

    fn run(&mut self, accepts: impl Fn(char) -> bool) -> String {
        let mut run = String::new();
        while let Some(c) = self.peek().filter(|c| accepts(*c)) {
            run.push(c);
            self.at += 1;
        }
        run
    }

    /// The text up to the closing `quote`; a backslash takes the next character as it is.
    fn quoted(&mut self, quote: char) -> Result<String, Problem> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                c if c == quote => return Ok(text),
                '\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        Err(Problem::new(start, format!("the closing {quote} is missing")))
    }
}

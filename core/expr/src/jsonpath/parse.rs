//! From text to expression: tokens, then operators by precedence.

use super::{Expression, PathError};

/// Nesting of parentheses and operators.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Number(i64),
    /// A back-quoted word.
    Operator(String),
    Where,
    DoubleDot,
    Sign(char),
}

pub(super) fn parse(text: &str) -> Result<Expression, PathError> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0 };
    if parser.tokens.is_empty() {
        return Err(parser.problem("the path is empty"));
    }
    let expression = parser.expression(0, 0)?;
    if parser.at < parser.tokens.len() {
        return Err(parser.problem("unexpected text"));
    }
    Ok(expression)
}

fn problem(text: &str, position: usize, reason: impl Into<String>) -> PathError {
    PathError::Syntax { path: text.to_owned(), position, reason: reason.into() }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, PathError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let start = at;
        at += 1;
        let token = match character {
            ' ' | '\t' => continue,
            '.' if characters.get(at) == Some(&'.') => {
                at += 1;
                Token::DoubleDot
            }
            '.' | '*' | '[' | ']' | '(' | ')' | '$' | ',' | ':' | '|' | '&' => {
                Token::Sign(character)
            }
            '\'' | '"' | '`' => {
                let quoted = quoted(&characters, &mut at, character)
                    .ok_or_else(|| problem(text, start, "the quotation does not end"))?;
                if character == '`' { Token::Operator(quoted) } else { Token::Name(quoted) }
            }
            'a'..='z' | 'A'..='Z' | '_' | '@' => {
                let is_part = |c: &&char| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-');
                at += characters.get(at..).unwrap_or_default().iter().take_while(is_part).count();
                let name: String = characters.get(start..at).unwrap_or_default().iter().collect();
                if name == "where" { Token::Where } else { Token::Name(name) }
            }
            '0'..='9' | '-' => {
                at += characters
                    .get(at..)
                    .unwrap_or_default()
                    .iter()
                    .take_while(|c| c.is_ascii_digit())
                    .count();
                let digits: String = characters.get(start..at).unwrap_or_default().iter().collect();
                let number = digits
                    .parse()
                    .map_err(|_| problem(text, start, format!("{digits:?} is no index")))?;
                Token::Number(number)
            }
            other => {
                return Err(problem(text, start, format!("unexpected character: {other}")));
            }
        };
        tokens.push((start, token));
    }
    Ok(tokens)
}

/// The text up to the closing quote; a backslash takes the next character as it is.
fn quoted(characters: &[char], at: &mut usize, quote: char) -> Option<String> {
    let mut text = String::new();
    loop {
        let character = *characters.get(*at)?;
        *at += 1;
        match character {
            '\\' => {
                text.push(*characters.get(*at)?);
                *at += 1;
            }
            _ if character == quote => return Some(text),
            _ => text.push(character),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
}

impl Parser<'_> {
    fn problem(&self, reason: impl Into<String>) -> PathError {
        let end = self.text.chars().count();
        let position = self.tokens.get(self.at).map_or(end, |(position, _)| *position);
        problem(self.text, position, reason)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, sign: char) -> Result<(), PathError> {
        if self.take(sign) { Ok(()) } else { Err(self.problem(format!("expected {sign:?}"))) }
    }

    /// How tightly an operator binds; the order is the original's.
    fn strength(&self) -> Option<u8> {
        match self.peek()? {
            Token::DoubleDot => Some(1),
            Token::Sign('.') => Some(2),
            Token::Sign('|') => Some(3),
            Token::Sign('&') => Some(4),
            Token::Where => Some(5),
            _ => None,
        }
    }

    fn expression(&mut self, weakest: u8, depth: usize) -> Result<Expression, PathError> {
        if depth > MAX_DEPTH {
            return Err(self.problem("nested too deeply"));
        }
        let mut left = self.operand(depth)?;
        let mut operators = 0;
        while let Some(strength) = self.strength().filter(|strength| *strength > weakest) {
            operators += 1;
            if operators > MAX_DEPTH {
                return Err(self.problem("too many steps"));
            }
            let operator = self.peek().cloned();
            self.at += 1;
            let right = Box::new(self.expression(strength, depth + 1)?);
            let boxed = Box::new(left);
            left = match operator {
                Some(Token::DoubleDot) => Expression::Descendants(boxed, right),
                Some(Token::Where) => Expression::Where(boxed, right),
                Some(Token::Sign('|')) => Expression::Union(boxed, right),
                Some(Token::Sign('&')) => return Err(self.problem("`&` is not supported")),
                _ => Expression::Child(boxed, right),
            };
        }
        Ok(left)
    }

    fn operand(&mut self, depth: usize) -> Result<Expression, PathError> {
        let mut expression = match self.peek().cloned() {
            Some(Token::Sign('$')) => {
                self.at += 1;
                Expression::Root
            }
            Some(Token::Sign('*')) => {
                self.at += 1;
                Expression::AnyField
            }
            Some(Token::Sign('(')) => {
                self.at += 1;
                let inner = self.expression(0, depth + 1)?;
                self.expect(')')?;
                inner
            }
            Some(Token::Sign('[')) => self.brackets()?,
            Some(Token::Name(_)) => self.fields()?,
            Some(Token::Operator(word)) => {
                let operator = match word.as_str() {
                    "this" => Expression::This,
                    "parent" => Expression::Parent,
                    _ => return Err(self.problem(format!("unknown operator `{word}`"))),
                };
                self.at += 1;
                operator
            }
            _ => return Err(self.problem("expected a name, an index or `$`")),
        };
        let mut brackets = 0;
        while self.peek() == Some(&Token::Sign('[')) {
            brackets += 1;
            if brackets > MAX_DEPTH {
                return Err(self.problem("too many steps"));
            }
            let inner = self.brackets()?;
            expression = Expression::Child(Box::new(expression), Box::new(inner));
        }
        Ok(expression)
    }

    fn fields(&mut self) -> Result<Expression, PathError> {
        let mut names = Vec::new();
        loop {
            match self.peek().cloned() {
                Some(Token::Name(name)) => names.push(name),
                _ => return Err(self.problem("expected a name")),
            }
            self.at += 1;
            if !self.take(',') {
                return Ok(Expression::Fields(names));
            }
        }
    }

    fn brackets(&mut self) -> Result<Expression, PathError> {
        self.expect('[')?;
        let inner = match self.peek().cloned() {
            Some(Token::Name(_)) => self.fields()?,
            Some(Token::Sign('*')) => {
                self.at += 1;
                Expression::Slice(None, None)
            }
            _ => {
                let start = self.number();
                if self.take(':') {
                    Expression::Slice(start, self.number())
                } else {
                    let index = start.ok_or_else(|| self.problem("expected an index"))?;
                    Expression::Index(index)
                }
            }
        };
        self.expect(']')?;
        Ok(inner)
    }

    fn number(&mut self) -> Option<i64> {
        let number = match self.peek() {
            Some(Token::Number(number)) => *number,
            _ => return None,
        };
        self.at += 1;
        Some(number)
    }
}

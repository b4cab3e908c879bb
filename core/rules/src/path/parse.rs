//! The grammar of keys.

use super::Expr;
use super::lex::{Kind, Problem, Token, tokens};

/// Parentheses and operators may nest this deep.
const DEPTH_MAX: usize = 100;

pub(super) fn parse(key: &str) -> Result<Expr, Problem> {
    let mut parser = Parser { tokens: tokens(key)?, at: 0, end: key.chars().count(), depth: 0 };
    let expr = parser.expr(0)?;
    match parser.peek() {
        None => Ok(expr),
        Some(_) => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
    depth: usize,
}

/// How tightly an operator binds; brackets bind least.
const fn strength(kind: &Kind) -> Option<u8> {
    match kind {
        Kind::DoubleDot => Some(1),
        Kind::Sign('.') => Some(2),
        Kind::Sign('|') => Some(3),
        Kind::Sign('&') => Some(4),
        Kind::Where => Some(5),
        _ => None,
    }
}

impl Parser {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Kind::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self) -> Problem {
        match self.tokens.get(self.at) {
            Some(token) => Problem::new(token.position, "this is not expected here"),
            None => Problem::new(self.end, "a name is missing"),
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), Problem> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.unexpected())
    }

    /// An expression of operators that bind tighter than `weakest`.
    fn expr(&mut self, weakest: u8) -> Result<Expr, Problem> {
        self.depth += 1;
        if self.depth > DEPTH_MAX || self.tokens.len() > 10 * DEPTH_MAX {
            return Err(Problem::new(0, "the path is too long"));
        }
        let mut left = self.primary()?;
        while let Some(kind) = self.peek() {
            if weakest == 0 && *kind == Kind::Sign('[') {
                let inner = self.bracket()?;
                left = Expr::Child(Box::new(left), Box::new(inner));
                continue;
            }
            let Some(own) = strength(kind).filter(|own| *own > weakest) else {
                break;
            };
            let operator = kind.clone();
            self.at += 1;
            let right = self.expr(own)?;
            left = combine(&operator, left, right);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn primary(&mut self) -> Result<Expr, Problem> {
        let Some(kind) = self.peek().cloned() else {
            return Err(self.unexpected());
        };
        let simple = match kind {
            Kind::Name(_) => return Ok(Expr::Fields(self.fields()?)),
            Kind::Sign('[') => return self.bracket(),
            Kind::Sign('(') => {
                self.at += 1;
                let inner = self.expr(0)?;
                self.expect(')')?;
                return Ok(inner);
            }
            Kind::Sign('$') => Expr::Root,
            Kind::Sign('*') => Expr::AnyField,
            Kind::Named(name) if name == "this" => Expr::This,
            Kind::Named(name) if name == "parent" => Expr::Parent,
            Kind::Named(name) => {
                let position = self.tokens.get(self.at).map_or(0, |token| token.position);
                let reason = format!("`{name}` is unknown; `this` and `parent` are known");
                return Err(Problem::new(position, reason));
            }
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(simple)
    }

    /// `a` or `a,b,c`.
    fn fields(&mut self) -> Result<Vec<String>, Problem> {
        let mut fields = Vec::new();
        loop {
            match self.peek() {
                Some(Kind::Name(name)) => fields.push(name.clone()),
                _ => return Err(self.unexpected()),
            }
            self.at += 1;
            if !self.take(',') {
                return Ok(fields);
            }
        }
    }

    /// `[name]`, `[0]`, `[1:2]`, `[*]`.
    fn bracket(&mut self) -> Result<Expr, Problem> {
        self.expect('[')?;
        let inner = match self.peek() {
            Some(Kind::Name(_)) => Expr::Fields(self.fields()?),
            Some(Kind::Sign('*')) => {
                self.at += 1;
                Expr::Slice(None, None)
            }
            _ => {
                let from = self.number();
                match (from, self.take(':')) {
                    (from, true) => Expr::Slice(from, self.number()),
                    (Some(index), false) => Expr::Index(index),
                    (None, false) => return Err(self.unexpected()),
                }
            }
        };
        self.expect(']')?;
        Ok(inner)
    }

    fn number(&mut self) -> Option<i64> {
        match self.peek() {
            Some(Kind::Number(number)) => {
                let number = *number;
                self.at += 1;
                Some(number)
            }
            _ => None,
        }
    }
}

fn combine(operator: &Kind, left: Expr, right: Expr) -> Expr {
    let (left, right) = (Box::new(left), Box::new(right));
    match operator {
        Kind::DoubleDot => Expr::Descendants(left, right),
        Kind::Sign('|') => Expr::Union(left, right),
        Kind::Sign('&') => Expr::Intersection,
        Kind::Where => Expr::Where(left, right),
        _ => Expr::Child(left, right),
    }
}

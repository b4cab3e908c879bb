//! Refuses templates that would nest too deeply, before they are parsed.
//!
//! The engine's parser bounds brackets and blocks, but not chains: `x.a.a.a…` or `1 + 1 + 1…` make a
//! tree as deep as they are long, and walking it would use up the thread's stack, which ends the
//! whole process. So the tokens are counted along each chain first.

use minijinja::Error;
use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;

use super::error::limit_error;

/// Longest chain of operators, attributes, filters and brackets around one value.
const MAX_CHAIN: usize = 120;
/// Longest chain of `elif` in one `if`.
const MAX_BRANCHES: usize = 120;

pub(super) fn check(template: &str, syntax: SyntaxConfig) -> Result<(), Error> {
    let mut guard = Guard::default();
    let mut block_start = false;
    for token in tokenize(template, false, syntax) {
        let (token, _) = token?;
        if block_start {
            guard.block(&token)?;
        }
        block_start = matches!(token, Token::BlockStart);
        guard.token(&token)?;
    }
    Ok(())
}

#[derive(Default)]
struct Guard {
    /// Links of the chain at each level of brackets.
    chains: Vec<usize>,
    /// Sum of `chains`.
    links: usize,
    /// `elif` seen in each open `if`.
    branches: Vec<usize>,
}

impl Guard {
    fn block(&mut self, token: &Token<'_>) -> Result<(), Error> {
        match token {
            Token::Ident("if") => self.branches.push(0),
            Token::Ident("endif") => {
                self.branches.pop();
            }
            Token::Ident("elif") => {
                if let Some(count) = self.branches.last_mut() {
                    *count += 1;
                }
                if self.branches.iter().sum::<usize>() > MAX_BRANCHES {
                    return Err(limit_error("the template has too many `elif` in one `if`"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn token(&mut self, token: &Token<'_>) -> Result<(), Error> {
        match token {
            Token::VariableStart | Token::BlockStart | Token::VariableEnd | Token::BlockEnd => {
                self.chains.clear();
                self.chains.push(0);
                self.links = 0;
            }
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => {
                self.link()?;
                self.chains.push(0);
            }
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                self.links -= self.chains.pop().unwrap_or(0).min(self.links);
            }
            // The next item starts a chain of its own.
            Token::Comma | Token::Colon => {
                if let Some(chain) = self.chains.last_mut() {
                    self.links -= (*chain).min(self.links);
                    *chain = 0;
                }
            }
            Token::Ident("not" | "and" | "or" | "is" | "in" | "if" | "else")
            | Token::Plus
            | Token::Minus
            | Token::Mul
            | Token::Div
            | Token::FloorDiv
            | Token::Pow
            | Token::Mod
            | Token::Dot
            | Token::Tilde
            | Token::Pipe
            | Token::Eq
            | Token::Ne
            | Token::Gt
            | Token::Gte
            | Token::Lt
            | Token::Lte => self.link()?,
            _ => {}
        }
        Ok(())
    }

    fn link(&mut self) -> Result<(), Error> {
        match self.chains.last_mut() {
            Some(chain) => *chain += 1,
            None => self.chains.push(1),
        }
        self.links += 1;
        if self.links > MAX_CHAIN {
            return Err(limit_error(&format!(
                "an expression of the template is too long: more than {MAX_CHAIN} operators, attributes, filters and brackets around one value"
            )));
        }
        Ok(())
    }
}

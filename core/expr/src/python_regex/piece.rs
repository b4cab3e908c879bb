//! Translated parts of a pattern, with the lengths of the texts they match.

use super::flags::Flags;

/// No upper bound of a length or a repetition.
pub(super) const UNBOUNDED: u64 = u64::MAX;

/// What a piece is to a repetition that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// May be repeated.
    Item,
    /// An anchor, or nothing at all.
    NotRepeatable,
    /// Is a repetition already.
    Repetition,
}

/// A translated part.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) min: u64,
    pub(super) max: u64,
    pub(super) kind: Kind,
}

impl Piece {
    pub(super) fn new(text: impl Into<String>, min: u64, max: u64) -> Self {
        Self { text: text.into(), min, max, kind: Kind::Item }
    }

    pub(super) fn anchor(text: impl Into<String>) -> Self {
        Self { kind: Kind::NotRepeatable, ..Self::new(text, 0, 0) }
    }

    /// One character.
    pub(super) fn literal(c: char, flags: Flags) -> Self {
        let mut text = String::new();
        if flags.folds_unicode() && is_i(c) {
            text.push_str("[iI\u{130}\u{131}]");
        } else if flags.folds_ascii() && c.is_ascii_alphabetic() {
            text.push('[');
            text.push(c.to_ascii_lowercase());
            text.push(c.to_ascii_uppercase());
            text.push(']');
        } else if flags.folds_unicode() && c.is_alphabetic() {
            text.push_str("(?i:");
            push_char(&mut text, c);
            text.push(')');
        } else {
            push_char(&mut text, c);
        }
        Self::new(text, 1, 1)
    }

    /// Nothing matches it.
    pub(super) fn never() -> Self {
        Self::new("(?!)", 1, 1)
    }

    /// This piece as one item of the engine's syntax.
    pub(super) fn grouped(&self) -> String {
        format!("(?:{})", self.text)
    }

    /// Puts `next` behind this piece.
    pub(super) fn append(&mut self, next: Option<Self>) {
        if let Some(next) = next {
            self.text.push_str(&next.text);
            self.min = self.min.saturating_add(next.min);
            self.max = self.max.saturating_add(next.max);
        }
    }
}

/// The letters that Python takes for one another when it ignores case, and Unicode does not.
pub(super) const fn is_i(c: char) -> bool {
    matches!(c, 'i' | 'I' | '\u{130}' | '\u{131}')
}

/// Writes `c` so that it means itself, inside and outside a class.
pub(super) fn push_char(text: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || c == '_' {
        text.push(c);
    } else {
        text.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
    }
}

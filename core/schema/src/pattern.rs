//! Patterns of schemas are Python regular expressions, searched anywhere in the text.

use fancy_regex::{Regex, RegexBuilder};

/// Steps a backtracking match may take before it is given up: a few milliseconds of work.
pub(crate) const STEPS_MAX: usize = 100_000;
/// Bytes a compiled pattern may take.
pub(crate) const SIZE_MAX: usize = 1 << 20;
/// Longer patterns are refused unread.
const LENGTH_MAX: usize = 8192;

/// Compiles a Python pattern; `None` when it is no pattern (or one beyond the bounds).
pub(crate) fn compile(pattern: &str) -> Option<Regex> {
    if pattern.len() > LENGTH_MAX {
        return None;
    }
    RegexBuilder::new(&translate(pattern))
        .backtrack_limit(STEPS_MAX)
        .delegate_size_limit(SIZE_MAX)
        .delegate_dfa_size_limit(SIZE_MAX)
        .build()
        .ok()
}

/// The pattern in the words of the regex crates: where Python and Rust read a piece differently,
/// the piece is replaced.
pub(crate) fn translate(pattern: &str) -> String {
    // In multi-line mode `$` means the same on both sides.
    let multi_line = has_flag(pattern, 'm');
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let tail = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '\\' => escape(&mut out, tail, false),
            '[' => class(&mut out, tail),
            '$' if !multi_line => {
                // Python's `$` also matches before a newline that ends the text.
                out.push_str("(?=\\n?\\z)");
                tail
            }
            '{' if !is_counter(tail) => {
                out.push_str("\\{");
                tail
            }
            '{' if tail.starts_with(',') => {
                out.push_str("{0");
                tail
            }
            c => {
                out.push(c);
                tail
            }
        };
    }
    out
}

fn has_flag(pattern: &str, flag: char) -> bool {
    pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')).is_some_and(|(flags, _)| {
        flags.contains(flag) && flags.chars().all(|c| c.is_ascii_lowercase())
    })
}

/// Is what follows an opening brace a repetition (`3}`, `2,}`, `,4}`, `2,4}`)?
fn is_counter(tail: &str) -> bool {
    let Some((inside, _)) = tail.split_once('}') else {
        return false;
    };
    let (low, high) = inside.split_once(',').unwrap_or((inside, "0"));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    digits(low) && digits(high) && !inside.is_empty() && inside != ","
}

/// Copies an escape; `tail` starts behind the backslash. Returns what follows it.
fn escape<'a>(out: &mut String, tail: &'a str, in_class: bool) -> &'a str {
    let Some(c) = tail.chars().next() else {
        out.push('\\');
        return tail;
    };
    match c {
        'Z' if !in_class => out.push_str("\\z"),
        'b' if in_class => out.push_str("\\x08"),
        // Letters of Rust's dialect that Python reads as the plain character.
        '<' | '>' => out.push(c),
        c if !c.is_ascii() => out.push(c),
        c => {
            out.push('\\');
            out.push(c);
        }
    }
    tail.get(c.len_utf8()..).unwrap_or_default()
}

/// Copies a character class; `tail` starts behind the opening bracket. Python knows no nested
/// classes and no set operations, so their signs are plain characters.
fn class<'a>(out: &mut String, tail: &'a str) -> &'a str {
    out.push('[');
    let mut rest = tail;
    if let Some(negated) = rest.strip_prefix('^') {
        out.push('^');
        rest = negated;
    }
    if let Some(literal) = rest.strip_prefix(']') {
        out.push_str("\\]");
        rest = literal;
    }
    while let Some(c) = rest.chars().next() {
        let tail = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '\\' => escape(out, tail, true),
            ']' => {
                out.push(']');
                return tail;
            }
            '[' | '&' | '~' => {
                out.push('\\');
                out.push(c);
                tail
            }
            '-' if tail.starts_with('-') => {
                out.push_str("\\-");
                tail
            }
            c => {
                out.push(c);
                tail
            }
        };
    }
    rest
}

//! One text or number: which quotes it needs and where its lines break.

use serde_json::Number;
use st2_expr::yaml::{self, YamlValue};

use crate::render::number::float;

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
}

/// Where a text starts and where its further lines do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fold {
    pub(super) column: usize,
    pub(super) indent: usize,
    pub(super) width: usize,
}

/// Numbers are written as the reference client's language writes them.
pub(super) fn number(number: &Number) -> String {
    if number.is_f64() {
        let text = float(number.as_f64().unwrap_or_default());
        // YAML 1.1 reads an exponent only after a point.
        return match text.split_once('e') {
            Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0e{exponent}"),
            _ => text,
        };
    }
    number.to_string()
}

/// A key that fits on one line and is not empty.
pub(super) fn is_simple_key(name: &str, limit: usize) -> bool {
    !name.is_empty() && name.chars().count() < limit && !name.contains(is_break)
}

/// The plainest style that reads back as the same text.
pub(super) fn style(text: &str) -> Style {
    let shape = Shape::of(text);
    if shape.special {
        Style::Double
    } else if shape.quoted || !reads_as_text(text) {
        Style::Single
    } else {
        Style::Plain
    }
}

/// Whether the text, written without quotes, is still a text and not a number, date or null.
fn reads_as_text(text: &str) -> bool {
    let plain_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.len() > 5;
    plain_word
        || yaml::parse_document(text)
            .is_ok_and(|document| matches!(document.value, YamlValue::String(_)))
}

#[derive(Default)]
struct Shape {
    /// Needs escapes, so only double quotes do.
    special: bool,
    /// Cannot stand without quotes.
    quoted: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self { special: false, quoted: text.is_empty() };
        if text.starts_with("---") || text.starts_with("...") {
            shape.quoted = true;
        }
        let letters: Vec<char> = text.chars().collect();
        let (mut after_gap, mut after_blank, mut after_break) = (true, false, false);
        for (index, &letter) in letters.iter().enumerate() {
            let next = letters.get(index + 1).copied();
            let before_gap =
                next.is_none_or(|c| matches!(c, ' ' | '\t' | '\r' | '\0') || is_break(c));
            let edge = index == 0 || next.is_none();
            shape.quoted |= is_indicator(letter, index == 0, after_gap, before_gap);
            shape.special |= letter != '\n' && !matches!(letter, ' '..='~');
            shape.quoted |= is_break(letter) || (letter == ' ' && edge);
            // A blank next to a line break would be folded away in any style but double quotes.
            shape.special |= is_break(letter) && after_blank;
            shape.special |= letter == ' ' && after_break;
            after_blank = letter == ' ';
            after_break = is_break(letter);
            after_gap = matches!(letter, ' ' | '\t' | '\r' | '\0') || is_break(letter);
        }
        shape
    }
}

fn is_indicator(letter: char, first: bool, after_gap: bool, before_gap: bool) -> bool {
    if first {
        return match letter {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`' => true,
            '?' | ':' | '-' => before_gap,
            _ => false,
        };
    }
    (letter == ':' && before_gap) || (letter == '#' && after_gap)
}

fn is_break(letter: char) -> bool {
    matches!(letter, '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Writes the text in the given style, folded.
pub(super) fn write(text: &str, style: Style, fold: Fold) -> String {
    match style {
        Style::Plain => folded(text, "", fold),
        Style::Single => folded(text, "'", fold),
        Style::Double => double(text, fold),
    }
}

/// Plain and single-quoted texts: a line break becomes an empty line, and a single blank past the
/// width becomes a line break.
fn folded(text: &str, quote: &str, fold: Fold) -> String {
    let mut written = quote.to_owned();
    let mut column = fold.column + quote.len();
    let letters: Vec<char> = text.chars().collect();
    let at = |index: usize| letters.get(index).copied();
    let mut index = 0;
    while let Some(letter) = at(index) {
        if letter == '\n' {
            written.push('\n');
            let mut end = index;
            while at(end) == Some('\n') {
                written.push('\n');
                end += 1;
            }
            written.push_str(&" ".repeat(fold.indent));
            column = fold.indent;
            index = end;
            continue;
        }
        let single = letter == ' '
            && index > 0
            && at(index - 1) != Some(' ')
            && at(index + 1).is_some_and(|c| c != ' ');
        if single && column > fold.width {
            written.push('\n');
            written.push_str(&" ".repeat(fold.indent));
            column = fold.indent;
        } else {
            if letter == '\'' && !quote.is_empty() {
                written.push('\'');
                column += 1;
            }
            written.push(letter);
            column += 1;
        }
        index += 1;
    }
    written.push_str(quote);
    written
}

fn double(text: &str, fold: Fold) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut written = String::from("\"");
    let mut column = fold.column + 1;
    // Letters seen but not written yet; a fold may only come where the reference would put one.
    let mut pending = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        let escaped = escape(letter);
        if escaped.is_some() {
            column += pending.chars().count();
            written.push_str(&std::mem::take(&mut pending));
        }
        match &escaped {
            Some(escape) => {
                written.push_str(escape);
                column += escape.chars().count();
            }
            None if letter != ' ' => pending.push(letter),
            None => {}
        }
        let inner = index > 0 && index + 1 < letters.len();
        let foldable = inner && (letter == ' ' || escaped.is_some());
        let reached = column + pending.chars().count() - usize::from(escaped.is_some());
        if foldable && reached > fold.width {
            written.push_str(&std::mem::take(&mut pending));
            written.push_str("\\\n");
            written.push_str(&" ".repeat(fold.indent));
            column = fold.indent;
            let next = letters.get(if letter == ' ' { index } else { index + 1 });
            if next == Some(&' ') {
                written.push('\\');
                column += 1;
            }
        }
        if letter == ' ' {
            pending.push(' ');
        }
    }
    written.push_str(&pending);
    written.push('"');
    written
}

fn escape(letter: char) -> Option<String> {
    let short = match letter {
        '"' | '\\' => letter,
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        ' '..='~' => return None,
        other => {
            let code = u32::from(other);
            return Some(match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
        }
    };
    Some(format!("\\{short}"))
}

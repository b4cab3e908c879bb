//! Widths and line breaks of table cells. Escape sequences take no room.

use unicode_width::UnicodeWidthChar;

/// Columns the text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    let mut columns = 0;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            // Skips one sequence of the form ESC [ digits m.
            for skipped in letters.by_ref() {
                if skipped.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            columns += letter.width().unwrap_or(0);
        }
    }
    columns
}

/// The lines of a cell that is `limit` columns wide. Lines that fit are left as they are.
pub(crate) fn cell(text: &str, limit: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        if width(line) <= limit {
            lines.push(line.to_owned());
        } else {
            lines.extend(fill(line, limit));
        }
    }
    lines
}

/// Breaks one line at blanks and hyphens, and inside words that are longer than a whole line.
pub(crate) fn fill(line: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(1);
    let mut lines: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut room = limit;
    for chunk in chunks(&line.replace(['\t', '\r', '\u{b}', '\u{c}'], " ")) {
        let mut chunk = chunk.as_str();
        let blank = chunk.trim().is_empty();
        if blank && current.is_empty() && !lines.is_empty() {
            continue;
        }
        while width(chunk) > room {
            if blank {
                chunk = "";
            } else if width(chunk) > limit && room > 0 {
                let (head, tail) = split_at_width(chunk, room);
                current.push_str(head);
                chunk = tail;
            }
            finish(&mut lines, &mut current);
            room = limit;
        }
        current.push_str(chunk);
        room -= width(chunk);
    }
    finish(&mut lines, &mut current);
    lines
}

fn finish(lines: &mut Vec<String>, current: &mut String) {
    let line = current.trim_end_matches(' ').to_owned();
    current.clear();
    if !line.is_empty() {
        lines.push(line);
    }
}

/// As much of a long word as there is room for, up to its last hyphen if it has one there.
fn split_at_width(text: &str, room: usize) -> (&str, &str) {
    let mut taken = 0;
    let mut end = text.len();
    for (index, letter) in text.char_indices() {
        let columns = letter.width().unwrap_or(0);
        if taken + columns > room && index > 0 {
            end = index;
            break;
        }
        taken += columns;
    }
    let head = text.get(..end).unwrap_or(text);
    if let Some(hyphen) = head.rfind('-').filter(|at| head.chars().take(*at).any(|c| c != '-')) {
        end = hyphen + 1;
    }
    (text.get(..end).unwrap_or(text), text.get(end..).unwrap_or(""))
}

/// Words and the blanks between them; a hyphen between two words ends a chunk.
fn chunks(line: &str) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    let mut found: Vec<String> = Vec::new();
    let mut current = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        let starts_anew =
            current.chars().next_back().is_some_and(|last| (last == ' ') != (letter == ' '));
        if starts_anew {
            found.push(std::mem::take(&mut current));
        }
        current.push(letter);
        if letter == '-' && joins_words(&letters, index) {
            found.push(std::mem::take(&mut current));
        }
    }
    found.push(current);
    found
}

/// Whether the hyphen stands between two words of two letters or more: `well-known`, not `x-1`.
fn joins_words(letters: &[char], hyphen: usize) -> bool {
    let at = |index: Option<usize>| index.and_then(|index| letters.get(index)).copied();
    let letter =
        |index| at(index).is_some_and(|c| (c.is_alphanumeric() && !c.is_ascii_digit()) || c == '_');
    let dash = |index| at(index) == Some('-');
    let back = |count| hyphen.checked_sub(count);
    let ahead = |count| Some(hyphen + count);
    let after = letter(ahead(1)) && (letter(ahead(2)) || (dash(ahead(2)) && letter(ahead(3))));
    let before = letter(back(1)) && (letter(back(2)) || (dash(back(2)) && letter(back(3))));
    before && after
}

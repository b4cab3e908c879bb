//! Regular expressions of the `regex_*` filters: Python's syntax on a backtracking engine with a
//! bound on its steps.

use fancy_regex::{Captures, Regex, RegexBuilder};
use minijinja::Error;

use super::error::{limit_error, value_error};

/// Backtracking steps of one match.
const MAX_STEPS: usize = 1_000_000;
/// Size of the text one replacement may make.
const MAX_TEXT: usize = 32 * 1024 * 1024;

/// A compiled pattern.
pub(super) struct Pattern {
    regex: Regex,
    ignore_case: bool,
}

pub(super) fn compile(pattern: &str, ignore_case: bool) -> Result<Pattern, Error> {
    let regex = RegexBuilder::new(&translated(pattern))
        .case_insensitive(ignore_case)
        .backtrack_limit(MAX_STEPS)
        .build()
        .map_err(|error| value_error(format!("regular expression {pattern:?}: {error}")))?;
    Ok(Pattern { regex, ignore_case })
}

/// Where Python and the engine read the same text differently: `$` and `\Z`.
fn translated(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.chars();
    let mut in_class = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('Z') if !in_class => text.push_str(r"\z"),
                Some(next) => {
                    text.push('\\');
                    text.push(next);
                }
                None => text.push('\\'),
            },
            '[' => {
                if in_class {
                    text.push('\\');
                }
                text.push('[');
                if !in_class {
                    in_class = true;
                    // A bracket right after the opening one stands for itself.
                    let rest = characters.as_str();
                    let start = rest.strip_prefix('^').unwrap_or(rest);
                    if start.starts_with(']') {
                        if rest.starts_with('^') {
                            text.push('^');
                            characters.next();
                        }
                        text.push_str(r"\]");
                        characters.next();
                    }
                }
            }
            ']' => {
                in_class = false;
                text.push(']');
            }
            // Python's `$` also matches before a final newline; with the flag `m` the engine's
            // own meaning is the same as Python's.
            '$' if !in_class && !is_multi_line(pattern) => text.push_str(r"(?=\n?\z)"),
            // Set operations exist only in the engine.
            '&' | '~' if in_class => {
                text.push('\\');
                text.push(character);
            }
            _ => text.push(character),
        }
    }
    text
}

fn is_multi_line(pattern: &str) -> bool {
    pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')).is_some_and(|(flags, _)| {
        flags.contains('m') && flags.chars().all(|flag| flag.is_ascii_alphabetic())
    })
}

fn failed(error: &fancy_regex::Error) -> Error {
    match error {
        fancy_regex::Error::RuntimeError(_) => {
            limit_error("matching the regular expression takes too many steps")
        }
        other => value_error(format!("regular expression: {other}")),
    }
}

impl Pattern {
    pub(super) fn is_found(&self, text: &str) -> Result<bool, Error> {
        self.regex.is_match(text).map_err(|error| failed(&error))
    }

    /// Whether a match begins at the start of the text.
    pub(super) fn matches_start(&self, text: &str) -> Result<bool, Error> {
        let anchored = RegexBuilder::new(&anchored(self.regex.as_str()))
            .case_insensitive(self.ignore_case)
            .backtrack_limit(MAX_STEPS)
            .build()
            .map_err(|error| failed(&error))?;
        anchored.is_match(text).map_err(|error| failed(&error))
    }

    fn captures<'t>(&self, text: &'t str) -> Result<Vec<Captures<'t, str>>, Error> {
        let mut all = Vec::new();
        for captures in self.regex.captures_iter(text) {
            all.push(captures.map_err(|error| failed(&error))?);
        }
        Ok(all)
    }

    /// Python's `findall`: whole matches, or the groups if there are any.
    pub(super) fn find_all(&self, text: &str) -> Result<Vec<Vec<String>>, Error> {
        let group = |captures: &Captures<'_, str>, index: usize| {
            captures.get(index).map_or_else(String::new, |part| part.as_str().to_owned())
        };
        let groups = self.regex.captures_len();
        Ok(self
            .captures(text)?
            .iter()
            .map(|captures| {
                if groups <= 1 {
                    vec![group(captures, 0)]
                } else {
                    (1..groups).map(|index| group(captures, index)).collect()
                }
            })
            .collect())
    }

    pub(super) fn replace_all(
        &self,
        text: &str,
        replacement: &Replacement,
    ) -> Result<String, Error> {
        let mut replaced = String::with_capacity(text.len());
        let mut behind = 0;
        for captures in self.captures(text)? {
            let Some(whole) = captures.get(0) else {
                continue;
            };
            replaced.push_str(text.get(behind..whole.start()).unwrap_or_default());
            replacement.expand(&captures, &mut replaced);
            behind = whole.end();
            if replaced.len() > MAX_TEXT {
                return Err(limit_error("the replaced text is too large"));
            }
        }
        replaced.push_str(text.get(behind..).unwrap_or_default());
        Ok(replaced)
    }
}

/// Global flags have to stay in front of the anchor.
fn anchored(pattern: &str) -> String {
    match pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')) {
        Some((flags, rest))
            if !flags.is_empty() && flags.chars().all(|flag| flag.is_ascii_alphabetic()) =>
        {
            format!(r"(?{flags})\A(?:{rest})")
        }
        _ => format!(r"\A(?:{pattern})"),
    }
}

/// A replacement text in Python's notation.
pub(super) struct Replacement(Vec<Part>);

enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    pub(super) fn parse(text: &str, pattern: &Pattern) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            literal.push_str(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            let Some(escape) = rest.chars().next() else {
                return Err(value_error("replacement: bad escape (end of text)"));
            };
            match escape {
                '1'..='9' => {
                    let digits: String =
                        rest.chars().take(2).take_while(char::is_ascii_digit).collect();
                    rest = rest.get(digits.len()..).unwrap_or_default();
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                    parts.push(Part::Group(group(&digits, pattern)?));
                    continue;
                }
                'g' => {
                    let (name, behind) = rest
                        .strip_prefix("g<")
                        .and_then(|rest| rest.split_once('>'))
                        .ok_or_else(|| value_error("replacement: missing group name after \\g"))?;
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                    parts.push(Part::Group(group(name, pattern)?));
                    rest = behind;
                    continue;
                }
                'n' => literal.push('\n'),
                't' => literal.push('\t'),
                'r' => literal.push('\r'),
                'a' => literal.push('\u{7}'),
                'b' => literal.push('\u{8}'),
                'f' => literal.push('\u{c}'),
                'v' => literal.push('\u{b}'),
                '0' => literal.push('\0'),
                '\\' => literal.push('\\'),
                other if other.is_ascii_alphanumeric() => {
                    return Err(value_error(format!("replacement: bad escape \\{other}")));
                }
                other => {
                    literal.push('\\');
                    literal.push(other);
                }
            }
            rest = rest.get(escape.len_utf8()..).unwrap_or_default();
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        Ok(Self(parts))
    }

    fn expand(&self, captures: &Captures<'_, str>, out: &mut String) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(index) => {
                    if let Some(group) = captures.get(*index) {
                        out.push_str(group.as_str());
                    }
                }
            }
        }
    }
}

fn group(name: &str, pattern: &Pattern) -> Result<usize, Error> {
    let index = match name.parse::<usize>() {
        Ok(index) => Some(index).filter(|index| *index < pattern.regex.captures_len()),
        Err(_) => pattern.regex.capture_names().position(|known| known == Some(name)),
    };
    index.ok_or_else(|| value_error(format!("replacement: invalid group reference {name}")))
}

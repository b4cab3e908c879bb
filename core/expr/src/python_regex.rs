//! Regular expressions with Python's syntax and meaning on top of a backtracking engine.
//!
//! A pattern is read with Python's grammar (so that what Python refuses is refused here, with the
//! place) and written anew for the engine (so that `$`, `\w`, `\s`, ignoring case … mean what they
//! mean in Python). Matching has a step budget; using it up is an error.

mod class;
mod error;
mod escape;
mod flags;
mod form;
mod group;
mod parse;
mod piece;
mod replacement;

#[cfg(test)]
mod tests;

use fancy_regex::Captures;

pub use error::RegexError;

use form::Form;
use parse::Translated;
use replacement::Replacement;

/// Which texts a translation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// ASCII, and no newline at the end.
    Plain,
    Any,
}

/// How a pattern is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// At the start of the text only.
    pub at_start: bool,
    /// Python's flag `i`.
    pub ignore_case: bool,
    /// Python's flag `s`: `.` accepts newlines.
    pub dot_all: bool,
}

/// A compiled pattern.
///
/// Most texts are ASCII and do not end with a newline. For those `$` and `\b` mean the same to
/// Python and to the engine, whose fast matcher can then be used; the exact but slow form is made
/// when the first other text comes.
#[derive(Debug, Clone)]
pub struct PythonRegex {
    plain: Form,
    exact: Option<Form>,
    /// Number of capturing groups.
    groups: usize,
    /// Their names, by number less one.
    names: Vec<Option<String>>,
}

impl PythonRegex {
    /// Compiles `pattern`.
    ///
    /// # Errors
    /// [`RegexError::Pattern`] when Python or the engine refuses it.
    pub fn new(pattern: &str, options: Options) -> Result<Self, RegexError> {
        let Translated { text: plain, names } = written(pattern, options, Texts::Plain)?;
        let any = written(pattern, options, Texts::Any)?.text;
        let exact = (plain != any).then(|| Form::new(pattern, any));
        let plain = Form::new(pattern, plain);
        plain.regex()?;
        Ok(Self { plain, exact, groups: names.len(), names })
    }

    /// Whether the pattern is found in `text`.
    ///
    /// # Errors
    /// [`RegexError::Steps`] when that takes too long.
    pub fn is_match(&self, text: &str) -> Result<bool, RegexError> {
        self.form(text).regex()?.is_match(text).map_err(RegexError::of_matching)
    }

    /// Every match that overlaps no earlier one: the whole of it where the pattern has no groups,
    /// its groups otherwise. A group that took no part is empty.
    ///
    /// # Errors
    /// [`RegexError::Steps`] when that takes too long, [`RegexError::Size`] when the result has
    /// more than `size_max` bytes.
    pub fn find_all(&self, text: &str, size_max: usize) -> Result<Vec<Vec<String>>, RegexError> {
        let wanted = if self.groups == 0 { 0..=0 } else { 1..=self.groups };
        let mut size = 0;
        let mut all = Vec::new();
        self.each(text, |captures| {
            let part = |group| captures.get(group).map_or("", |part| part.as_str()).to_owned();
            let parts: Vec<String> = wanted.clone().map(part).collect();
            let part_sizes = parts.iter().map(|part| part.len() + size_of::<String>());
            size += part_sizes.sum::<usize>();
            all.push(parts);
            RegexError::check_size(size, size_max)
        })?;
        Ok(all)
    }

    /// `text` with every match replaced by `replacement`, which names groups as `\1` or `\g<name>`.
    ///
    /// # Errors
    /// [`RegexError::Replacement`] when Python refuses the replacement, [`RegexError::Steps`] when
    /// matching takes too long, [`RegexError::Size`] when the result has more than `size_max` bytes.
    pub fn replace_all(
        &self,
        text: &str,
        replacement: &str,
        size_max: usize,
    ) -> Result<String, RegexError> {
        let replacement = Replacement::parse(replacement, &self.names)?;
        let mut replaced = String::with_capacity(text.len());
        let mut behind = 0;
        self.each(text, |captures| {
            if let Some(whole) = captures.get(0) {
                replaced.push_str(text.get(behind..whole.start()).unwrap_or_default());
                replacement.expand(captures, &mut replaced);
                behind = whole.end();
            }
            RegexError::check_size(replaced.len(), size_max)
        })?;
        replaced.push_str(text.get(behind..).unwrap_or_default());
        RegexError::check_size(replaced.len(), size_max)?;
        Ok(replaced)
    }

    /// Hands over one match after the other. As in Python, a match may be empty right behind one
    /// that is not, and behind an empty one the next may start at the same place if it goes on.
    fn each(
        &self,
        text: &str,
        mut take: impl FnMut(&Captures<'_, str>) -> Result<(), RegexError>,
    ) -> Result<(), RegexError> {
        let form = self.form(text);
        let mut at = 0;
        let mut was_empty = false;
        loop {
            let regex = if was_empty { form.advancing()? } else { form.regex()? };
            let found = regex.captures_from_pos(text, at).map_err(RegexError::of_matching)?;
            let Some((captures, whole)) = found.as_ref().and_then(|c| c.get(0).map(|w| (c, w)))
            else {
                return Ok(());
            };
            at = whole.end();
            was_empty = whole.start() == whole.end();
            take(captures)?;
        }
    }

    fn form(&self, text: &str) -> &Form {
        match &self.exact {
            Some(exact) if !text.is_ascii() || text.ends_with('\n') => exact,
            _ => &self.plain,
        }
    }
}

/// `pattern` in the engine's syntax.
fn written(pattern: &str, options: Options, texts: Texts) -> Result<Translated, RegexError> {
    let flags = flags::Flags {
        ignore_case: options.ignore_case,
        dot_all: options.dot_all,
        ..flags::Flags::default()
    };
    let mut translated = parse::translate(pattern, flags, texts)
        .map_err(|problem| RegexError::pattern(pattern, problem.position, problem.reason))?;
    if options.at_start {
        translated.text = format!(r"\A(?:{})", translated.text);
    }
    Ok(translated)
}

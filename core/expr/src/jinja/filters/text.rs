//! Filters over text: layout and markup.

use minijinja::value::ValueKind;
use minijinja::{Environment, Error, State, Value};

use super::{Arguments, add, pretty};
use crate::jinja::convert::{self, JsonStyle};
use crate::jinja::error::value_error;
use crate::jinja::{format, python};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "string", &[], |state, value, _| {
        if value.is_safe() {
            return Ok(value.clone());
        }
        python::defined_text(state, value).map(Value::from)
    });
    add(environment, "upper", &[], |state, value, _| {
        Ok(Value::from(python::defined_text(state, value)?.to_uppercase()))
    });
    add(environment, "lower", &[], |state, value, _| {
        Ok(Value::from(python::defined_text(state, value)?.to_lowercase()))
    });
    add(environment, "trim", &["chars"], |state, value, args| {
        let text = python::defined_text(state, value)?;
        Ok(Value::from(match args.given(0) {
            Some(_) => {
                let set: Vec<char> = args.text(0)?.chars().collect();
                text.trim_matches(|c| set.contains(&c)).to_owned()
            }
            None => text.trim().to_owned(),
        }))
    });
    add(environment, "escape", &[], escape);
    add(environment, "e", &[], escape);
    add(environment, "forceescape", &[], |state, value, _| {
        Ok(Value::from_safe_string(escaped(&python::defined_text(state, value)?)))
    });
    add(environment, "striptags", &[], strip_tags);
    add(environment, "xmlattr", &["autospace"], xml_attributes);
    add(environment, "tojson", &["indent"], to_json);
    add(environment, "pprint", &[], |state, value, _| {
        python::refuse_undefined(state, value)?;
        pretty::print(value).map(Value::from)
    });
    add(environment, "truncate", &["length", "killwords", "end", "leeway"], truncate);
    add(environment, "center", &["width"], |state, value, args| {
        let text = python::defined_text(state, value)?;
        format::pad(&text, args.integer(0, 80)?, ' ', format::Side::Both).map(Value::from)
    });
    add(environment, "wordcount", &[], |state, value, _| {
        let text = python::defined_text(state, value)?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words = text.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        Ok(Value::from(words.count()))
    });
    add(
        environment,
        "wordwrap",
        &["width", "break_long_words", "wrapstring", "break_on_hyphens"],
        word_wrap,
    );
    add(environment, "urlize", &["trim_url_limit", "nofollow", "target", "rel"], urlize);
}

/// HTML text, with the entities the original writes.
pub(in crate::jinja) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&#34;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn escape(state: &mut State<'_, '_>, value: &Value, _: &Arguments) -> Result<Value, Error> {
    if value.is_safe() {
        return Ok(value.clone());
    }
    Ok(Value::from_safe_string(escaped(&python::defined_text(state, value)?)))
}

fn strip_tags(state: &mut State<'_, '_>, value: &Value, _: &Arguments) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let mut stripped = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find('<') {
        let tag = rest.get(start..).unwrap_or_default();
        let end = if tag.starts_with("<!--") {
            tag.find("-->").map(|end| end + 3)
        } else {
            tag.find('>').map(|end| end + 1)
        };
        let Some(end) = end else { break };
        stripped.push_str(rest.get(..start).unwrap_or_default());
        rest = tag.get(end..).unwrap_or_default();
    }
    stripped.push_str(rest);
    let words: Vec<&str> = stripped.split_whitespace().collect();
    Ok(Value::from(unescaped(&words.join(" "))))
}

fn unescaped(text: &str) -> String {
    let known = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#39;", "'"),
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ];
    let mut text = text.to_owned();
    for (entity, character) in known {
        text = text.replace(entity, character);
    }
    text
}

fn xml_attributes(
    state: &mut State<'_, '_>,
    value: &Value,
    args: &Arguments,
) -> Result<Value, Error> {
    python::refuse_undefined(state, value)?;
    let pairs = match value.kind() {
        ValueKind::Map => value.as_object().and_then(|object| object.try_iter_pairs()),
        _ => return Err(value_error("xmlattr: expected a mapping")),
    };
    let mut parts = Vec::new();
    for (key, item) in pairs.into_iter().flatten() {
        if item.is_none() || item.is_undefined() {
            continue;
        }
        let name = python::text_of(&key)?;
        if name.contains([' ', '/', '>', '=', '\t', '\n', '\u{c}']) {
            return Err(value_error(format!("Invalid character in attribute name: {name:?}")));
        }
        let text = escaped(&python::text_of(&item)?);
        parts.push(format!("{}=\"{text}\"", escaped(&name)));
    }
    let text = parts.join(" ");
    let space = if args.flag(0, true) && !text.is_empty() { " " } else { "" };
    Ok(Value::from(format!("{space}{text}")))
}

fn to_json(_: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let indent = match args.given(0) {
        None => None,
        Some(_) => {
            let width = args.integer(0, 0)?.clamp(0, 64);
            Some(" ".repeat(usize::try_from(width).unwrap_or(0)))
        }
    };
    let style = JsonStyle { indent, sort_keys: true, ..JsonStyle::default() };
    let text = convert::to_json_text(value, &style)?
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\'', "\\u0027");
    Ok(Value::from_safe_string(text))
}

fn size(number: i64) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX)
}

fn truncate(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let length = size(args.integer(0, 255)?);
    let end = args.get(2).map_or(Ok("...".to_owned()), python::text_of)?;
    let leeway = size(if args.given(3).is_some() { args.integer(3, 5)? } else { 5 });
    let end_length = end.chars().count();
    if length < end_length {
        return Err(value_error(format!(
            "truncate: expected length >= {end_length}, got {length}"
        )));
    }
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= length.saturating_add(leeway) {
        return Ok(Value::from(text));
    }
    let kept: String = characters.iter().take(length - end_length).collect();
    if args.flag(1, false) {
        return Ok(Value::from(kept + &end));
    }
    let whole_words = kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words);
    Ok(Value::from(format!("{whole_words}{end}")))
}

fn word_wrap(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let width = size(args.integer(0, 79)?).max(1);
    let break_long = args.flag(1, true);
    let newline = args.given(2).map_or(Ok("\n".to_owned()), python::text_of)?;
    let on_hyphens = args.flag(3, true);
    let lines: Vec<String> = text
        .lines()
        .map(|line| wrapped(line, width, break_long, on_hyphens).join(&newline))
        .collect();
    Ok(Value::from(lines.join(&newline)))
}

/// One line as lines of at most `width` characters; blanks at the breaks go.
fn wrapped(line: &str, width: usize, break_long: bool, on_hyphens: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current: Vec<char> = Vec::new();
    let mut chunks: Vec<Vec<char>> = chunks(line, on_hyphens);
    chunks.reverse();
    while let Some(mut chunk) = chunks.pop() {
        let blank = chunk.iter().all(|c| c.is_whitespace());
        if blank && current.is_empty() && !lines.is_empty() {
            continue;
        }
        if current.len() + chunk.len() <= width {
            current.append(&mut chunk);
            continue;
        }
        if chunk.len() > width && break_long {
            let room = width.saturating_sub(current.len()).max(usize::from(current.is_empty()));
            let rest = chunk.split_off(room.min(chunk.len()));
            current.append(&mut chunk);
            chunks.push(rest);
        } else if current.is_empty() {
            current.append(&mut chunk);
        } else {
            chunks.push(chunk);
        }
        push_trimmed(&mut lines, &mut current);
    }
    push_trimmed(&mut lines, &mut current);
    lines
}

fn push_trimmed(lines: &mut Vec<String>, current: &mut Vec<char>) {
    let line: String = current.drain(..).collect();
    let line = line.trim_end();
    if !line.is_empty() {
        lines.push(line.to_owned());
    }
}

/// Words, the blanks between them, and parts of words that end with a hyphen.
fn chunks(line: &str, on_hyphens: bool) -> Vec<Vec<char>> {
    let mut chunks: Vec<Vec<char>> = Vec::new();
    let mut previous: Option<char> = None;
    for character in line.chars() {
        let starts = match previous {
            None => true,
            Some(previous) => {
                previous.is_whitespace() != character.is_whitespace()
                    || (on_hyphens && previous == '-' && character.is_alphabetic())
            }
        };
        match chunks.last_mut() {
            Some(chunk) if !starts => chunk.push(character),
            _ => chunks.push(vec![character]),
        }
        previous = Some(character);
    }
    chunks
}

fn urlize(state: &mut State<'_, '_>, value: &Value, args: &Arguments) -> Result<Value, Error> {
    let text = python::defined_text(state, value)?;
    let limit = args.given(0).map(|_| args.integer(0, 0)).transpose()?.map(size);
    let mut rel: Vec<String> = Vec::new();
    if args.flag(1, false) {
        rel.push("nofollow".to_owned());
    }
    rel.push("noopener".to_owned());
    if let Some(more) = args.given(3) {
        rel.extend(python::text_of(more)?.split_whitespace().map(str::to_owned));
    }
    rel.sort();
    rel.dedup();
    let target = match args.given(2) {
        Some(target) => format!(" target=\"{}\"", escaped(&python::text_of(target)?)),
        None => String::new(),
    };
    let attributes = format!(" rel=\"{}\"{target}", rel.join(" "));
    let mut linked = String::with_capacity(text.len());
    for part in text.split_inclusive(char::is_whitespace) {
        let word = part.trim_end();
        let blank = part.get(word.len()..).unwrap_or_default();
        linked.push_str(&link(word, limit, &attributes));
        linked.push_str(blank);
    }
    Ok(Value::from(linked))
}

fn link(word: &str, limit: Option<usize>, attributes: &str) -> String {
    let bare = word.trim_end_matches(['.', ',', ')', '>', ';', ':']);
    let tail = word.get(bare.len()..).unwrap_or_default();
    let address = if bare.starts_with("http://") || bare.starts_with("https://") {
        bare.to_owned()
    } else if bare.starts_with("www.") {
        format!("https://{bare}")
    } else {
        return escaped(word);
    };
    let shown = match limit {
        Some(limit) if bare.chars().count() > limit => {
            let start: String = bare.chars().take(limit).collect();
            format!("{start}...")
        }
        _ => bare.to_owned(),
    };
    format!(
        "<a href=\"{}\"{attributes}>{}</a>{}",
        escaped(&address),
        escaped(&shown),
        escaped(tail)
    )
}

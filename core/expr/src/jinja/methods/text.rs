//! Methods of Python's `str`.

use minijinja::value::{Tuple, ValueKind};
use minijinja::{Error, State, Value};

use super::Call;
use crate::jinja::collections::List;
use crate::jinja::error::value_error;
use crate::jinja::filters::{Arguments, decimal_digit};
use crate::jinja::format::{self, Fields, Named, Side};
use crate::jinja::python;

pub(super) fn call(
    state: &mut State<'_, '_>,
    text: &str,
    call: &Call<'_>,
) -> Result<Option<Value>, Error> {
    if let Some(value) = layout(state, text, call)? {
        return Ok(Some(value));
    }
    if let Some(value) = split(text, call)? {
        return Ok(Some(value));
    }
    if let Some(value) = find(text, call)? {
        return Ok(Some(value));
    }
    if let Some(value) = predicate(text, call)? {
        return Ok(Some(value));
    }
    change(state, text, call)
}

fn strings(parts: impl IntoIterator<Item = impl Into<Value>>) -> Result<Value, Error> {
    List::of(parts.into_iter().map(Into::into))
}

/// Formatting and padding.
fn layout(state: &mut State<'_, '_>, text: &str, call: &Call<'_>) -> Result<Option<Value>, Error> {
    let padded = |side: Side| {
        let args = call.bind("pad", &["width", "fillchar"])?;
        args.required(0)?;
        let fill = args.get(1).map_or(Ok(" ".to_owned()), python::text_of)?;
        let mut fill = fill.chars();
        match (fill.next(), fill.next()) {
            (Some(fill), None) => format::pad(text, args.integer(0, 0)?, fill, side),
            _ => Err(value_error("The fill character must be exactly one character long")),
        }
    };
    let laid_out = match call.method {
        "format" => {
            let fields = Fields {
                positional: &call.rest,
                named: Named::Arguments(&call.kwargs),
                all_must_be_used: false,
            };
            format::str_format(state, text, &fields)?
        }
        "format_map" => {
            let args = call.bind("format_map", &["mapping"])?;
            let fields = Fields {
                positional: &[],
                named: Named::Mapping(args.required(0)?),
                all_must_be_used: false,
            };
            format::str_format(state, text, &fields)?
        }
        "center" => padded(Side::Both)?,
        "ljust" => padded(Side::Right)?,
        "rjust" => padded(Side::Left)?,
        "zfill" => {
            let args = call.bind("zfill", &["width"])?;
            args.required(0)?;
            let sign = text.strip_prefix(['+', '-']).map_or(0, |_| 1);
            let (sign, digits) = text.split_at(sign);
            let width = args.integer(0, 0)? - i64::try_from(sign.len()).unwrap_or(0);
            format!("{sign}{}", format::pad(digits, width, '0', Side::Left)?)
        }
        "expandtabs" => {
            let args = call.bind("expandtabs", &["tabsize"])?;
            expand_tabs(text, args.integer(0, 8)?.clamp(0, 64))
        }
        _ => return Ok(None),
    };
    Ok(Some(Value::from(laid_out)))
}

fn expand_tabs(text: &str, size: i64) -> String {
    let size = usize::try_from(size).unwrap_or(0);
    let mut expanded = String::with_capacity(text.len());
    let mut column = 0;
    for character in text.chars() {
        match character {
            '\t' => {
                let blanks = size - column % size.max(1);
                if size > 0 {
                    expanded.extend(std::iter::repeat_n(' ', blanks));
                    column += blanks;
                }
            }
            '\n' | '\r' => {
                expanded.push(character);
                column = 0;
            }
            _ => {
                expanded.push(character);
                column += 1;
            }
        }
    }
    expanded
}

/// Taking apart and putting together.
fn split(text: &str, call: &Call<'_>) -> Result<Option<Value>, Error> {
    let separated = |name: &'static str| -> Result<(Option<String>, Option<usize>), Error> {
        let args = call.bind(name, &["sep", "maxsplit"])?;
        let separator = args.given(0).map(|_| args.text(0)).transpose()?;
        if separator.as_deref() == Some("") {
            return Err(value_error("empty separator"));
        }
        let most = args.integer(1, -1)?;
        Ok((separator, usize::try_from(most).ok()))
    };
    Ok(Some(match call.method {
        "split" => match separated("split")? {
            (Some(separator), None) => strings(text.split(&separator))?,
            (Some(separator), Some(most)) => strings(text.splitn(most + 1, &separator))?,
            (None, None) => strings(text.split_whitespace())?,
            (None, Some(most)) => strings(split_blanks(text, most))?,
        },
        "rsplit" => match separated("rsplit")? {
            (Some(separator), most) => {
                let most = most.map_or(usize::MAX, |most| most.saturating_add(1));
                let mut parts: Vec<&str> = text.rsplitn(most, &separator).collect();
                parts.reverse();
                strings(parts)?
            }
            (None, None) => strings(text.split_whitespace())?,
            (None, Some(most)) => strings(rsplit_blanks(text, most))?,
        },
        "splitlines" => {
            let args = call.bind("splitlines", &["keepends"])?;
            strings(split_lines(text, args.flag(0, false)))?
        }
        "partition" | "rpartition" => {
            let args = call.bind("partition", &["sep"])?;
            let separator = args.text(0)?;
            if separator.is_empty() {
                return Err(value_error("empty separator"));
            }
            let first = call.method == "partition";
            let found =
                if first { text.split_once(&separator) } else { text.rsplit_once(&separator) };
            let parts = match (found, first) {
                (Some((before, behind)), _) => [before, separator.as_str(), behind],
                (None, true) => [text, "", ""],
                (None, false) => ["", "", text],
            };
            Value::from(Tuple::from(parts.map(Value::from)))
        }
        "join" => {
            let args = call.bind("join", &["iterable"])?;
            let mut joined = String::new();
            for (index, item) in args.required(0)?.try_iter()?.enumerate() {
                if item.kind() != ValueKind::String {
                    return Err(value_error(format!(
                        "sequence item {index}: expected str instance, {} found",
                        python::type_name(&item)
                    )));
                }
                if index > 0 {
                    joined.push_str(text);
                }
                joined.push_str(item.as_str().unwrap_or_default());
            }
            Value::from(joined)
        }
        _ => return Ok(None),
    }))
}

fn split_blanks(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while parts.len() < most && !rest.is_empty() {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        parts.push(part);
        rest = behind.trim_start();
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts
}

fn rsplit_blanks(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_end();
    while parts.len() < most && !rest.is_empty() {
        let start = rest
            .char_indices()
            .rev()
            .find(|(_, character)| character.is_whitespace())
            .map_or(0, |(at, character)| at + character.len_utf8());
        let (before, part) = rest.split_at(start);
        parts.push(part);
        rest = before.trim_end();
    }
    if !rest.is_empty() {
        parts.push(rest);
    }
    parts.reverse();
    parts
}

fn split_lines(text: &str, keep_ends: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let ends = matches!(
            character,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        );
        if !ends {
            line.push(character);
            continue;
        }
        if keep_ends {
            line.push(character);
        }
        if character == '\r' && characters.peek() == Some(&'\n') {
            characters.next();
            if keep_ends {
                line.push('\n');
            }
        }
        lines.push(std::mem::take(&mut line));
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The part between two positions that count characters, as slices do, and where it starts.
fn part(text: &str, args: &Arguments) -> Result<Option<(usize, String)>, Error> {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let bound = |index: usize, default: i64| -> Result<i64, Error> {
        let at = match args.given(index) {
            None => default,
            Some(_) => args.integer(index, default)?,
        };
        Ok(if at < 0 { (at + length).max(0) } else { at })
    };
    let (start, end) = (bound(1, 0)?, bound(2, length)?.min(length));
    if start > end {
        return Ok(None);
    }
    let skip = usize::try_from(start).unwrap_or(0);
    let take = usize::try_from(end - start).unwrap_or(0);
    Ok(Some((skip, text.chars().skip(skip).take(take).collect())))
}

/// Looking for a part of the text.
fn find(text: &str, call: &Call<'_>) -> Result<Option<Value>, Error> {
    let args = || call.bind("find", &["sub", "start", "end"]);
    let position = |from_end: bool| -> Result<Option<usize>, Error> {
        let args = args()?;
        let wanted = args.text(0)?;
        let Some((start, part)) = part(text, &args)? else {
            return Ok(None);
        };
        let found = if from_end { part.rfind(&wanted) } else { part.find(&wanted) };
        Ok(found.map(|at| start + part.get(..at).unwrap_or_default().chars().count()))
    };
    let or_minus_one = |at: Option<usize>| at.map_or_else(|| Value::from(-1), Value::from);
    let or_fail =
        |at: Option<usize>| at.map(Value::from).ok_or_else(|| value_error("substring not found"));
    Ok(Some(match call.method {
        "find" => or_minus_one(position(false)?),
        "rfind" => or_minus_one(position(true)?),
        "index" => or_fail(position(false)?)?,
        "rindex" => or_fail(position(true)?)?,
        "count" => {
            let args = args()?;
            let wanted = args.text(0)?;
            let count = match part(text, &args)? {
                None => 0,
                Some((_, part)) if wanted.is_empty() => part.chars().count() + 1,
                Some((_, part)) => part.matches(&wanted).count(),
            };
            Value::from(count)
        }
        "startswith" | "endswith" => {
            let args = args()?;
            let Some((_, part)) = part(text, &args)? else {
                return Ok(Some(Value::from(false)));
            };
            let given = args.required(0)?;
            let wanted: Vec<Value> = if given.is_tuple() {
                given.try_iter()?.collect()
            } else {
                vec![Value::from(args.text(0)?)]
            };
            let at_start = call.method == "startswith";
            Value::from(wanted.iter().filter_map(Value::as_str).any(|wanted| {
                if at_start { part.starts_with(wanted) } else { part.ends_with(wanted) }
            }))
        }
        _ => return Ok(None),
    }))
}

/// Questions about all characters.
fn predicate(text: &str, call: &Call<'_>) -> Result<Option<Value>, Error> {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let answer = match call.method {
        "isalpha" => all(char::is_alphabetic),
        "isalnum" => all(char::is_alphanumeric),
        "isascii" => text.is_ascii(),
        "isdecimal" => all(|c| decimal_digit(c).is_some()),
        "isdigit" => all(|c| decimal_digit(c).is_some() || is_other_digit(c)),
        "isnumeric" => all(char::is_numeric),
        "isspace" => all(char::is_whitespace),
        "islower" => text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase),
        "isupper" => text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase),
        "isprintable" => text.chars().all(python::is_printable),
        "isidentifier" => {
            let mut characters = text.chars();
            characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
                && characters.all(|c| c.is_alphanumeric() || c == '_')
        }
        "istitle" => is_title(text),
        _ => return Ok(None),
    };
    call.no_arguments()?;
    Ok(Some(Value::from(answer)))
}

/// Digits that are no decimal ones: superscripts, subscripts and circled numbers.
fn is_other_digit(character: char) -> bool {
    matches!(character,
        '²' | '³' | '¹' | '⁰' | '⁴'..='⁹' | '₀'..='₉' | '①'..='⑨' | '⑴'..='⑼' | '⒈'..='⒐'
        | '⓪' | '⓵'..='⓽' | '⓿' | '❶'..='❾' | '➀'..='➈' | '➊'..='➒')
}

fn is_title(text: &str) -> bool {
    let mut any = false;
    let mut inside = false;
    for character in text.chars() {
        if character.is_uppercase() {
            if inside {
                return false;
            }
            (any, inside) = (true, true);
        } else if character.is_lowercase() {
            if !inside {
                return false;
            }
        } else {
            inside = false;
        }
    }
    any
}

/// Methods that give a changed text.
fn change(state: &State<'_, '_>, text: &str, call: &Call<'_>) -> Result<Option<Value>, Error> {
    let stripped = || -> Result<Vec<char>, Error> {
        let args = call.bind("strip", &["chars"])?;
        Ok(match args.given(0) {
            Some(_) => args.text(0)?.chars().collect(),
            None => Vec::new(),
        })
    };
    let is_stripped =
        |set: &[char], c: char| if set.is_empty() { c.is_whitespace() } else { set.contains(&c) };
    let cased = |changed: String| -> Result<String, Error> {
        call.no_arguments()?;
        Ok(changed)
    };
    let changed = match call.method {
        "upper" => cased(text.to_uppercase())?,
        "lower" => cased(text.to_lowercase())?,
        "casefold" => cased(text.to_lowercase().replace('ß', "ss").replace('ς', "σ"))?,
        "swapcase" => cased(text.chars().map(swapped).collect())?,
        "capitalize" => cased(capitalized(text))?,
        "title" => cased(title(text))?,
        "strip" => {
            let set = stripped()?;
            text.trim_matches(|c| is_stripped(&set, c)).to_owned()
        }
        "lstrip" => {
            let set = stripped()?;
            text.trim_start_matches(|c| is_stripped(&set, c)).to_owned()
        }
        "rstrip" => {
            let set = stripped()?;
            text.trim_end_matches(|c| is_stripped(&set, c)).to_owned()
        }
        "removeprefix" => {
            let affix = call.bind("removeprefix", &["prefix"])?.text(0)?;
            text.strip_prefix(affix.as_str()).unwrap_or(text).to_owned()
        }
        "removesuffix" => {
            let affix = call.bind("removesuffix", &["suffix"])?.text(0)?;
            text.strip_suffix(affix.as_str()).unwrap_or(text).to_owned()
        }
        "replace" => {
            let args = call.bind("replace", &["old", "new", "count"])?;
            let (old, new) = (args.text(0)?, args.text(1)?);
            let most = usize::try_from(args.integer(2, -1)?).unwrap_or(usize::MAX);
            let times = if old.is_empty() { text.len() + 1 } else { text.len() / old.len() };
            let grown = times.min(most).saturating_mul(new.len());
            state.consume_fuel(1 + u64::try_from(grown / 64).unwrap_or(u64::MAX))?;
            text.replacen(&old, &new, most)
        }
        "translate" => {
            let args = call.bind("translate", &["table"])?;
            translated(text, args.required(0)?)?
        }
        "encode" => return encoded(text, call).map(Some),
        _ => return Ok(None),
    };
    Ok(Some(Value::from(changed)))
}

fn swapped(character: char) -> String {
    if character.is_uppercase() {
        character.to_lowercase().collect()
    } else {
        character.to_uppercase().collect()
    }
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        None => String::new(),
        Some(first) => title_case(first) + &characters.as_str().to_lowercase(),
    }
}

/// Upper case of a first letter; letters that are two in one have a form of their own.
fn title_case(character: char) -> String {
    match character {
        'Ǆ' | 'ǆ' => "ǅ".to_owned(),
        'Ǉ' | 'ǉ' => "ǈ".to_owned(),
        'Ǌ' | 'ǌ' => "ǋ".to_owned(),
        'Ǳ' | 'ǳ' => "ǲ".to_owned(),
        _ => {
            let upper: Vec<char> = character.to_uppercase().collect();
            match upper.split_first() {
                Some((first, rest)) if !rest.is_empty() && first.is_alphabetic() => {
                    let rest: String = rest.iter().collect();
                    format!("{first}{}", rest.to_lowercase())
                }
                _ => upper.into_iter().collect(),
            }
        }
    }
}

fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut inside = false;
    for character in text.chars() {
        if inside {
            titled.extend(character.to_lowercase());
        } else {
            titled.push_str(&title_case(character));
        }
        inside = character.is_alphabetic();
    }
    titled
}

fn translated(text: &str, table: &Value) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let found = table.get_item(&Value::from(u32::from(character)))?;
        match found.kind() {
            ValueKind::Undefined => out.push(character),
            ValueKind::None => {}
            ValueKind::Number => {
                let code = found.as_usize().and_then(|code| u32::try_from(code).ok());
                out.extend(code.and_then(char::from_u32));
            }
            _ => out.push_str(&python::text_of(&found)?),
        }
    }
    Ok(out)
}

fn encoded(text: &str, call: &Call<'_>) -> Result<Value, Error> {
    let args = call.bind("encode", &["encoding", "errors"])?;
    let encoding = match args.given(0) {
        Some(_) => args.text(0)?.to_lowercase().replace('_', "-"),
        None => "utf-8".to_owned(),
    };
    let most = match encoding.as_str() {
        "utf-8" | "utf8" => return Ok(Value::from_bytes(text.as_bytes().to_vec())),
        "ascii" | "us-ascii" => 0x7f,
        "latin-1" | "latin1" | "iso-8859-1" => 0xff,
        _ => return Err(value_error(format!("unknown encoding: {encoding}"))),
    };
    let mut bytes = Vec::with_capacity(text.len());
    for (at, character) in text.chars().enumerate() {
        match u8::try_from(u32::from(character)) {
            Ok(byte) if byte <= most => bytes.push(byte),
            _ => {
                return Err(value_error(format!(
                    "'{encoding}' codec can't encode character {character:?} in position {at}"
                )));
            }
        }
    }
    Ok(Value::from_bytes(bytes))
}

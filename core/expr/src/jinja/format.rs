//! `str.format`, printf formatting and padding with Python's rules and bounds on the result.
//!
//! Templates are taken apart here; each single value is laid out by the engine's formatter.

use minijinja::formatting::{FormatStyle, format as layout};
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, State, Value};

use super::error::{limit_error, value_error};
use super::{keys, python};

/// Widest field and largest precision.
const MAX_WIDTH: usize = 100_000;

/// Where padding goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
    Both,
}

/// The text brought to `width` characters.
pub(super) fn pad(text: &str, width: i64, fill: char, side: Side) -> Result<String, Error> {
    let length = text.chars().count();
    let width = usize::try_from(width).unwrap_or(0);
    if width > MAX_WIDTH {
        return Err(limit_error("the field is too wide"));
    }
    let missing = width.saturating_sub(length);
    let left = match side {
        Side::Left => missing,
        Side::Right => 0,
        // Python's rule for an odd number of missing characters.
        Side::Both => missing / 2 + (missing & width & 1),
    };
    let times = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    Ok(format!("{}{text}{}", times(left), times(missing - left)))
}

/// Refuses specifications that ask for more than [`MAX_WIDTH`] characters.
fn check_widths(specification: &str) -> Result<(), Error> {
    let too_wide = specification
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .any(|digits| digits.parse::<usize>().map_or(true, |width| width > MAX_WIDTH));
    if too_wide {
        return Err(limit_error("the field is too wide"));
    }
    Ok(())
}

/// Arguments of a formatting call.
pub(super) struct Fields<'a> {
    pub(super) positional: &'a [Value],
    pub(super) named: Named<'a>,
    /// Whether printf formatting fails if a positional argument is left over.
    pub(super) all_must_be_used: bool,
}

/// Where named fields are looked up.
pub(super) enum Named<'a> {
    Arguments(&'a Kwargs),
    Mapping(&'a Value),
}

impl Named<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        match self {
            Self::Arguments(arguments) => arguments.peek::<Value>(name).ok(),
            Self::Mapping(mapping) => {
                mapping.get_attr(name).ok().filter(|value| !value.is_undefined())
            }
        }
    }
}

/// `template.format(…)`.
pub(super) fn str_format(
    state: &State<'_, '_>,
    template: &str,
    fields: &Fields<'_>,
) -> Result<String, Error> {
    let mut formatter = Formatter { state, fields, next: 0 };
    formatter.format(template, 0)
}

struct Formatter<'a, 's> {
    state: &'a State<'s, 's>,
    fields: &'a Fields<'a>,
    next: usize,
}

impl Formatter<'_, '_> {
    fn format(&mut self, template: &str, depth: usize) -> Result<String, Error> {
        if depth > 2 {
            return Err(value_error("Max string recursion exceeded"));
        }
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(rest.get(..at).unwrap_or_default());
            let found = rest.get(at..).unwrap_or_default();
            if let Some(behind) = found.strip_prefix("{{") {
                out.push('{');
                rest = behind;
            } else if let Some(behind) = found.strip_prefix("}}") {
                out.push('}');
                rest = behind;
            } else if let Some(field) = found.strip_prefix('{') {
                let end = field_end(field)
                    .ok_or_else(|| value_error("expected '}' before end of string"))?;
                let text = self.field(field.get(..end).unwrap_or_default(), depth)?;
                self.state.consume_fuel(1 + text.len() as u64 / 64)?;
                out.push_str(&text);
                rest = field.get(end + 1..).unwrap_or_default();
            } else {
                return Err(value_error("Single '}' encountered in format string"));
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn field(&mut self, field: &str, depth: usize) -> Result<String, Error> {
        let (head, specification) = match split_outside_brackets(field, ':') {
            Some((head, specification)) => (head, specification),
            None => (field, ""),
        };
        let (path, conversion) = match split_outside_brackets(head, '!') {
            Some((path, conversion)) => (path, Some(conversion)),
            None => (head, None),
        };
        let value = self.lookup(path)?;
        python::refuse_undefined(self.state, &value)?;
        let specification = self.format(specification, depth + 1)?;
        let value = match conversion {
            None => value,
            Some("s") => Value::from(python::text_of(&value)?),
            Some("r" | "a") => Value::from(python::repr_of(&value)?),
            Some(other) => {
                return Err(value_error(format!("Unknown conversion specifier '{other}'")));
            }
        };
        format_value(&value, &specification)
    }

    fn lookup(&mut self, path: &str) -> Result<Value, Error> {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, mut rest) = path.split_at(end);
        let mut value = if name.is_empty() {
            self.next += 1;
            self.positional(self.next - 1)?
        } else if let Ok(index) = name.parse::<usize>() {
            self.positional(index)?
        } else {
            self.fields
                .named
                .get(name)
                .ok_or_else(|| value_error(format!("format: no value for the field '{name}'")))?
        };
        while !rest.is_empty() {
            let key;
            if let Some(bracket) = rest.strip_prefix('[') {
                let (inside, behind) = bracket
                    .split_once(']')
                    .ok_or_else(|| value_error("Missing ']' in format string"))?;
                (key, rest) = (inside, behind);
            } else {
                let step = rest.strip_prefix('.').unwrap_or(rest);
                let end = step.find(['.', '[']).unwrap_or(step.len());
                (key, rest) = step.split_at(end);
            }
            value = match key.parse::<usize>() {
                Ok(index) => value.get_item_by_index(index)?,
                Err(_) => value.get_attr(key)?,
            };
            if value.is_undefined() {
                return Err(value_error(format!("format: no '{key}' in the field {path}")));
            }
        }
        Ok(value)
    }

    fn positional(&self, index: usize) -> Result<Value, Error> {
        self.fields.positional.get(index).cloned().ok_or_else(|| {
            value_error(format!(
                "format: replacement index {index} out of range for positional arguments"
            ))
        })
    }
}

/// Where the field that starts here ends; specifications may hold fields themselves.
fn field_end(field: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, character) in field.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn split_outside_brackets(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut inside = false;
    for (at, character) in text.char_indices() {
        match character {
            '[' => inside = true,
            ']' => inside = false,
            _ if character == separator && !inside => {
                let behind = at + separator.len_utf8();
                return Some((text.get(..at)?, text.get(behind..)?));
            }
            _ => {}
        }
    }
    None
}

/// `format(value, specification)`.
fn format_value(value: &Value, specification: &str) -> Result<String, Error> {
    if specification.is_empty() {
        return python::text_of(value);
    }
    check_widths(specification)?;
    let value = keys::lookup_text(value).map_or_else(|| value.clone(), Value::from);
    if !matches!(value.kind(), ValueKind::String | ValueKind::Number | ValueKind::Bool) {
        return Err(value_error(format!(
            "unsupported format string passed to {}.__format__",
            python::type_name(&value)
        )));
    }
    layout(FormatStyle::StrFormat, &format!("{{:{specification}}}"), &[value])
}

/// `template % values`.
pub(super) fn printf(
    state: &State<'_, '_>,
    template: &str,
    fields: &Fields<'_>,
) -> Result<String, Error> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    let mut used = 0;
    while let Some(at) = rest.find('%') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(behind) = rest.strip_prefix('%') {
            out.push('%');
            rest = behind;
            continue;
        }
        let name = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((name, behind)) => {
                rest = behind;
                Some(name)
            }
            None => None,
        };
        let end = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '+' | ' ' | '#' | '.')))
            .ok_or_else(|| value_error("incomplete format"))?;
        let (flags, behind) = rest.split_at(end);
        let conversion = behind.chars().next().unwrap_or('s');
        rest = behind.get(conversion.len_utf8()..).unwrap_or_default();
        check_widths(flags)?;
        let value = match name {
            Some(name) => fields
                .named
                .get(name)
                .ok_or_else(|| value_error(format!("format: no value for '{name}'")))?,
            None => {
                used += 1;
                let value = fields.positional.get(used - 1).cloned();
                value.ok_or_else(|| value_error("not enough arguments for format string"))?
            }
        };
        python::refuse_undefined(state, &value)?;
        let (value, conversion) = match conversion {
            's' => (Value::from(python::text_of(&value)?), 's'),
            'r' | 'a' => (Value::from(python::repr_of(&value)?), 's'),
            other => (value, other),
        };
        let text = layout(FormatStyle::Printf, &format!("%{flags}{conversion}"), &[value])?;
        state.consume_fuel(1 + text.len() as u64 / 64)?;
        out.push_str(&text);
    }
    out.push_str(rest);
    if used < fields.positional.len() && fields.all_must_be_used {
        return Err(value_error("not all arguments converted during string formatting"));
    }
    Ok(out)
}

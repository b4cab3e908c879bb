//! The parts of a template: text, expressions, and what prints nothing itself.

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment<'t> {
    /// Printed as it is.
    Text(&'t str),
    /// What stands between `{{` and `}}`, without `-` or `+` at the edges.
    Expression(&'t str),
    /// Statements and comments, with their signs.
    Other(&'t str),
    /// From `{% raw %}` to `{% endraw %}`.
    Raw(&'t str),
}

/// Cuts `template` into its parts; `None` when one does not end.
pub(super) fn split(template: &str) -> Option<Vec<Segment<'_>>> {
    let mut segments = Vec::new();
    let mut rest = template;
    while !rest.is_empty() {
        let open = ["{{", "{%", "{#"]
            .iter()
            .filter_map(|open| rest.find(open))
            .min()
            .unwrap_or(rest.len());
        let (text, tag) = rest.split_at_checked(open)?;
        if !text.is_empty() {
            segments.push(Segment::Text(text));
        }
        if tag.is_empty() {
            break;
        }
        let (segment, length) = tag_of(tag)?;
        segments.push(segment);
        rest = tag.get(length..)?;
    }
    Some(segments)
}

/// The part that starts with `tag`, and its length.
fn tag_of(tag: &str) -> Option<(Segment<'_>, usize)> {
    if tag.starts_with("{#") {
        let length = tag.find("#}")? + 2;
        return Some((Segment::Other(tag.get(..length)?), length));
    }
    if tag.starts_with("{{") {
        let length = code_length(tag, "}}")?;
        let inner = tag.get(2..length - 2)?;
        let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
        let inner = inner.strip_suffix(['-', '+']).unwrap_or(inner);
        return Some((Segment::Expression(inner), length));
    }
    let length = code_length(tag, "%}")?;
    let statement = tag.get(2..length - 2)?.trim_matches(['-', '+']).trim();
    if statement != "raw" {
        return Some((Segment::Other(tag.get(..length)?), length));
    }
    let body = tag.get(length..)?;
    let end = body.match_indices("{%").find_map(|(at, _)| {
        let close = body.get(at..)?.find("%}")? + 2;
        let word = body.get(at + 2..at + close - 2)?.trim_matches(['-', '+']).trim();
        (word == "endraw").then_some(at + close)
    })?;
    let length = length + end;
    Some((Segment::Raw(tag.get(..length)?), length))
}

/// The length of code that starts with two signs and ends with `close` outside of quotes and
/// brackets.
fn code_length(tag: &str, close: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    let mut open = 0_usize;
    for (at, c) in tag.char_indices().skip(2) {
        if let Some(sign) = quote {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == sign {
                quote = None;
            }
            continue;
        }
        if open == 0 && tag.get(at..)?.starts_with(close) {
            return Some(at + close.len());
        }
        match c {
            '"' | '\'' => quote = Some(c),
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The template with the last expression of every line written as JSON.
pub(super) fn typed(segments: &[Segment<'_>]) -> String {
    let mut template = String::new();
    for (at, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Text(text) | Segment::Other(text) | Segment::Raw(text) => {
                template.push_str(text);
            }
            Segment::Expression(inner) if inner.trim().is_empty() || !ends_line(segments, at) => {
                template.push_str("{{");
                template.push_str(inner);
                template.push_str("}}");
            }
            Segment::Expression(inner) => {
                template.push_str("{{ (");
                template.push_str(inner);
                template.push_str(") | to_complex }}");
            }
        }
    }
    template
}

/// Whether no expression follows before the end of the line.
fn ends_line(segments: &[Segment<'_>], at: usize) -> bool {
    for segment in segments.iter().skip(at + 1) {
        match segment {
            Segment::Expression(_) => return false,
            Segment::Text(text) | Segment::Other(text) | Segment::Raw(text)
                if text.contains('\n') =>
            {
                return true;
            }
            _ => {}
        }
    }
    true
}

//! The configuration file's dialect: sections, `key = value` or `key: value`, full-line comments,
//! continuation lines. Values are taken as they stand; nothing is unquoted or substituted.

use indexmap::IndexMap;

pub(crate) type Sections = IndexMap<String, IndexMap<String, String>>;

/// Reads a file; the error names line and reason.
pub(crate) fn parse(text: &str) -> Result<Sections, String> {
    let mut sections = Sections::new();
    let mut place: Option<(String, Option<String>)> = None;
    for (index, line) in text.lines().enumerate() {
        let wrong = |reason: &str| format!("line {}: {reason}", index + 1);
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            let Some((section, Some(key))) = &place else {
                return Err(wrong("an indented line must follow a value"));
            };
            if let Some(value) = sections.get_mut(section).and_then(|keys| keys.get_mut(key)) {
                value.push('\n');
                value.push_str(trimmed);
            }
        } else if let Some(name) = trimmed.strip_prefix('[') {
            let name = name
                .strip_suffix(']')
                .ok_or_else(|| wrong("the section name is not closed by ]"))?;
            sections.entry(name.to_owned()).or_default();
            place = Some((name.to_owned(), None));
        } else {
            let Some((section, key)) = &mut place else {
                return Err(wrong("a value must stand below a [section]"));
            };
            let (name, value) = line
                .split_once(['=', ':'])
                .ok_or_else(|| wrong("neither a section nor key = value"))?;
            let name = name.trim().to_lowercase();
            let values = sections.entry(section.clone()).or_default();
            values.insert(name.clone(), value.trim().to_owned());
            *key = Some(name);
        }
    }
    Ok(sections)
}

/// The file's text with one value set or, for none, removed. Everything else stays as written.
pub(crate) fn with_value(text: &str, section: &str, key: &str, value: Option<&str>) -> String {
    let header = format!("[{section}]");
    let new = value.map(|value| format!("{key} = {value}"));
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    let start = lines.iter().position(|line| line.trim() == header);
    let Some(start) = start else {
        if let Some(new) = new {
            if lines.last().is_some_and(|line| !line.is_empty()) {
                lines.push(String::new());
            }
            lines.extend([header, new]);
        }
        return joined(&lines);
    };
    let body = lines.iter().enumerate().skip(start + 1);
    let end = body
        .clone()
        .find(|(_, line)| line.trim_start().starts_with('['))
        .map_or(lines.len(), |(index, _)| index);
    let found = body
        .take_while(|(index, _)| *index < end)
        .find(|(_, line)| is_key(line, key))
        .map(|(index, _)| index);
    match (found, new) {
        (Some(at), Some(new)) => {
            if let Some(line) = lines.get_mut(at) {
                *line = new;
            }
        }
        (Some(at), None) => {
            lines.remove(at);
        }
        (None, Some(new)) => lines.insert(start + 1, new),
        (None, None) => {}
    }
    joined(&lines)
}

fn is_key(line: &str, key: &str) -> bool {
    line.split_once(['=', ':']).is_some_and(|(name, _)| name.trim().eq_ignore_ascii_case(key))
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

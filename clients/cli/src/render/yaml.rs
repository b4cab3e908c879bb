//! JSON values as YAML text, letter by letter as the reference client prints them: block style,
//! sorted keys, ASCII only, long texts folded.

mod scalar;

use serde_json::{Map, Value};

/// How to lay out a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Blanks per level.
    pub(crate) indent: usize,
    /// Column after which a text is folded at its next blank.
    pub(crate) width: usize,
}

/// What `-y` prints.
pub(crate) const MACHINE: Layout = Layout { indent: 4, width: 80 };
/// What stands inside the text form of an execution: texts are never folded.
pub(crate) const TEXT: Layout = Layout { indent: 2, width: usize::MAX };

/// Longest key that stands on one line with its value.
const MAX_SIMPLE_KEY: usize = 128;

/// The whole document, with a line break at its end.
pub(crate) fn to_text(value: &Value, layout: Layout) -> String {
    let mut printer = Printer { text: String::new(), column: 0, layout };
    printer.node(value, Place::Top);
    printer.text.push('\n');
    printer.text
}

/// Where a value stands, which decides how it starts.
#[derive(Clone, Copy)]
enum Place {
    Top,
    /// After a key that is indented by this much.
    Key(usize),
    /// After the dash of an item that is indented by this much.
    Item(usize),
}

struct Printer {
    text: String,
    column: usize,
    layout: Layout,
}

impl Printer {
    fn node(&mut self, value: &Value, place: Place) {
        match value {
            Value::Object(fields) if !fields.is_empty() => self.mapping(fields, place),
            Value::Array(items) if !items.is_empty() => self.sequence(items, place),
            Value::Object(_) => self.word("{}", place),
            Value::Array(_) => self.word("[]", place),
            Value::Null => self.word("null", place),
            Value::Bool(true) => self.word("true", place),
            Value::Bool(false) => self.word("false", place),
            Value::Number(number) => self.word(&scalar::number(number), place),
            Value::String(text) => {
                self.gap(place);
                let continued = match place {
                    Place::Top => 0,
                    Place::Key(indent) | Place::Item(indent) => indent + self.layout.indent,
                };
                self.scalar(text, continued, false);
            }
        }
    }

    fn mapping(&mut self, fields: &Map<String, Value>, place: Place) {
        let indent = match place {
            Place::Top => 0,
            Place::Key(outer) | Place::Item(outer) => outer + self.layout.indent,
        };
        let mut names: Vec<&String> = fields.keys().collect();
        names.sort();
        for (index, name) in names.into_iter().enumerate() {
            // The first key stands on the line of its dash.
            if index > 0 || matches!(place, Place::Key(_)) {
                self.line(indent);
            } else {
                self.pad(indent);
            }
            if scalar::is_simple_key(name, MAX_SIMPLE_KEY) {
                self.scalar(name, indent, true);
            } else {
                self.put("? ");
                self.scalar(name, indent + self.layout.indent, false);
                self.line(indent);
            }
            self.put(":");
            if let Some(value) = fields.get(name) {
                self.node(value, Place::Key(indent));
            }
        }
    }

    fn sequence(&mut self, items: &[Value], place: Place) {
        // Items of a key's list stand below the key, not further in.
        let indent = match place {
            Place::Top => 0,
            Place::Key(outer) => outer,
            Place::Item(outer) => outer + self.layout.indent,
        };
        for (index, item) in items.iter().enumerate() {
            if index > 0 || matches!(place, Place::Key(_)) {
                self.line(indent);
            } else {
                self.pad(indent);
            }
            self.put("-");
            self.node(item, Place::Item(indent));
        }
    }

    fn word(&mut self, text: &str, place: Place) {
        self.gap(place);
        self.put(text);
    }

    fn gap(&mut self, place: Place) {
        if !matches!(place, Place::Top) {
            self.put(" ");
        }
    }

    fn scalar(&mut self, text: &str, continued: usize, is_key: bool) {
        let width = if is_key { usize::MAX } else { self.layout.width };
        let style = scalar::style(text);
        let fold = scalar::Fold { column: self.column, indent: continued, width };
        let written = scalar::write(text, style, fold);
        self.put(&written);
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        match text.rfind('\n') {
            Some(at) => self.column = text.get(at + 1..).unwrap_or_default().chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn line(&mut self, indent: usize) {
        self.text.push('\n');
        self.column = 0;
        self.pad(indent);
    }

    fn pad(&mut self, indent: usize) {
        while self.column < indent {
            self.text.push(' ');
            self.column += 1;
        }
    }
}

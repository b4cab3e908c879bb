//! From text to a tree of nodes: anchors and aliases, one document only.

use std::collections::HashMap;

use libyaml_safer::{EventData, Mark, Parser, ScalarStyle};

use super::{Limits, Position, YamlError};

/// Index of a node in its [`Tree`].
pub(super) type NodeId = usize;

/// Nodes of a document. An alias is the id of the node it names, so nodes may be shared.
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

pub(super) struct Node {
    pub(super) position: Position,
    /// Explicit tag; "!" and none mean that the kind of node and, for plain texts, the text decide.
    pub(super) tag: Option<String>,
    pub(super) content: Content,
}

pub(super) enum Content {
    /// `by_look`: the text itself tells its type, as plain texts without a tag do.
    Scalar {
        text: String,
        by_look: bool,
    },
    Sequence(Vec<NodeId>),
    Mapping(Vec<(NodeId, NodeId)>),
}

impl Node {
    pub(super) fn kind(&self) -> &'static str {
        match self.content {
            Content::Scalar { .. } => "scalar",
            Content::Sequence(_) => "sequence",
            Content::Mapping(_) => "mapping",
        }
    }
}

/// A collection whose end has not come yet.
struct Open {
    id: NodeId,
    /// A mapping's key that waits for its value.
    key: Option<NodeId>,
}

struct Composer<'a> {
    limits: &'a Limits,
    nodes: Vec<Node>,
    anchors: HashMap<String, NodeId>,
    open: Vec<Open>,
    root: Option<NodeId>,
}

/// `None` for a text without a document.
pub(super) fn compose(text: &str, limits: &Limits) -> Result<Option<Tree>, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    refuse_control_characters(text)?;
    let composed = fenced(|| compose_events(text, limits));
    composed.unwrap_or_else(|| {
        Err(YamlError::new(super::end_of(text), "the text cannot be read as YAML"))
    })
}

/// Runs the library, which panics on a few texts that libyaml reads or refuses (a tag with a comma
/// right behind it, for one). Nothing of it outlives the call.
pub(super) fn fenced<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

fn compose_events(text: &str, limits: &Limits) -> Result<Option<Tree>, YamlError> {
    // The library cannot read a block text that ends without a line end; `without_added_end` takes
    // the added one away again.
    let ended = if text.ends_with(['\n', '\r']) { text.to_owned() } else { format!("{text}\n") };
    let mut input = ended.as_bytes();
    let mut parser = Parser::new();
    parser.set_input_string(&mut input);
    let mut composer = Composer {
        limits,
        nodes: Vec::new(),
        anchors: HashMap::new(),
        open: Vec::new(),
        root: None,
    };
    loop {
        let event = parser.parse().map_err(|error| syntax_error(&error, text))?;
        let position = position(event.start_mark);
        match event.data {
            EventData::StreamEnd => break,
            EventData::DocumentStart { .. } if composer.root.is_some() => {
                return Err(YamlError::new(
                    position,
                    "expected a single document in the stream, but found another document",
                ));
            }
            mut data => {
                if ended.len() > text.len() {
                    without_added_end(&mut data, text, event.start_mark, event.end_mark);
                }
                composer.take(data, position)?;
            }
        }
    }
    let nodes = composer.nodes;
    Ok(composer.root.map(|root| Tree { nodes, root }))
}

/// Undoes what a line end added to `text` does to a block text that reaches its end.
fn without_added_end(data: &mut EventData, text: &str, start: Mark, end: Mark) {
    let EventData::Scalar { value, style: ScalarStyle::Literal | ScalarStyle::Folded, .. } = data
    else {
        return;
    };
    let offset = |mark: Mark| usize::try_from(mark.index).unwrap_or(usize::MAX);
    if offset(end) < text.len() {
        return;
    }
    // Tags and anchors may stand before the indicator, a comment behind it.
    let header = text.get(offset(start)..).unwrap_or_default();
    let header = header.split(['\n', '\r']).next().unwrap_or_default();
    let header = header.split(" #").next().unwrap_or_default();
    let indicator = header.split_whitespace().next_back();
    let keeps_ends = indicator.is_some_and(|indicator| indicator.contains('+'));
    let last_line = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    let ends_in_content = !last_line.trim_matches([' ', '\t']).is_empty();
    if (keeps_ends || ends_in_content) && value.ends_with('\n') {
        value.pop();
    }
}

impl Composer<'_> {
    fn take(&mut self, data: EventData, position: Position) -> Result<(), YamlError> {
        match data {
            EventData::Alias { anchor } => match self.anchors.get(&anchor) {
                Some(&id) => self.attach(id),
                None => {
                    let message = format!("found undefined alias '{anchor}'");
                    return Err(YamlError::new(position, message));
                }
            },
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                let content = Content::Scalar { text: value, by_look: plain_implicit };
                let id = self.add(anchor, tag, position, content)?;
                self.attach(id);
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                self.open(anchor, tag, position, Content::Sequence(Vec::new()))?;
            }
            EventData::MappingStart { anchor, tag, .. } => {
                self.open(anchor, tag, position, Content::Mapping(Vec::new()))?;
            }
            EventData::SequenceEnd | EventData::MappingEnd => {
                self.open.pop();
            }
            _ => {}
        }
        Ok(())
    }

    fn add(
        &mut self,
        anchor: Option<String>,
        tag: Option<String>,
        position: Position,
        content: Content,
    ) -> Result<NodeId, YamlError> {
        let id = self.nodes.len();
        if id >= self.limits.values {
            let message = format!("the document has more than {id} values");
            return Err(YamlError::new(position, message));
        }
        if let Some(anchor) = anchor {
            if let Some(&first) = self.anchors.get(&anchor) {
                let first = self.nodes.get(first).map_or(position, |node| node.position);
                let message = format!(
                    "found duplicate anchor '{anchor}'; first occurrence in line {}, column {}",
                    first.line, first.column
                );
                return Err(YamlError::new(position, message));
            }
            self.anchors.insert(anchor, id);
        }
        self.nodes.push(Node { position, tag, content });
        Ok(id)
    }

    fn open(
        &mut self,
        anchor: Option<String>,
        tag: Option<String>,
        position: Position,
        content: Content,
    ) -> Result<(), YamlError> {
        if self.open.len() >= self.limits.depth {
            let message = format!("nested more than {} levels deep", self.limits.depth);
            return Err(YamlError::new(position, message));
        }
        let id = self.add(anchor, tag, position, content)?;
        self.attach(id);
        self.open.push(Open { id, key: None });
        Ok(())
    }

    fn attach(&mut self, id: NodeId) {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(id);
            return;
        };
        match self.nodes.get_mut(parent.id).map(|node| &mut node.content) {
            Some(Content::Sequence(items)) => items.push(id),
            Some(Content::Mapping(pairs)) => match parent.key.take() {
                Some(key) => pairs.push((key, id)),
                None => parent.key = Some(id),
            },
            _ => {}
        }
    }
}

/// libyaml refuses these too, but tells a byte offset instead of line and column.
fn refuse_control_characters(text: &str) -> Result<(), YamlError> {
    let refused = text.char_indices().find(|(_, character)| {
        !matches!(character,
            '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
            || *character == '\u{feff}'
    });
    match refused {
        None => Ok(()),
        Some((offset, character)) => Err(YamlError::new(
            super::end_of(text.get(..offset).unwrap_or_default()),
            format!(
                "unacceptable character U+{:04X}: control characters are not allowed",
                u32::from(character)
            ),
        )),
    }
}

fn syntax_error(error: &libyaml_safer::Error, text: &str) -> YamlError {
    let problem = error.problem();
    let position = error.problem_mark().map_or_else(|| super::end_of(text), position);
    let message = match (error.context(), error.context_mark()) {
        (Some(context), Some(mark)) => {
            let start = self::position(mark);
            format!(
                "{problem}, {context} that starts in line {}, column {}",
                start.line, start.column
            )
        }
        (Some(context), None) => format!("{problem}, {context}"),
        (None, _) => problem.to_owned(),
    };
    YamlError::new(position, message)
}

fn position(mark: Mark) -> Position {
    Position {
        line: usize::try_from(mark.line).unwrap_or(usize::MAX).saturating_add(1),
        column: usize::try_from(mark.column).unwrap_or(usize::MAX).saturating_add(1),
    }
}

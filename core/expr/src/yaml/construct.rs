//! From a tree of nodes to values: tags, merge keys, equal keys, and the bounds on aliases.

use std::collections::HashMap;

use base64::Engine as _;
use num_bigint::BigInt;

use super::compose::{Content, Node, NodeId, Tree};
use super::resolve::{self, Kind};
use super::{Document, Limits, Position, YamlError, YamlValue, YamlWarning, timestamp};

const PREFIX: &str = "tag:yaml.org,2002:";

pub(super) fn construct(tree: &Tree, limits: &Limits) -> Result<Document, YamlError> {
    let mut constructor = Constructor {
        tree,
        limits,
        values: 0,
        text_bytes: 0,
        inside: vec![false; tree.nodes.len()],
        depth: 0,
        warnings: Vec::new(),
    };
    let value = constructor.value(tree.root)?;
    let mut warnings = constructor.warnings;
    warnings.sort_by_key(|warning| (warning.line, warning.column));
    // A mapping behind an alias is read once for each use.
    warnings.dedup();
    Ok(Document { value, warnings })
}

struct Constructor<'a> {
    tree: &'a Tree,
    limits: &'a Limits,
    values: usize,
    text_bytes: usize,
    /// Nodes being constructed now: meeting one again means that a value contains itself.
    inside: Vec<bool>,
    depth: usize,
    warnings: Vec<YamlWarning>,
}

/// What a node is to become.
enum Type<'a> {
    Plain(Kind),
    Sequence,
    Mapping,
    Set,
    Pairs,
    Binary,
    Unknown(&'a str),
}

fn type_of(node: &Node) -> Type<'_> {
    let tag = node.tag.as_deref().filter(|tag| *tag != "!");
    match (tag, &node.content) {
        (None, Content::Sequence(_)) => Type::Sequence,
        (None, Content::Mapping(_)) => Type::Mapping,
        (None, Content::Scalar { text, by_look: true }) => Type::Plain(resolve::kind_of(text)),
        (None, Content::Scalar { .. }) => Type::Plain(Kind::Text),
        (Some(tag), _) => match tag.strip_prefix(PREFIX) {
            Some("str") => Type::Plain(Kind::Text),
            Some("null") => Type::Plain(Kind::Null),
            Some("bool") => Type::Plain(Kind::Bool),
            Some("int") => Type::Plain(Kind::Int),
            Some("float") => Type::Plain(Kind::Float),
            Some("timestamp") => Type::Plain(Kind::Timestamp),
            Some("binary") => Type::Binary,
            Some("seq") => Type::Sequence,
            Some("map") => Type::Mapping,
            Some("set") => Type::Set,
            Some("omap" | "pairs") => Type::Pairs,
            _ => Type::Unknown(tag),
        },
    }
}

impl Constructor<'_> {
    fn node(&self, id: NodeId) -> Result<&Node, YamlError> {
        self.tree
            .nodes
            .get(id)
            .ok_or_else(|| YamlError::new(Position { line: 1, column: 1 }, "lost node"))
    }

    fn value(&mut self, id: NodeId) -> Result<YamlValue, YamlError> {
        let tree = self.tree;
        let Some(node) = tree.nodes.get(id) else {
            return self.node(id).map(|_| YamlValue::Null);
        };
        self.count(node)?;
        if self.inside.get(id).copied().unwrap_or_default() {
            return Err(YamlError::new(node.position, "the value contains itself"));
        }
        if self.depth >= self.limits.depth {
            let message = format!("nested more than {} levels deep", self.limits.depth);
            return Err(YamlError::new(node.position, message));
        }
        self.depth += 1;
        self.set_inside(id, true);
        let value = self.typed(node);
        self.set_inside(id, false);
        self.depth -= 1;
        value
    }

    fn set_inside(&mut self, id: NodeId, inside: bool) {
        if let Some(flag) = self.inside.get_mut(id) {
            *flag = inside;
        }
    }

    fn count(&mut self, node: &Node) -> Result<(), YamlError> {
        self.values += 1;
        if let Content::Scalar { text, .. } = &node.content {
            self.text_bytes += text.len();
        }
        if self.values > self.limits.values || self.text_bytes > self.limits.text_bytes {
            return Err(YamlError::new(
                node.position,
                "the document is too large once its aliases are expanded",
            ));
        }
        Ok(())
    }

    fn typed(&mut self, node: &Node) -> Result<YamlValue, YamlError> {
        match type_of(node) {
            Type::Plain(kind) => scalar(node, kind),
            Type::Binary => binary(node),
            Type::Sequence => {
                let items = expect_sequence(node, "expected a sequence node")?;
                self.values_of(items).map(YamlValue::Sequence)
            }
            Type::Mapping => self.mapping(node).map(YamlValue::Mapping),
            Type::Set => {
                let pairs = self.mapping(node)?;
                Ok(YamlValue::Set(pairs.into_iter().map(|(key, _)| key).collect()))
            }
            Type::Pairs => self.pairs(node),
            Type::Unknown(tag) => Err(unknown_tag(node, tag)),
        }
    }

    fn values_of(&mut self, items: &[NodeId]) -> Result<Vec<YamlValue>, YamlError> {
        items.iter().map(|&item| self.value(item)).collect()
    }

    fn pairs(&mut self, node: &Node) -> Result<YamlValue, YamlError> {
        let items = expect_sequence(node, "expected a sequence of pairs")?;
        let mut entries = Vec::with_capacity(items.len());
        for &item in items {
            let position = self.node(item)?.position;
            let tree = self.tree;
            let entry = match tree.nodes.get(item).map(|node| &node.content) {
                Some(Content::Mapping(pairs)) => match pairs.as_slice() {
                    [pair] => *pair,
                    _ => {
                        let message = "expected a single mapping item per pair";
                        return Err(YamlError::new(position, message));
                    }
                },
                _ => {
                    let message = "expected a mapping of length 1 per pair";
                    return Err(YamlError::new(position, message));
                }
            };
            let key = self.value(entry.0)?;
            let value = self.value(entry.1)?;
            entries.push(YamlValue::Tuple(vec![key, value]));
        }
        Ok(YamlValue::Sequence(entries))
    }

    fn mapping(&mut self, node: &Node) -> Result<Vec<(YamlValue, YamlValue)>, YamlError> {
        let mut flat = Vec::new();
        self.flatten(node, &mut flat, 0)?;
        let mut mapping: Vec<(YamlValue, YamlValue)> = Vec::with_capacity(flat.len());
        // Where each key stands, and whether the mapping itself (not a merge) has given it.
        let mut seen: HashMap<Key, (usize, bool)> = HashMap::with_capacity(flat.len());
        for (key_id, value_id, own) in flat {
            let position = self.node(key_id)?.position;
            let key = self.key(key_id)?;
            let identity = Key::of(&key).ok_or_else(|| {
                YamlError::new(position, "while constructing a mapping: found unhashable key")
            })?;
            let value = self.value(value_id)?;
            match seen.get_mut(&identity) {
                None => {
                    seen.insert(identity, (mapping.len(), own));
                    mapping.push((key, value));
                }
                Some((index, given)) => {
                    if own && *given {
                        self.warnings.push(YamlWarning {
                            line: position.line,
                            column: position.column,
                            message: format!("found duplicate key {}", key.to_json()),
                        });
                    }
                    *given |= own;
                    if let Some(entry) = mapping.get_mut(*index) {
                        entry.1 = value;
                    }
                }
            }
        }
        Ok(mapping)
    }

    /// A key: `=` and `<<` are texts here (`<<` has been merged away before, unless quoted).
    fn key(&mut self, id: NodeId) -> Result<YamlValue, YamlError> {
        if self.is_plain(id, Kind::Value)? {
            return Ok(YamlValue::String("=".to_owned()));
        }
        self.value(id)
    }

    fn is_plain(&self, id: NodeId, expected: Kind) -> Result<bool, YamlError> {
        Ok(matches!(type_of(self.node(id)?), Type::Plain(kind) if kind == expected)
            && matches!(self.node(id)?.content, Content::Scalar { .. }))
    }

    /// Pairs of a mapping with merged ones first, so that the mapping's own win.
    fn flatten(
        &mut self,
        node: &Node,
        flat: &mut Vec<(NodeId, NodeId, bool)>,
        depth: usize,
    ) -> Result<(), YamlError> {
        let Content::Mapping(pairs) = &node.content else {
            return Err(YamlError::new(
                node.position,
                format!("expected a mapping node, but found {}", node.kind()),
            ));
        };
        if depth > self.limits.depth {
            return Err(YamlError::new(node.position, "the mapping merges itself"));
        }
        let mut own = Vec::new();
        for &(key, value) in pairs {
            self.values += 1;
            if self.values > self.limits.values {
                return self.count(node);
            }
            if self.is_plain(key, Kind::Merge)? {
                self.merge(value, flat, depth)?;
            } else {
                own.push((key, value, depth == 0));
            }
        }
        flat.extend(own);
        Ok(())
    }

    fn merge(
        &mut self,
        id: NodeId,
        flat: &mut Vec<(NodeId, NodeId, bool)>,
        depth: usize,
    ) -> Result<(), YamlError> {
        let tree = self.tree;
        let Some(node) = tree.nodes.get(id) else {
            return Ok(());
        };
        match &node.content {
            Content::Mapping(_) => self.flatten(node, flat, depth + 1),
            Content::Sequence(items) => {
                // The first mapping of the list wins, so it comes last.
                for &item in items.iter().rev() {
                    match tree.nodes.get(item) {
                        Some(mapping) if matches!(mapping.content, Content::Mapping(_)) => {
                            self.flatten(mapping, flat, depth + 1)?;
                        }
                        other => {
                            let found = other.unwrap_or(node);
                            return Err(YamlError::new(
                                found.position,
                                format!(
                                    "expected a mapping for merging, but found {}",
                                    found.kind()
                                ),
                            ));
                        }
                    }
                }
                Ok(())
            }
            Content::Scalar { .. } => Err(YamlError::new(
                node.position,
                "expected a mapping or list of mappings for merging, but found scalar",
            )),
        }
    }
}

fn expect_sequence<'a>(node: &'a Node, expected: &str) -> Result<&'a [NodeId], YamlError> {
    match &node.content {
        Content::Sequence(items) => Ok(items),
        _ => Err(YamlError::new(node.position, format!("{expected}, but found {}", node.kind()))),
    }
}

fn expect_text(node: &Node) -> Result<&str, YamlError> {
    match &node.content {
        Content::Scalar { text, .. } => Ok(text),
        _ => Err(YamlError::new(
            node.position,
            format!("expected a scalar node, but found {}", node.kind()),
        )),
    }
}

fn scalar(node: &Node, kind: Kind) -> Result<YamlValue, YamlError> {
    let text = expect_text(node)?;
    let value = match kind {
        Kind::Null => Ok(YamlValue::Null),
        Kind::Bool => resolve::read_bool(text),
        Kind::Int => resolve::read_int(text),
        Kind::Float => resolve::read_float(text),
        Kind::Timestamp => timestamp::read(text),
        Kind::Text => Ok(YamlValue::String(text.to_owned())),
        Kind::Merge => return Err(unknown_tag(node, "tag:yaml.org,2002:merge")),
        Kind::Value => return Err(unknown_tag(node, "tag:yaml.org,2002:value")),
    };
    value.map_err(|message| YamlError::new(node.position, message))
}

fn binary(node: &Node) -> Result<YamlValue, YamlError> {
    let text: String = expect_text(node)?.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(text).map(YamlValue::Binary).map_err(|error| {
        let message = format!("failed to decode base64 data: {error}");
        YamlError::new(node.position, message)
    })
}

fn unknown_tag(node: &Node, tag: &str) -> YamlError {
    YamlError::new(node.position, format!("could not determine a constructor for the tag '{tag}'"))
}

/// Equality of keys as Python's: 1, 1.0 and true are one key.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Null,
    Number(BigInt),
    Float(u64),
    Text(String),
    Bytes(Vec<u8>),
    Date(String),
}

impl Key {
    fn of(value: &YamlValue) -> Option<Self> {
        Some(match value {
            YamlValue::Null => Self::Null,
            YamlValue::Bool(flag) => Self::Number(BigInt::from(u8::from(*flag))),
            YamlValue::Int(number) => Self::Number(number.clone()),
            YamlValue::Float(number) => {
                if number.fract() == 0.0 && number.abs() < 9.0e15 {
                    Self::Number(format!("{number:.0}").parse().ok()?)
                } else {
                    Self::Float(number.to_bits())
                }
            }
            YamlValue::String(text) => Self::Text(text.clone()),
            YamlValue::Binary(bytes) => Self::Bytes(bytes.clone()),
            YamlValue::Date(_) | YamlValue::DateTime { .. } => Self::Date(value.python_repr()),
            _ => return None,
        })
    }
}

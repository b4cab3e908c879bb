//! Which parameter needs which other one.

use std::collections::BTreeSet;

use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value};
use st2_expr::jinja::{Engine, is_expression};

use super::{ACTION_CONTEXT, CONFIG_CONTEXT, DATASTORE, ParamError, is_immutable};

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// The datastore lookups, which are no value of ours.
    Datastore,
    /// A value that is used as it is.
    Literal(Value),
    /// Something to render, with the names it reads.
    Template { source: Value, needs: BTreeSet<String> },
}

/// The names a rendering knows.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) nodes: IndexMap<String, Node>,
}

impl Graph {
    /// A graph that knows the context of the execution only.
    pub(super) fn new(context: &Map<String, Value>, config: &Value) -> Self {
        let nodes = [
            (DATASTORE, Node::Datastore),
            (ACTION_CONTEXT, Node::Literal(Value::Object(context.clone()))),
            (CONFIG_CONTEXT, Node::Literal(config.clone())),
        ];
        Self { nodes: nodes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect() }
    }

    /// Sets a name to a value that is never rendered.
    pub(super) fn set_literal(&mut self, name: &str, value: &Value) {
        self.nodes.insert(name.to_owned(), Node::Literal(value.clone()));
    }

    /// Sets a name to a value, which may be a template or contain some.
    pub(super) fn set(&mut self, engine: &Engine, name: &str, value: &Value) {
        let mut needs = BTreeSet::new();
        let node = match find_needs(engine, value, &mut needs) {
            Found::Template => Node::Template { source: value.clone(), needs },
            // One text that is no template after all makes a whole list or object literal.
            Found::Nothing | Found::Broken => Node::Literal(value.clone()),
        };
        self.nodes.insert(name.to_owned(), node);
    }

    /// Gives every parameter without a value its default; an immutable one always has its default.
    /// The action's schema comes first, so the runner's only fills what is still null.
    pub(super) fn add_defaults(&mut self, engine: &Engine, schemas: [&Map<String, Value>; 2]) {
        for (name, definition) in schemas.into_iter().flatten() {
            let has_value = match self.nodes.get(name) {
                None => false,
                Some(Node::Literal(value)) => !value.is_null(),
                Some(Node::Datastore | Node::Template { .. }) => true,
            };
            if !has_value || is_immutable(definition) {
                self.set(engine, name, definition.get("default").unwrap_or(&Value::Null));
            }
        }
    }

    /// The names in an order in which each one only needs earlier ones.
    pub(super) fn order(&self) -> Result<Vec<&str>, ParamError> {
        let unknown =
            self.nodes.values().flat_map(Node::needs).find(|name| !self.nodes.contains_key(*name));
        if let Some(name) = unknown {
            return Err(ParamError::Unsatisfied { name: name.clone() });
        }
        let mut ordered: IndexSet<&str> = IndexSet::new();
        let mut waiting: Vec<&str> = self.nodes.keys().map(String::as_str).collect();
        loop {
            let before = waiting.len();
            waiting.retain(|name| {
                let ready = self.needs(name).all(|need| ordered.contains(need.as_str()));
                if ready {
                    ordered.insert(name);
                }
                !ready
            });
            if waiting.is_empty() {
                return Ok(ordered.into_iter().collect());
            }
            if waiting.len() == before {
                return Err(ParamError::Cyclic { names: self.circle(waiting) });
            }
        }
    }

    fn needs(&self, name: &str) -> impl Iterator<Item = &String> {
        self.nodes.get(name).into_iter().flat_map(Node::needs)
    }

    /// What waits only because it needs a circle is not part of it.
    fn circle(&self, mut waiting: Vec<&str>) -> Vec<String> {
        loop {
            let needed: BTreeSet<&str> =
                waiting.iter().flat_map(|name| self.needs(name)).map(String::as_str).collect();
            let before = waiting.len();
            waiting.retain(|name| needed.contains(name));
            if waiting.len() == before {
                break;
            }
        }
        waiting.sort_unstable();
        waiting.into_iter().map(str::to_owned).collect()
    }
}

impl Node {
    /// The names this node reads.
    pub(super) fn needs(&self) -> impl Iterator<Item = &String> {
        let needs = match self {
            Self::Template { needs, .. } => Some(needs),
            Self::Datastore | Self::Literal(_) => None,
        };
        needs.into_iter().flatten()
    }
}

enum Found {
    Nothing,
    Template,
    Broken,
}

/// Collects the names that the templates inside a value read.
fn find_needs(engine: &Engine, value: &Value, needs: &mut BTreeSet<String>) -> Found {
    let mut found = Found::Nothing;
    let mut join = |part: Found| match part {
        Found::Nothing => true,
        Found::Template => {
            found = Found::Template;
            true
        }
        Found::Broken => {
            found = Found::Broken;
            false
        }
    };
    match value {
        Value::String(text) => {
            join(find_in_text(engine, text, needs));
        }
        Value::Array(items) => {
            let _all = items.iter().all(|item| join(find_needs(engine, item, needs)));
        }
        Value::Object(members) => {
            let _all = members.iter().all(|(name, member)| {
                join(find_in_text(engine, name, needs)) && join(find_needs(engine, member, needs))
            });
        }
        _ => {}
    }
    found
}

fn find_in_text(engine: &Engine, text: &str, needs: &mut BTreeSet<String>) -> Found {
    if !is_expression(text) {
        return Found::Nothing;
    }
    match engine.variables(text) {
        Ok(names) => {
            needs.extend(names);
            Found::Template
        }
        Err(_) => Found::Broken,
    }
}

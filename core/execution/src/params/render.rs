//! Renders the graph, name by name, each result visible to later ones.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};
use st2_expr::jinja::{Context, Engine, JinjaError, KeyRef, is_expression};

use super::graph::{Graph, Node};
use super::{ParamError, ParamInputs, cast, datastore_user};

/// Keeps the engine from treating the ends of a text inside a list or object as line ends: there
/// StackStorm renders the JSON form, in which a text is always surrounded by quotes.
const GUARD: char = '\u{10fffe}';

/// The value of every name.
pub(super) fn render(
    engine: &Engine,
    inputs: &ParamInputs<'_>,
    graph: Graph,
) -> Result<Map<String, Value>, ParamError> {
    let order: Vec<String> = graph.order()?.into_iter().map(str::to_owned).collect();
    let mut nodes = graph.nodes;
    let user = datastore_user(inputs.context, inputs.system_user);
    let mut context = Context::new(&Map::new()).with_keys(Arc::clone(&inputs.keys), user);
    if let Some(key) = &inputs.crypto_key {
        context = context.with_crypto_key(Arc::clone(key));
    }
    let mut renderer = Renderer { engine, context, values: Map::new(), needed: BTreeSet::new() };
    // Names that wait for datastore items; what needs them waits too. Going on with the rest finds
    // all missing items in one round.
    let mut waiting: HashSet<String> = HashSet::new();
    for name in order {
        let value = match nodes.swap_remove(&name) {
            None | Some(Node::Datastore) => continue,
            Some(Node::Literal(value)) => value,
            Some(Node::Template { needs, source }) => {
                if needs.iter().any(|need| waiting.contains(need)) {
                    waiting.insert(name);
                    continue;
                }
                let schema = inputs.runner.get(&name).or_else(|| inputs.action.get(&name));
                let known = renderer.needed.len();
                let value = renderer.template(&source, schema).map_err(|reason| {
                    ParamError::Render { parameter: name.clone(), reason: reason.to_string() }
                })?;
                if renderer.needed.len() > known {
                    waiting.insert(name);
                    continue;
                }
                value
            }
        };
        renderer.context.insert(&name, &value);
        renderer.values.insert(name, value);
    }
    if renderer.needed.is_empty() {
        Ok(renderer.values)
    } else {
        Err(ParamError::KeysNeeded(renderer.needed.into_iter().collect()))
    }
}

struct Renderer<'e> {
    engine: &'e Engine,
    context: Context,
    values: Map<String, Value>,
    needed: BTreeSet<KeyRef>,
}

impl Renderer<'_> {
    /// A text stays a text; lists and objects are rendered part by part.
    fn template(&mut self, source: &Value, schema: Option<&Value>) -> Result<Value, JinjaError> {
        match source {
            Value::String(text) => self.text(text).map(Value::String),
            source => self.part(source, schema),
        }
    }

    /// A part of a list or object. Values are put in where they belong instead of into JSON text,
    /// so whatever they contain, they cannot break or change the structure.
    fn part(&mut self, source: &Value, schema: Option<&Value>) -> Result<Value, JinjaError> {
        match source {
            Value::String(text) => self.leaf(text, schema),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| self.part(item, item_schema(schema, index)))
                .collect(),
            Value::Object(members) => {
                let mut rendered = Map::new();
                for (name, member) in members {
                    let value = self.part(member, member_schema(schema, name))?;
                    rendered.insert(self.guarded(name)?, value);
                }
                Ok(Value::Object(rendered))
            }
            other => Ok(other.clone()),
        }
    }

    /// `{{name}}` without spaces keeps the type of the value. Any other template gives text, which
    /// takes the type its own schema declares when the leaf is one expression and nothing else.
    fn leaf(&mut self, text: &str, schema: Option<&Value>) -> Result<Value, JinjaError> {
        if !is_expression(text) {
            return Ok(Value::from(text));
        }
        if let Some(value) = lone_name(text).and_then(|name| self.values.get(name)) {
            return Ok(value.clone());
        }
        let rendered = Value::String(self.guarded(text)?);
        let kind = schema.and_then(|schema| schema.get("type")).and_then(Value::as_str);
        match kind {
            Some(kind) if kind != "string" && is_one_expression(text) => {
                Ok(cast(kind, rendered.clone()).unwrap_or(rendered))
            }
            _ => Ok(rendered),
        }
    }

    fn guarded(&mut self, text: &str) -> Result<String, JinjaError> {
        if !is_expression(text) {
            return Ok(text.to_owned());
        }
        let rendered = self.text(&format!("{GUARD}{text}{GUARD}"))?;
        let inner = rendered.strip_prefix(GUARD).and_then(|rest| rest.strip_suffix(GUARD));
        Ok(inner.map_or_else(|| rendered.replace(GUARD, ""), str::to_owned))
    }

    fn text(&mut self, template: &str) -> Result<String, JinjaError> {
        match self.engine.render(template, &self.context) {
            Err(JinjaError::KeysNeeded(keys)) => {
                self.needed.extend(keys);
                Ok(String::new())
            }
            outcome => outcome,
        }
    }
}

/// The name in a text that is `{{name}}` and nothing else.
fn lone_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

fn is_one_expression(text: &str) -> bool {
    text.strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"))
        .is_some_and(|inside| !inside.contains("{{") && !inside.contains("}}"))
}

fn member_schema<'a>(schema: Option<&'a Value>, name: &str) -> Option<&'a Value> {
    let schema = schema?;
    let property = schema.get("properties").and_then(|properties| properties.get(name));
    property.or_else(|| schema.get("additionalProperties"))
}

fn item_schema(schema: Option<&Value>, index: usize) -> Option<&Value> {
    match schema?.get("items")? {
        Value::Array(positional) => positional.get(index),
        single => Some(single),
    }
}

//! Follows a parsed key through a payload.

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use super::{Expr, Scope};
use crate::error::LookupError;
use crate::python::type_name;

/// Nodes that one key may visit.
const NODES_MAX: usize = 1_000_000;
/// Levels that `..` may go down.
const DEPTH_MAX: usize = 512;

#[derive(Debug, Clone)]
enum View<'a> {
    Scope(Scope<'a>),
    Value(Cow<'a, Value>),
}

/// A place in the payload with the way to it.
#[derive(Debug)]
struct Node<'a> {
    view: View<'a>,
    parent: Option<Rc<Node<'a>>>,
}

type Nodes<'a> = Vec<Rc<Node<'a>>>;

/// Every value that `expr` leads to.
pub(super) fn find<'a>(expr: &Expr, scope: Scope<'a>) -> Result<Vec<Cow<'a, Value>>, LookupError> {
    let root = Rc::new(Node { view: View::Scope(scope), parent: None });
    let mut finder = Finder { visited: 0 };
    let nodes = finder.find(expr, &root)?;
    Ok(nodes.iter().map(|node| value_of(&node.view)).collect())
}

fn value_of<'a>(view: &View<'a>) -> Cow<'a, Value> {
    match view {
        View::Value(value) => value.clone(),
        View::Scope(scope) => Cow::Owned(
            scope.members().map(|(name, value)| (name.to_owned(), value.clone())).collect(),
        ),
    }
}

struct Finder {
    visited: usize,
}

impl Finder {
    fn find<'a>(&mut self, expr: &Expr, node: &Rc<Node<'a>>) -> Result<Nodes<'a>, LookupError> {
        self.visited += 1;
        if self.visited > NODES_MAX {
            return Err(LookupError::TooManyNodes);
        }
        match expr {
            Expr::Root => Ok(vec![top(node)]),
            Expr::This => Ok(vec![Rc::clone(node)]),
            Expr::Parent => match &node.parent {
                Some(parent) => Ok(vec![Rc::clone(parent)]),
                None => Err(LookupError::NoParent),
            },
            Expr::Fields(names) => Ok(names.iter().filter_map(|name| member(node, name)).collect()),
            Expr::AnyField => Ok(members(node)),
            Expr::Index(index) => element(node, *index),
            Expr::Slice(from, to) => elements(node, *from, *to),
            Expr::Intersection => Err(LookupError::Intersection),
            Expr::Union(left, right) => {
                let mut found = self.find(left, node)?;
                found.extend(self.find(right, node)?);
                Ok(found)
            }
            Expr::Child(left, right) => {
                let mut found = Vec::new();
                for inner in self.find(left, node)? {
                    found.extend(self.find(right, &inner)?);
                }
                Ok(found)
            }
            Expr::Where(left, right) => {
                let mut found = self.find(left, node)?;
                let mut kept = Vec::new();
                for candidate in found.drain(..) {
                    if !self.find(right, &candidate)?.is_empty() {
                        kept.push(candidate);
                    }
                }
                Ok(kept)
            }
            Expr::Descendants(left, right) => {
                let mut found = Vec::new();
                for inner in self.find(left, node)? {
                    self.descend(right, &inner, 0, &mut found)?;
                }
                Ok(found)
            }
        }
    }

    /// What `expr` finds from `node` and from everything below it.
    fn descend<'a>(
        &mut self,
        expr: &Expr,
        node: &Rc<Node<'a>>,
        depth: usize,
        found: &mut Nodes<'a>,
    ) -> Result<(), LookupError> {
        if depth > DEPTH_MAX {
            return Err(LookupError::TooManyNodes);
        }
        found.extend(self.find(expr, node)?);
        let below = match &node.view {
            View::Value(value) if value.is_array() => elements(node, None, None)?,
            _ => members(node),
        };
        below.iter().try_for_each(|inner| self.descend(expr, inner, depth + 1, found))
    }
}

fn top<'a>(node: &Rc<Node<'a>>) -> Rc<Node<'a>> {
    let mut node = Rc::clone(node);
    while let Some(parent) = node.parent.clone() {
        node = parent;
    }
    node
}

fn below<'a>(parent: &Rc<Node<'a>>, value: Cow<'a, Value>) -> Rc<Node<'a>> {
    Rc::new(Node { view: View::Value(value), parent: Some(Rc::clone(parent)) })
}

fn member<'a>(node: &Rc<Node<'a>>, name: &str) -> Option<Rc<Node<'a>>> {
    let value = match &node.view {
        View::Scope(scope) => Cow::Borrowed(scope.get(name)?),
        View::Value(Cow::Borrowed(value)) => Cow::Borrowed(value.as_object()?.get(name)?),
        View::Value(Cow::Owned(value)) => Cow::Owned(value.as_object()?.get(name)?.clone()),
    };
    Some(below(node, value))
}

/// All members of an object; arrays have none.
fn members<'a>(node: &Rc<Node<'a>>) -> Nodes<'a> {
    let names: Vec<&str> = match &node.view {
        View::Scope(scope) => scope.members().map(|(name, _)| name).collect(),
        View::Value(value) => value
            .as_object()
            .map(|members| members.keys().map(String::as_str).collect())
            .unwrap_or_default(),
    };
    names.iter().filter_map(|name| member(node, name)).collect()
}

/// The place that `index` means among `length` elements, counted from the end when negative.
fn place(index: i64, length: usize) -> Result<Option<usize>, LookupError> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let place = if index < 0 { index.saturating_add(length) } else { index };
    match usize::try_from(place) {
        Ok(place) if index < length => Ok(Some(place)),
        Ok(_) => Ok(None),
        Err(_) => Err(LookupError::OutOfRange(index)),
    }
}

fn element<'a>(node: &Rc<Node<'a>>, index: i64) -> Result<Nodes<'a>, LookupError> {
    let View::Value(value) = &node.view else {
        return Err(LookupError::NoElements("the root"));
    };
    let found = match value.as_ref() {
        Value::Array(items) => place(index, items.len())?.map(|at| match value {
            Cow::Borrowed(value) => value.get(at).map(Cow::Borrowed),
            Cow::Owned(value) => value.get(at).cloned().map(Cow::Owned),
        }),
        Value::String(text) => place(index, text.chars().count())?
            .map(|at| text.chars().nth(at).map(|c| Cow::Owned(c.to_string().into()))),
        Value::Object(members) if usize::try_from(index).is_ok_and(|i| i >= members.len()) => None,
        other => return Err(LookupError::NoElements(type_name(other))),
    };
    Ok(found.flatten().map(|value| below(node, value)).into_iter().collect())
}

/// Some elements of an array; anything but numbers with a fraction and null counts as an array of
/// itself alone.
fn elements<'a>(
    node: &Rc<Node<'a>>,
    from: Option<i64>,
    to: Option<i64>,
) -> Result<Nodes<'a>, LookupError> {
    let single = || {
        let (start, end) = bounds(from, to, 1);
        if start < end { vec![Rc::clone(node)] } else { Vec::new() }
    };
    let View::Value(value) = &node.view else {
        return Ok(single());
    };
    match value.as_ref() {
        Value::Array(items) => {
            let (start, end) = bounds(from, to, items.len());
            Ok((start..end)
                .filter_map(|at| match value {
                    Cow::Borrowed(value) => value.get(at).map(Cow::Borrowed),
                    Cow::Owned(value) => value.get(at).cloned().map(Cow::Owned),
                })
                .map(|value| below(node, value))
                .collect())
        }
        Value::Null => Err(LookupError::NoElements(type_name(value))),
        Value::Number(number) if number.is_f64() => Err(LookupError::NoElements(type_name(value))),
        _ => Ok(single()),
    }
}

/// Python's slice bounds.
fn bounds(from: Option<i64>, to: Option<i64>, length: usize) -> (usize, usize) {
    let clamp = |bound: Option<i64>, open: usize| match bound {
        None => open,
        Some(bound) => {
            let signed = i64::try_from(length).unwrap_or(i64::MAX);
            let place = if bound < 0 { bound.saturating_add(signed) } else { bound };
            usize::try_from(place.clamp(0, signed)).unwrap_or(0)
        }
    };
    (clamp(from, 0), clamp(to, length))
}

//! Conditions on the way: flat, so that their depth costs no stack.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use st2_ports::Filter;

/// A condition in postfix order: a node stands after those that it joins.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FilterFrame(Vec<Node>);

#[derive(Debug, Serialize, Deserialize)]
enum Node {
    All,
    Eq(String, Value),
    In(String, Vec<Value>),
    /// The ends stand in lists, so that an end that is null is not an open one.
    Range(String, Option<[Value; 1]>, Option<[Value; 1]>),
    Exists(String, bool),
    Prefix(String, String),
    Contains(String, String),
    /// Joins so many that stand before it.
    And(usize),
    Or(usize),
    Not,
}

impl From<&Filter> for FilterFrame {
    fn from(filter: &Filter) -> Self {
        let mut nodes = Vec::new();
        // Root first and the last child next: the reverse is postfix order.
        let mut open = vec![filter];
        while let Some(filter) = open.pop() {
            nodes.push(match filter {
                Filter::All => Node::All,
                Filter::Eq(path, value) => Node::Eq(path.clone(), value.clone()),
                Filter::In(path, values) => Node::In(path.clone(), values.clone()),
                Filter::Range { path, from, to } => Node::Range(
                    path.clone(),
                    from.clone().map(|end| [end]),
                    to.clone().map(|end| [end]),
                ),
                Filter::Exists(path, exists) => Node::Exists(path.clone(), *exists),
                Filter::Prefix(path, text) => Node::Prefix(path.clone(), text.clone()),
                Filter::Contains(path, text) => Node::Contains(path.clone(), text.clone()),
                Filter::And(parts) => {
                    open.extend(parts);
                    Node::And(parts.len())
                }
                Filter::Or(parts) => {
                    open.extend(parts);
                    Node::Or(parts.len())
                }
                Filter::Not(part) => {
                    open.push(part);
                    Node::Not
                }
            });
        }
        nodes.reverse();
        Self(nodes)
    }
}

impl FilterFrame {
    /// The condition; `None` when the nodes do not make up one.
    pub(crate) fn into_filter(self) -> Option<Filter> {
        let mut built: Vec<Filter> = Vec::new();
        for node in self.0 {
            let filter = match node {
                Node::All => Filter::All,
                Node::Eq(path, value) => Filter::Eq(path, value),
                Node::In(path, values) => Filter::In(path, values),
                Node::Range(path, from, to) => {
                    let (from, to) = (from.map(|[end]| end), to.map(|[end]| end));
                    Filter::Range { path, from, to }
                }
                Node::Exists(path, exists) => Filter::Exists(path, exists),
                Node::Prefix(path, text) => Filter::Prefix(path, text),
                Node::Contains(path, text) => Filter::Contains(path, text),
                Node::And(count) => Filter::And(last(&mut built, count)?),
                Node::Or(count) => Filter::Or(last(&mut built, count)?),
                Node::Not => Filter::Not(Box::new(built.pop()?)),
            };
            built.push(filter);
        }
        let filter = built.pop()?;
        built.is_empty().then_some(filter)
    }
}

/// The last so many, in the order in which the parts were written.
fn last(built: &mut Vec<Filter>, count: usize) -> Option<Vec<Filter>> {
    let start = built.len().checked_sub(count)?;
    Some(built.split_off(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_arrives_as_it_was_sent() {
        let eq = |n: i64| Filter::eq("n", n);
        let filter = Filter::And(vec![
            Filter::Or(vec![eq(1), Filter::Not(Box::new(eq(2))), Filter::All]),
            Filter::Range { path: "a.b".to_owned(), from: None, to: Some(3.into()) },
            Filter::And(vec![]),
        ]);
        assert_eq!(FilterFrame::from(&filter).into_filter(), Some(filter));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for nodes in [vec![], vec![Node::Not], vec![Node::And(1)], vec![Node::All, Node::All]] {
            assert_eq!(FilterFrame(nodes).into_filter(), None);
        }
    }
}

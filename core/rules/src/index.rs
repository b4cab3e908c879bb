//! Rules of one trigger, arranged so that an occurrence meets few of them.
//!
//! Paths that are plain names are followed once for all rules. A rule whose first criterion says
//! "this path equals that constant" is found by the constant: the criterion cannot fail, so passing
//! over the rule loses nothing.

use std::collections::HashMap;

use indexmap::IndexSet;
use serde_json::Value;

use crate::compiled::CompiledRule;
use crate::criteria::{Check, Matches, Subject};
use crate::evaluate::Evaluator;
use crate::operators::Operator;
use crate::path::Path;
use crate::python::{self, NumberKey};

/// Compiled rules in their order.
#[derive(Debug, Default)]
pub(crate) struct Group {
    rules: Vec<CompiledRule>,
    paths: Vec<Vec<String>>,
    numbers: HashMap<Vec<String>, usize>,
    by_constant: HashMap<usize, Constants>,
    /// Rules that every occurrence meets.
    others: Vec<usize>,
}

/// Places of rules by the constant they wait for.
#[derive(Debug, Default)]
struct Constants {
    texts: HashMap<String, Vec<usize>>,
    numbers: HashMap<NumberKey, Vec<usize>>,
}

impl Group {
    pub(crate) fn rules(&self) -> &[CompiledRule] {
        &self.rules
    }

    pub(crate) fn paths(&self) -> &[Vec<String>] {
        &self.paths
    }

    pub(crate) fn push(&mut self, mut rule: CompiledRule) {
        for criterion in rule.criteria_mut() {
            if criterion.matches != Matches::First {
                continue;
            }
            if let Subject::Path(Path::Names(names)) = &criterion.subject {
                criterion.subject = Subject::Shared(self.number(names));
            }
        }
        let place = self.rules.len();
        match constant(&rule) {
            Some((path, Value::String(text))) => {
                let constants = self.by_constant.entry(path).or_default();
                constants.texts.entry(text.clone()).or_default().push(place);
            }
            Some((path, number)) => match python::number_key(number) {
                Some(key) => {
                    let constants = self.by_constant.entry(path).or_default();
                    constants.numbers.entry(key).or_default().push(place);
                }
                None => self.others.push(place),
            },
            None => self.others.push(place),
        }
        self.rules.push(rule);
    }

    fn number(&mut self, names: &[String]) -> usize {
        if let Some(number) = self.numbers.get(names) {
            return *number;
        }
        let number = self.paths.len();
        self.paths.push(names.to_vec());
        self.numbers.insert(names.to_vec(), number);
        number
    }

    /// Calls `visit` for each rule that may match or fail, in their order.
    pub(crate) fn for_each_candidate<'r>(
        &'r self,
        evaluator: &Evaluator<'_>,
        mut visit: impl FnMut(&'r CompiledRule),
    ) {
        let mut places: IndexSet<usize> = IndexSet::new();
        for (path, constants) in &self.by_constant {
            let found = match evaluator.shared(*path) {
                Some(Value::String(text)) => constants.texts.get(text),
                Some(other) => python::number_key(other).and_then(|k| constants.numbers.get(&k)),
                None => None,
            };
            places.extend(found.into_iter().flatten());
        }
        if places.is_empty() {
            self.others.iter().filter_map(|at| self.rules.get(*at)).for_each(visit);
            return;
        }
        places.extend(&self.others);
        places.sort_unstable();
        places.iter().filter_map(|at| self.rules.get(*at)).for_each(&mut visit);
    }
}

/// The shared path and the constant of the first criterion.
fn constant(rule: &CompiledRule) -> Option<(usize, &Value)> {
    let first = rule.criteria().first()?;
    match (&first.subject, &first.check) {
        (Subject::Shared(path), Check::Fixed(test)) if test.operator() == Operator::Equals => {
            Some((*path, test.pattern()))
        }
        _ => None,
    }
}

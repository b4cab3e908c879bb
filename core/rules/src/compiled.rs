//! One rule, read once for many occurrences.

use std::sync::Arc;

use serde_json::Value;
use st2_expr::jinja::{Engine, KeyLookup, KeyRef};
use st2_model::{Rule, Timestamp};

use crate::criteria::{self, Criterion};
use crate::error::Error;
use crate::evaluate::Evaluator;
use crate::verdict::{Failure, Outcome, Stage};

/// A rule with its criteria compiled. One that cannot be compiled fails for every occurrence, and
/// no other rule suffers.
#[derive(Debug, Clone)]
pub struct CompiledRule {
    rule: Rule,
    criteria: Result<Vec<Criterion>, Error>,
}

impl CompiledRule {
    /// Compiles `rule`.
    #[must_use]
    pub fn new(rule: Rule) -> Self {
        let criteria = criteria::compile(&rule.reference.to_string(), &rule.criteria);
        Self { rule, criteria }
    }

    /// The rule.
    #[must_use]
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Why the rule cannot be compiled.
    #[must_use]
    pub fn problem(&self) -> Option<&Error> {
        self.criteria.as_ref().err()
    }

    /// Whether the rule is looked at only when no other rule of the trigger matched.
    #[must_use]
    pub fn is_backstop(&self) -> bool {
        self.rule.kind.reference == "backstop"
    }

    /// Decides this rule for one payload.
    ///
    /// # Errors
    /// The datastore items that must be fetched first.
    pub fn decide(
        &self,
        payload: &Value,
        engine: &Engine,
        keys: Arc<dyn KeyLookup>,
        now: Timestamp,
    ) -> Result<Outcome, Vec<KeyRef>> {
        let evaluator = Evaluator::new(engine, keys, now, Some(payload));
        match self.decide_with(&evaluator) {
            Some(outcome) => Ok(outcome),
            None => Err(evaluator.into_needed()),
        }
    }

    pub(crate) fn decide_with(&self, evaluator: &Evaluator<'_>) -> Option<Outcome> {
        if !self.rule.enabled {
            return Some(Outcome::NotMatched);
        }
        match &self.criteria {
            Ok(criteria) => evaluator.decide(criteria),
            Err(error) => Some(Outcome::Failed(Failure::new(Stage::Rule, error.clone()))),
        }
    }

    pub(crate) fn criteria(&self) -> &[Criterion] {
        self.criteria.as_deref().unwrap_or_default()
    }

    pub(crate) fn criteria_mut(&mut self) -> &mut [Criterion] {
        match &mut self.criteria {
            Ok(criteria) => criteria,
            Err(_) => &mut [],
        }
    }
}

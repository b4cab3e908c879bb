//! Many rules, found by trigger and evaluated together.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use st2_expr::jinja::{Engine, KeyLookup};
use st2_model::{Id, Rule, Timestamp, TriggerInstance, kinds};

use crate::compiled::CompiledRule;
use crate::evaluate::Evaluator;
use crate::index::Group;
use crate::verdict::{Evaluation, Outcome, Verdict};

/// What happened, as the rules see it.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence<'a> {
    /// Id of the trigger instance.
    pub id: &'a Id<kinds::TriggerInstance>,
    /// Ref of the trigger.
    pub trigger: &'a str,
    /// The payload.
    pub payload: &'a Value,
}

/// Enabled rules by trigger. Made anew when a rule changes.
#[derive(Debug)]
pub struct RuleSet {
    engine: Arc<Engine>,
    by_trigger: HashMap<String, TriggerRules>,
}

#[derive(Debug, Default)]
struct TriggerRules {
    standard: Group,
    backstop: Group,
}

impl RuleSet {
    /// Compiles `rules`; those that are disabled are left out.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = Rule>, engine: Arc<Engine>) -> Self {
        let mut by_trigger: HashMap<String, TriggerRules> = HashMap::new();
        for rule in rules.into_iter().filter(|rule| rule.enabled) {
            let rules = by_trigger.entry(rule.trigger.clone()).or_default();
            let compiled = CompiledRule::new(rule);
            if compiled.is_backstop() {
                rules.backstop.push(compiled);
            } else {
                rules.standard.push(compiled);
            }
        }
        Self { engine, by_trigger }
    }

    /// The rules of the trigger `trigger`: first those that are no backstops.
    pub fn rules_of(&self, trigger: &str) -> impl Iterator<Item = &CompiledRule> {
        self.by_trigger
            .get(trigger)
            .into_iter()
            .flat_map(|rules| rules.standard.rules().iter().chain(rules.backstop.rules()))
    }

    /// Decides every rule of the occurrence's trigger. Backstop rules are asked only when no other
    /// rule matched.
    #[must_use]
    pub fn evaluate(
        &self,
        occurrence: &Occurrence<'_>,
        keys: Arc<dyn KeyLookup>,
        now: Timestamp,
    ) -> Evaluation<'_> {
        let Some(rules) = self.by_trigger.get(occurrence.trigger) else {
            return Evaluation::Decided(Vec::new());
        };
        let first = self.evaluate_group(&rules.standard, occurrence, Arc::clone(&keys), now);
        let mut verdicts = match first {
            Evaluation::Decided(verdicts) => verdicts,
            needed @ Evaluation::KeysNeeded(_) => return needed,
        };
        if verdicts.iter().any(|v| v.outcome == Outcome::Matched) {
            return Evaluation::Decided(verdicts);
        }
        match self.evaluate_group(&rules.backstop, occurrence, keys, now) {
            Evaluation::Decided(more) => {
                verdicts.extend(more);
                Evaluation::Decided(verdicts)
            }
            needed @ Evaluation::KeysNeeded(_) => needed,
        }
    }

    fn evaluate_group<'r>(
        &'r self,
        group: &'r Group,
        occurrence: &Occurrence<'_>,
        keys: Arc<dyn KeyLookup>,
        now: Timestamp,
    ) -> Evaluation<'r> {
        let mut evaluator = Evaluator::new(&self.engine, keys, now, Some(occurrence.payload));
        evaluator.share(group.paths());
        let mut verdicts = Vec::new();
        let mut lacks_keys = false;
        group.for_each_candidate(&evaluator, |rule| match rule.decide_with(&evaluator) {
            None => lacks_keys = true,
            Some(Outcome::NotMatched) => {}
            Some(outcome) => verdicts.push(Verdict { rule, outcome }),
        });
        if lacks_keys {
            return Evaluation::KeysNeeded(evaluator.into_needed());
        }
        Evaluation::Decided(verdicts)
    }
}

impl<'a> Occurrence<'a> {
    /// `instance`, whose payload the caller has loaded when it is a blob.
    #[must_use]
    pub fn new(instance: &'a TriggerInstance, trigger: &'a str, payload: &'a Value) -> Self {
        Self { id: &instance.id, trigger, payload }
    }
}

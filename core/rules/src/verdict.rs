//! What comes out of evaluating rules.

use std::error::Error as _;
use std::fmt;

use st2_expr::jinja::KeyRef;

use crate::compiled::CompiledRule;
use crate::error::Error;

/// The answer for one occurrence.
#[derive(Debug)]
pub enum Evaluation<'r> {
    /// Every rule was decided. The verdicts stand in the order of the rules; rules that simply do
    /// not match are left out.
    Decided(Vec<Verdict<'r>>),
    /// Nothing is decided: these datastore items must be fetched first.
    KeysNeeded(Vec<KeyRef>),
}

/// The answer of one rule.
#[derive(Debug)]
pub struct Verdict<'r> {
    /// The rule.
    pub rule: &'r CompiledRule,
    /// What it says.
    pub outcome: Outcome,
}

/// What a rule says to an occurrence.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its action is to be requested.
    Matched,
    /// It does not concern it.
    NotMatched,
    /// It counts as "not matched", and somebody should know why.
    Failed(Failure),
}

/// Why a rule could not be decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub(crate) stage: Stage,
    /// The cause.
    pub error: Error,
    /// Whether the only cause is that the payload has no value under the key, which would repeat
    /// for every occurrence: callers record such failures at most once an hour for each rule.
    pub is_absent_value: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    Rule,
    Pattern { pattern: String, key: String },
    Key { key: String },
    Operator,
}

impl Failure {
    pub(crate) const fn new(stage: Stage, error: Error) -> Self {
        Self { stage, error, is_absent_value: false }
    }

    /// The text of the enforcement record for `rule` and `trigger_instance`.
    #[must_use]
    pub fn reason(&self, rule: &str, trigger_instance: impl fmt::Display) -> String {
        let stage = match &self.stage {
            Stage::Rule => String::new(),
            Stage::Pattern { pattern, key } => {
                format!("Failed to render pattern value \"{pattern}\" for key \"{key}\": ")
            }
            Stage::Key { key } => format!("Failed transforming criteria key {key}: "),
            Stage::Operator => {
                format!("There might be a problem with the criteria in rule {rule}: ")
            }
        };
        let mut text = format!(
            "Failed to match rule \"{rule}\" against trigger instance \"{trigger_instance}\": \
             {stage}{}",
            self.error
        );
        let mut source = self.error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}

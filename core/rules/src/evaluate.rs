//! Decides criteria for one occurrence. Pure and bounded: time, datastore items and templates come
//! in, verdicts go out.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;
use st2_expr::jinja::{Context, Engine, JinjaError, KeyLookup, KeyRef, Lookup, SYSTEM_SCOPE};
use st2_expr::python::is_true;
use st2_model::{Object, Timestamp};

use crate::criteria::{Check, Criterion, Matches, Search, Subject};
use crate::error::{Error, Side};
use crate::operators::Test;
use crate::path::{Scope, follow};
use crate::python;
use crate::verdict::{Failure, Outcome, Stage};

/// Criteria that one rule may check for one occurrence; `search` multiplies them.
const CHECKS_MAX: usize = 1_000_000;

/// Why a criterion gave no answer.
#[derive(Debug)]
enum Trouble {
    Keys,
    Failed(Box<Failure>),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// One occurrence under evaluation.
pub(crate) struct Evaluator<'a> {
    engine: &'a Engine,
    keys: Arc<dyn KeyLookup>,
    now: Timestamp,
    scope: Scope<'a>,
    context: OnceCell<Context>,
    shared: Vec<(&'a [String], OnceCell<Option<&'a Value>>)>,
    needed: RefCell<BTreeSet<KeyRef>>,
    checks: Cell<usize>,
    payload_nodes: OnceCell<usize>,
}

const NULL: &Value = &Value::Null;

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        keys: Arc<dyn KeyLookup>,
        now: Timestamp,
        trigger: Option<&'a Value>,
    ) -> Self {
        Self {
            engine,
            keys,
            now,
            scope: Scope { trigger, item: None },
            context: OnceCell::new(),
            shared: Vec::new(),
            needed: RefCell::default(),
            checks: Cell::new(0),
            payload_nodes: OnceCell::new(),
        }
    }

    /// Lets criteria refer to these paths by number; each is followed once.
    pub(crate) fn share(&mut self, paths: &'a [Vec<String>]) {
        self.shared = paths.iter().map(|names| (names.as_slice(), OnceCell::new())).collect();
    }

    /// The value under the shared path `number`.
    pub(crate) fn shared(&self, number: usize) -> Option<&'a Value> {
        let (names, value) = self.shared.get(number)?;
        *value.get_or_init(|| follow(names, self.scope))
    }

    /// The datastore items that were asked for and not there.
    pub(crate) fn into_needed(self) -> Vec<KeyRef> {
        self.needed.into_inner().into_iter().collect()
    }

    /// Whether no criterion can pass, because there is no payload to speak of.
    pub(crate) fn has_no_payload(&self) -> bool {
        self.scope.trigger.is_none_or(|payload| !is_true(payload))
    }

    /// All of `criteria`, in order, up to the first that does not pass. `None` when datastore items
    /// are needed first.
    pub(crate) fn decide(&self, criteria: &[Criterion]) -> Option<Outcome> {
        if criteria.is_empty() {
            return Some(Outcome::Matched);
        }
        if self.has_no_payload() {
            return Some(Outcome::NotMatched);
        }
        self.checks.set(0);
        for criterion in criteria {
            match self.check(criterion, self.scope) {
                Ok(true) => {}
                Ok(false) => return Some(Outcome::NotMatched),
                Err(Trouble::Keys) => return None,
                Err(Trouble::Failed(failure)) => return Some(Outcome::Failed(*failure)),
            }
        }
        Some(Outcome::Matched)
    }

    fn check(&self, criterion: &Criterion, scope: Scope<'_>) -> Result<bool, Trouble> {
        self.count(1)?;
        match &criterion.check {
            Check::Nothing => Ok(false),
            Check::Fixed(test) => self.check_subject(criterion, scope, |value| {
                test.check(value, self.now).map_err(|e| on_operator(e, value))
            }),
            Check::Template(operator, template) => {
                let rendered = template
                    .render(scope, self.engine, || self.context(scope))
                    .map_err(|error| self.on_pattern(error, template.source(), &criterion.key))?;
                self.check_subject(criterion, scope, |value| {
                    let pattern = rendered.clone().fitting(value).into_owned();
                    Test::new(*operator, pattern)
                        .check(value, self.now)
                        .map_err(|e| on_operator(e, value))
                })
            }
            Check::Search(search) => {
                self.check_subject(criterion, scope, |value| self.search(search, value))
            }
            Check::Broken(error) => self.check_subject(criterion, scope, |_| {
                Err(Failure::new(Stage::Operator, error.clone()).into())
            }),
        }
    }

    /// Applies `passes` to what the key leads to.
    fn check_subject(
        &self,
        criterion: &Criterion,
        scope: Scope<'_>,
        passes: impl Fn(&Value) -> Result<bool, Trouble>,
    ) -> Result<bool, Trouble> {
        let on_key = |error: Error| {
            let key = criterion.key.clone();
            Failure::new(Stage::Key { key }, error)
        };
        let path = match &criterion.subject {
            Subject::Shared(number) => return passes(self.shared(*number).unwrap_or(NULL)),
            Subject::Datastore(name) => return passes(&self.item(name)?),
            Subject::Broken(error) => return Err(on_key(error.clone()).into()),
            Subject::Path(path) => path,
        };
        if scope.item.is_some() && path.may_visit_payload() {
            self.count(self.payload_nodes())?;
        }
        if criterion.matches == Matches::First {
            let value = path.first(scope).map_err(|e| on_key(e.into()))?;
            return passes(value.as_deref().unwrap_or(NULL));
        }
        let values = path.all(scope).map_err(|e| on_key(e.into()))?;
        self.count(values.len())?;
        let all = criterion.matches == Matches::All;
        for value in &values {
            if passes(value)? != all {
                return Ok(!all);
            }
        }
        Ok(all && !values.is_empty())
    }

    /// The elements of `value` against the child criteria. What fails in a child counts as "does
    /// not pass" and is told only when the search as a whole does not pass.
    fn search(&self, search: &Search, value: &Value) -> Result<bool, Trouble> {
        let letters: Vec<Value>;
        let elements = match value {
            Value::Array(items) => items.as_slice(),
            Value::Object(_) => std::slice::from_ref(value),
            Value::String(text) => {
                letters = text.chars().map(|c| Value::String(c.to_string())).collect();
                letters.as_slice()
            }
            other => {
                let error = Error::operand(Side::Value, "an array, an object or a string", other);
                return Err(on_operator(error, value));
            }
        };
        let condition = search.condition;
        let mut failure = None;
        let mut passes = condition.every_element;
        for element in elements {
            if self.element(search, element, &mut failure)? != condition.every_element {
                passes = !condition.every_element;
                break;
            }
        }
        match failure {
            Some(failure) if !passes => Err(Trouble::Failed(failure)),
            _ => Ok(passes),
        }
    }

    /// Whether the child criteria accept one element.
    fn element(
        &self,
        search: &Search,
        element: &Value,
        failure: &mut Option<Box<Failure>>,
    ) -> Result<bool, Trouble> {
        let every_child = search.condition.every_child;
        let scope = Scope { trigger: self.scope.trigger, item: Some(element) };
        for child in &search.children {
            let passes = match self.check(child, scope) {
                Ok(passes) => passes,
                Err(Trouble::Keys) => return Err(Trouble::Keys),
                Err(Trouble::Failed(last)) if matches!(last.error, Error::TooManySteps { .. }) => {
                    return Err(Trouble::Failed(last));
                }
                Err(Trouble::Failed(first)) => {
                    failure.get_or_insert(first);
                    false
                }
            };
            if passes != every_child {
                return Ok(passes);
            }
        }
        Ok(every_child)
    }

    fn payload_nodes(&self) -> usize {
        *self.payload_nodes.get_or_init(|| self.scope.trigger.map_or(0, python::count_nodes))
    }

    fn count(&self, checks: usize) -> Result<(), Trouble> {
        let sum = self.checks.get().saturating_add(checks);
        self.checks.set(sum);
        if sum <= CHECKS_MAX {
            return Ok(());
        }
        let what = "evaluating the criteria".to_owned();
        Err(Failure::new(Stage::Operator, Error::TooManySteps { what }).into())
    }

    /// What templates see: the payload, the element of a search, datastore items of the system.
    pub(crate) fn context(&self, scope: Scope<'_>) -> Context {
        let base = self.context.get_or_init(|| {
            let mut context = Context::new(&Object::new());
            if let Some(payload) = self.scope.trigger {
                context.insert("trigger", payload);
            }
            context.with_keys(Arc::clone(&self.keys), "").with_system_name()
        });
        match scope.item {
            Some(item) => base.clone().with("item", item),
            None => base.clone(),
        }
    }

    /// The datastore item `name` of the system; empty when there is none, as in templates.
    fn item(&self, name: &str) -> Result<Value, Trouble> {
        match self.keys.get(SYSTEM_SCOPE, name) {
            Lookup::Found(text) => Ok(Value::String(text)),
            Lookup::Missing => Ok(Value::String(String::new())),
            Lookup::NotLoaded => {
                self.needed
                    .borrow_mut()
                    .insert(KeyRef { scope: SYSTEM_SCOPE.to_owned(), name: name.to_owned() });
                Err(Trouble::Keys)
            }
        }
    }

    fn on_pattern(&self, error: JinjaError, pattern: &str, key: &str) -> Trouble {
        if let JinjaError::KeysNeeded(keys) = error {
            self.needed.borrow_mut().extend(keys);
            return Trouble::Keys;
        }
        let stage = Stage::Pattern { pattern: pattern.to_owned(), key: key.to_owned() };
        Failure::new(stage, Error::Template(error)).into()
    }
}

fn on_operator(error: Error, value: &Value) -> Trouble {
    Failure { is_absent_value: value.is_null(), ..Failure::new(Stage::Operator, error) }.into()
}

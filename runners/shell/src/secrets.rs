//! Known secrets are taken out of what a command prints.

use std::borrow::Cow;

use serde_json::Value;
use st2_model::MASK;
use st2_runner::RunContext;
use zeroize::Zeroizing;

/// Shorter values are left alone: they would mask ordinary text.
const LENGTH_MIN: usize = 4;

/// The values that must not be shown.
#[derive(Default)]
pub(crate) struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    /// The secret parameters of a run and its token.
    pub(crate) fn of(context: &RunContext) -> Self {
        let mut secrets = Self::default();
        let values = context.runner_parameters.iter().chain(&context.action_parameters);
        for (name, value) in values {
            if context.content.secrets.contains(name) {
                secrets.add(value);
            }
        }
        if let Some(token) = context.env.get("ST2_ACTION_AUTH_TOKEN") {
            secrets.add_text(token);
        }
        // A value that holds another one goes first.
        secrets.0.sort_by_key(|text| std::cmp::Reverse(text.len()));
        secrets
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.add_text(text),
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(members) => members.values().for_each(|member| self.add(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        if text.len() >= LENGTH_MIN {
            self.0.push(Zeroizing::new(text.to_owned()));
        }
    }

    pub(crate) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for secret in &self.0 {
            if masked.contains(secret.as_str()) {
                masked = Cow::Owned(masked.replace(secret.as_str(), MASK));
            }
        }
        masked
    }
}

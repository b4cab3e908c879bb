//! Templates against the recorded answers of the original, and laws no template may break.

use std::sync::Arc;

use serde_json::{Map, Value};
use st2_vectors::Recording;

use super::{Context, Engine, JinjaError, KeyRef, KeyTable};
use crate::crypto::CryptoKey;

/// The kind of error a Python exception is for us.
fn kind_of_exception(name: &str) -> &'static str {
    match name {
        "TemplateSyntaxError" | "TemplateAssertionError" | "TemplateRuntimeError" => "syntax",
        "UndefinedError" => "undefined",
        "SecurityError" => "security",
        _ => "evaluation",
    }
}

fn kind(error: &JinjaError) -> &'static str {
    match error {
        JinjaError::Syntax { .. } => "syntax",
        JinjaError::Undefined { .. } => "undefined",
        JinjaError::Security { .. } => "security",
        JinjaError::Evaluation { .. } | JinjaError::Limit { .. } => "evaluation",
        JinjaError::KeysNeeded(_) => "keys",
    }
}

struct Recorded {
    engine: Engine,
    default_context: Map<String, Value>,
    table: Arc<KeyTable>,
    key: Arc<CryptoKey>,
}

impl Recorded {
    fn new(about: &Value) -> Self {
        let mut table = KeyTable::complete();
        for item in about["datastore"].as_array().unwrap() {
            let text = |field: &str| item[field].as_str().unwrap().to_owned();
            let key = KeyRef { scope: text("scope"), name: text("name") };
            table.insert(key, Some(text("value")));
        }
        Self {
            engine: Engine::default(),
            default_context: about["default_context"].as_object().unwrap().clone(),
            table: Arc::new(table),
            key: Arc::new(CryptoKey::parse(&about["crypto_key"].to_string()).unwrap()),
        }
    }

    fn check(&self, vector: &Value) -> Result<(), String> {
        let values = match vector.get("context") {
            Some(context) => context.as_object().unwrap(),
            None => &self.default_context,
        };
        let context = Context::new(values)
            .with_keys(self.table.clone(), "stanley")
            .with_crypto_key(self.key.clone())
            .allow_undefined(vector["allow_undefined"] == Value::Bool(true));
        let answer = match vector.get("mapping") {
            Some(mapping) => self.engine.render_mapping(mapping, &context),
            None => {
                let template = vector["template"].as_str().unwrap();
                let answer = self.engine.render(template, &context);
                let compiled = self.engine.compile(template);
                for time in ["first", "second"] {
                    let again = compiled
                        .clone()
                        .and_then(|compiled| self.engine.render_compiled(&compiled, &context));
                    if again != answer {
                        return Err(format!(
                            "compiled, the {time} time: {again:?}, not {answer:?}"
                        ));
                    }
                }
                answer.map(Value::String)
            }
        };
        match (vector.get("result"), answer) {
            (Some(expected), Ok(result)) if *expected == result => Ok(()),
            (Some(expected), Ok(result)) => Err(format!("expected {expected}, got {result}")),
            (Some(expected), Err(error)) => Err(format!("expected {expected}, failed: {error}")),
            (None, Ok(result)) => Err(format!("expected {}, got {result}", vector["error"])),
            (None, Err(error)) => {
                let expected = vector["error"]["type"].as_str().unwrap();
                if kind_of_exception(expected) == kind(&error) {
                    Ok(())
                } else {
                    Err(format!("expected {}, got {error:?}", vector["error"]))
                }
            }
        }
    }
}

#[test]
fn vectors_jinja() {
    let recording = Recording::read("jinja");
    let recorded = Recorded::new(recording.header());
    recording.run(|_, vector| recorded.check(vector));
}

mod behaviour;
mod hostile;

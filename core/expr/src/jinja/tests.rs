//! Templates against the recorded answers of the original, and laws no template may break.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Context, Engine, JinjaError, KeyRef, KeyTable};
use crate::crypto::CryptoKey;

fn folder(name: &str) -> PathBuf {
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/contract");
    match std::env::var_os("ST2_VECTORS") {
        Some(root) if name == "vectors" => PathBuf::from(root),
        _ => PathBuf::from(contract).join(name),
    }
}

pub(crate) fn lines(file: &str) -> Vec<Value> {
    let path = folder("vectors").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Ids of vectors where we differ on purpose, with the reason.
pub(crate) fn differences(stem: &str) -> BTreeMap<String, String> {
    let path = folder("differences").join(format!("{stem}.txt"));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let (id, reason) = line.split_once('\t').expect("id<TAB>reason");
            (id.to_owned(), reason.to_owned())
        })
        .collect()
}

/// Fails if a vector fails that is not listed, or a listed one passes.
pub(crate) fn settle(stem: &str, failures: &BTreeMap<String, String>) {
    let listed = differences(stem);
    let mut report = String::new();
    for (id, failure) in failures {
        if !listed.contains_key(id) {
            report.push_str(&format!("{id}: {failure}\n"));
        }
    }
    for id in listed.keys().filter(|id| !failures.contains_key(*id)) {
        report.push_str(&format!("{id}: listed as a difference, but passes\n"));
    }
    assert!(report.is_empty(), "{stem}\n{report}");
}

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
                self.engine.render(template, &context).map(Value::String)
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
fn jinja_vectors() {
    let lines = lines("jinja.jsonl");
    let recorded = Recorded::new(&lines[0]);
    let mut failures = BTreeMap::new();
    for vector in &lines[1..] {
        if let Err(failure) = recorded.check(vector) {
            let template = vector.get("template").unwrap_or(&vector["mapping"]);
            let id = vector["id"].as_str().unwrap().to_owned();
            failures.insert(id, format!("{template}: {failure}"));
        }
    }
    settle("jinja", &failures);
}

mod behaviour;
mod hostile;

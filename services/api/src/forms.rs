//! The schemas of request bodies.

use std::sync::OnceLock;

use serde_json::Value;
use st2_http::Fault;
use st2_model::Object;
use st2_schema::{Error, Options, Schema};

/// The schema of a body, compiled at first use.
pub(crate) struct Form {
    source: &'static str,
    compiled: OnceLock<Result<Schema, Broken>>,
}

/// A schema of ours that can not be used.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the schema of the body is no JSON: {0}")]
    Json(serde_json::Error),
    #[error("the schema of the body can not be used: {0}")]
    Schema(Error),
}

impl Form {
    /// The form with this JSON schema.
    pub(crate) const fn new(source: &'static str) -> Self {
        Self { source, compiled: OnceLock::new() }
    }

    /// The members of `body`, which has to fit.
    pub(crate) fn check(&self, mut body: Value) -> Result<Object, Fault> {
        let compiled = self.compiled.get_or_init(|| {
            let source: Value = serde_json::from_str(self.source).map_err(Broken::Json)?;
            let options = Options { use_default: false, allow_default_none: false };
            Schema::compile(&source, options).map_err(Broken::Schema)
        });
        let schema = compiled.as_ref().map_err(|error| Fault::internal(error))?;
        schema.validate(&mut body).map_err(|errors| first(&errors))?;
        match body {
            Value::Object(members) => Ok(members),
            other => Err(Fault::bad_request(format!(
                "{} is not of type 'object'",
                st2_schema::repr(&other)
            ))),
        }
    }
}

/// The first violation, which is the one that is told.
pub(crate) fn first(errors: &[st2_schema::SchemaError]) -> Fault {
    let text = errors.first().map_or_else(String::new, ToString::to_string);
    Fault::bad_request(text)
}

/// What content says of a body that does not fit.
pub(crate) fn content_fault(fault: st2_content::Fault) -> Fault {
    Fault::bad_request(fault.reason)
}

/// A text member that is not null.
pub(crate) fn text<'a>(members: &'a Object, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// An object member, empty when there is none.
pub(crate) fn object(members: &Object, name: &str) -> Object {
    members.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Whether a flag is set.
pub(crate) fn flag(members: &Object, name: &str) -> bool {
    members.get(name).and_then(Value::as_bool).unwrap_or(false)
}

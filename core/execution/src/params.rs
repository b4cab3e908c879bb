//! Rendering the parameters of an action.
//!
//! It happens twice. [`render_live_params`] runs when an execution is requested: values of the
//! request are rendered and cast, and defaults that are templates join them. [`render_final_params`]
//! runs right before the runner: what was stored is taken literally, defaults fill the gaps, and the
//! result is split between runner and action.
//!
//! Both are pure. A template that reads datastore items nobody has loaded ends in
//! [`ParamError::KeysNeeded`]; the caller loads all of them and calls again.
//!
//! Read `graph.rs` first (who depends on whom), then `render.rs`.

mod cast;
mod graph;
mod literal;
mod render;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::{Map, Value};
use st2_expr::crypto::CryptoKey;
use st2_expr::jinja::{Engine, KeyLookup, KeyRef, is_expression};

pub use cast::{CastError, cast};
use graph::Graph;

/// Name of the datastore lookups in templates.
const DATASTORE: &str = "st2kv";
/// Name of the execution context in templates.
const ACTION_CONTEXT: &str = "action_context";
/// Name of the pack configuration in templates.
const CONFIG_CONTEXT: &str = "config_context";

/// Everything one rendering reads.
#[derive(Clone)]
pub struct ParamInputs<'a> {
    /// Parameter definitions of the runner type.
    pub runner: &'a Map<String, Value>,
    /// Parameter definitions of the action.
    pub action: &'a Map<String, Value>,
    /// Values of the request, or the stored ones in the final rendering.
    pub parameters: &'a Map<String, Value>,
    /// Context of the execution: `user`, `api_user`, `pack`, `parent` and so on.
    pub context: &'a Map<String, Value>,
    /// Resolved configuration of the action's pack for the user.
    pub config: &'a Value,
    /// Where `st2kv` looks.
    pub keys: Arc<dyn KeyLookup>,
    /// Decrypts datastore items for the filter `decrypt_kv`.
    pub crypto_key: Option<Arc<CryptoKey>>,
    /// Whose items `st2kv.user` means when the context names no user.
    pub system_user: &'a str,
}

/// Parameters ready for the runner.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FinalParams {
    /// What the runner itself reads; a name that both declare is here only.
    pub runner: Map<String, Value>,
    /// What the action's code receives: every parameter it declares, null where nothing was given.
    pub action: Map<String, Value>,
}

/// Why parameters could not be rendered. The texts are StackStorm's: API clients see them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// A template names something that is neither a parameter nor part of the context.
    #[error("Dependency unsatisfied in variable \"{name}\"")]
    Unsatisfied {
        /// The name nobody defines.
        name: String,
    },
    /// Parameters refer to each other in a circle.
    #[error(
        "Cyclic dependency found in the following variables: {}. Likely the variable is \
         referencing itself", names.join(", ")
    )]
    Cyclic {
        /// The names of the circle, sorted.
        names: Vec<String>,
    },
    /// The template of one parameter failed.
    #[error("Failed to render parameter \"{parameter}\": {reason}")]
    Render {
        /// Name of the parameter.
        parameter: String,
        /// What the template engine says.
        reason: String,
    },
    /// A rendered value does not fit the type of its parameter.
    #[error("{reason}")]
    Cast {
        /// Name of the parameter.
        parameter: String,
        /// Why; StackStorm shows nothing else, so neither does the message.
        reason: CastError,
    },
    /// Datastore items to load before the rendering is tried again.
    #[error(
        "datastore items are not loaded: {}",
        .0.iter().map(KeyRef::to_string).collect::<Vec<_>>().join(", ")
    )]
    KeysNeeded(Vec<KeyRef>),
}

/// Renders the values of a request. The result holds the given names, and every parameter that was
/// not given whose default is a template; names no schema knows pass through for the schema check
/// to refuse. `additional` joins the variables (`trigger`, for rules).
///
/// # Errors
/// See [`ParamError`].
pub fn render_live_params(
    engine: &Engine,
    inputs: &ParamInputs<'_>,
    additional: &Map<String, Value>,
) -> Result<Map<String, Value>, ParamError> {
    let mut graph = Graph::new(inputs.context, inputs.config);
    for (name, value) in additional {
        graph.set_literal(name, value);
    }
    for (name, value) in inputs.parameters {
        graph.set(engine, name, value);
    }
    graph.add_defaults(engine, [inputs.action, inputs.runner]);
    let rendered = render::render(engine, inputs, graph)?;

    let mut live = Map::new();
    for name in inputs.parameters.keys() {
        let definition = inputs.runner.get(name).or_else(|| inputs.action.get(name));
        let value = rendered.get(name).cloned().unwrap_or_default();
        live.insert(name.clone(), cast_parameter(name, value, definition)?);
    }
    for (name, definition) in inputs.action.iter().chain(inputs.runner) {
        let Some(Value::String(default)) = definition.get("default") else {
            continue;
        };
        let value = rendered.get(name).cloned().unwrap_or_default();
        let is_rendered = is_expression(default) && value != default.as_str();
        if is_rendered && !is_immutable(definition) && !inputs.parameters.contains_key(name) {
            live.insert(name.clone(), cast_parameter(name, value, Some(definition))?);
        }
    }
    Ok(live)
}

/// Completes stored values with defaults and splits them between runner and action. Stored values
/// are never rendered again.
///
/// # Errors
/// See [`ParamError`].
pub fn render_final_params(
    engine: &Engine,
    inputs: &ParamInputs<'_>,
) -> Result<FinalParams, ParamError> {
    let mut graph = Graph::new(inputs.context, inputs.config);
    for (name, value) in inputs.parameters {
        graph.set_literal(name, value);
    }
    graph.add_defaults(engine, [inputs.action, inputs.runner]);
    let rendered = render::render(engine, inputs, graph)?;

    let mut finals = FinalParams::default();
    for (name, definition) in inputs.runner {
        let value = rendered.get(name).cloned().unwrap_or_default();
        let value = cast_parameter(name, value, Some(definition))?;
        finals.runner.insert(name.clone(), value);
    }
    for (name, definition) in inputs.action {
        if !inputs.runner.contains_key(name) {
            let value = rendered.get(name).cloned().unwrap_or_default();
            let value = cast_parameter(name, value, Some(definition))?;
            finals.action.insert(name.clone(), value);
        }
    }
    Ok(finals)
}

/// The user whose datastore items `st2kv.user` means: the API user wins, even when it is null.
#[must_use]
pub fn datastore_user<'a>(context: &'a Map<String, Value>, system_user: &'a str) -> &'a str {
    context
        .get("api_user")
        .or_else(|| context.get("user"))
        .and_then(Value::as_str)
        .filter(|user| !user.is_empty())
        .unwrap_or(system_user)
}

fn is_immutable(definition: &Value) -> bool {
    definition.get("immutable").and_then(Value::as_bool) == Some(true)
}

fn cast_parameter(
    name: &str,
    value: Value,
    definition: Option<&Value>,
) -> Result<Value, ParamError> {
    if value.is_null() {
        return Ok(value);
    }
    let kind = definition.and_then(|definition| definition.get("type")).and_then(Value::as_str);
    match kind {
        Some(kind) => cast(kind, value)
            .map_err(|reason| ParamError::Cast { parameter: name.to_owned(), reason }),
        None => Ok(value),
    }
}

//! Templates in parameters: the shell around [`crate::params`], which loads what templates read.

use std::sync::Arc;

use serde_json::Value;
use st2_expr::jinja::{KeyRef, KeyTable, USER_SCOPE};
use st2_model::{Config, Execution, KeyValue, Object, Scope};
use st2_ports::StoreError;

use crate::params::{
    FinalParams, ParamError, ParamInputs, render_final_params, render_live_params,
};
use crate::{Content, Error, Executions};

/// How often datastore items are loaded for one rendering: templates in values of items may name
/// further ones.
const ROUNDS_MAX: usize = 16;

/// Why parameters could not be rendered.
#[derive(Debug)]
pub(crate) enum RenderError {
    /// A template lacks something.
    Template(String),
    /// A value is not of its type.
    Cast(String),
    /// What templates read could not be loaded.
    Store(StoreError),
}

impl From<ParamError> for RenderError {
    fn from(error: ParamError) -> Self {
        match error {
            ParamError::Cast { .. } => Self::Cast(error.to_string()),
            _ => Self::Template(error.to_string()),
        }
    }
}

impl Executions {
    /// The parameters of a request, templates rendered and values cast.
    pub(crate) async fn render_request(
        &self,
        content: &Content,
        given: &Object,
        context: &Object,
        variables: &Object,
    ) -> Result<Object, RenderError> {
        self.render(content, given, context, |inputs| {
            render_live_params(&self.engine, inputs, variables)
        })
        .await
    }

    /// The parameters with which an execution runs: what was given, secrets opened, and rendered
    /// defaults, split between runner and action.
    ///
    /// # Errors
    /// When the content, a secret or the store can not be read ([`Error::is_transient`] says
    /// whether later is better), or a default can not be rendered ([`Error::Parameters`]).
    pub async fn final_parameters(&self, execution: &Execution) -> Result<FinalParams, Error> {
        let content = self.contents.of(execution).await?;
        let given = self.unseal(execution).await?;
        let rendered = self
            .render(&content, &given, &execution.context, |inputs| {
                render_final_params(&self.engine, inputs)
            })
            .await;
        rendered.map_err(|error| match error {
            RenderError::Store(error) => Error::Store(error),
            RenderError::Template(reason) | RenderError::Cast(reason) => Error::Parameters(reason),
        })
    }

    async fn render<T>(
        &self,
        content: &Content,
        parameters: &Object,
        context: &Object,
        render: impl Fn(&ParamInputs<'_>) -> Result<T, ParamError>,
    ) -> Result<T, RenderError> {
        let config = self.config_for(content, parameters).await;
        let config = config.map_err(RenderError::Store)?;
        let mut table = KeyTable::new();
        for _ in 0..ROUNDS_MAX {
            let inputs = ParamInputs {
                runner: &content.runner.runner_parameters,
                action: &content.action.parameters,
                parameters,
                context,
                config: &config,
                keys: Arc::new(table.clone()),
                crypto_key: self.settings.crypto_key.clone(),
                system_user: &self.settings.system_user,
            };
            match render(&inputs) {
                Err(ParamError::KeysNeeded(keys)) => {
                    for key in keys {
                        let value = self.load_key(&key).await.map_err(RenderError::Store)?;
                        table.insert(key, value);
                    }
                }
                other => return Ok(other?),
            }
        }
        let reason = "the datastore items that parameters read lead to ever more items";
        Err(RenderError::Template(reason.to_owned()))
    }

    /// The stored text of a datastore item that a template reads.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn load_key(&self, key: &KeyRef) -> Result<Option<String>, StoreError> {
        let (scope, name) = if key.scope == USER_SCOPE {
            let Some((user, name)) = key.name.split_once(':') else {
                return Ok(None);
            };
            (Scope::User(user.to_owned()), name)
        } else {
            (Scope::System, key.name.as_str())
        };
        let id = KeyValue::id_of(&scope, name);
        let found = self.ports.repository::<KeyValue>().get(id).await?;
        Ok(found.map(|item| item.value.value))
    }

    /// The values of the pack's config, when any template may name them.
    async fn config_for(
        &self,
        content: &Content,
        parameters: &Object,
    ) -> Result<Value, StoreError> {
        let defaults = content.parameters.values();
        let is_named = defaults
            .filter_map(|definition| definition.get("default"))
            .chain(parameters.values())
            .any(names_config);
        if !is_named {
            return Ok(Value::Object(Object::new()));
        }
        let pack = content.action.reference.pack();
        let found = self.ports.repository::<Config>().get(Config::id_of(pack)).await?;
        Ok(Value::Object(found.map(|config| config.value.values).unwrap_or_default()))
    }
}

fn names_config(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("config_context"),
        Value::Array(items) => items.iter().any(names_config),
        Value::Object(members) => members.values().any(names_config),
        _ => false,
    }
}

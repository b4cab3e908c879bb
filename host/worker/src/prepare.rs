//! From a claimed execution to what its runner gets.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use st2_execution::{Content, Error, Outcome};
use st2_model::{Execution, Object, Token};
use st2_runner::{Output, RunContext, Runner};

use crate::running::Place;
use crate::session::Session;

/// Everything that a run needs except the output, and what has to be undone after it.
pub(crate) struct Prepared {
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) context: RunContext,
    pub(crate) token: Option<Token>,
}

/// Why there is no run.
pub(crate) enum NotPrepared {
    /// The execution has failed already.
    Failed(Box<Outcome>),
    /// Something is away; the same may go through later.
    Later(Error),
}

impl From<Error> for NotPrepared {
    fn from(error: Error) -> Self {
        if error.is_transient() { Self::Later(error) } else { failed(error) }
    }
}

fn failed(reason: impl std::fmt::Display) -> NotPrepared {
    NotPrepared::Failed(Box::new(Outcome::error(reason)))
}

impl Session {
    pub(crate) async fn prepare(
        &self,
        execution: &Execution,
        place: &Place,
    ) -> Result<Prepared, NotPrepared> {
        let content = self.executions.content(execution).await?;
        if !self.executions.is_runner_enabled(&content).await? {
            let runner = &content.runner.name;
            return Err(failed(format!(
                "Runner \"{runner}\" has been disabled by the administrator."
            )));
        }
        let runner = self.runner(&content)?;
        let parameters = self.executions.final_parameters(execution).await?;
        let token = self.token(execution, &*runner).await?;
        let mut env = self.env(execution, &parameters.runner);
        let token = token.map(|(token, secret)| {
            env.insert("ST2_ACTION_AUTH_TOKEN".into(), secret);
            token
        });
        let context = RunContext {
            execution: Arc::new(execution.clone()),
            runner_parameters: parameters.runner,
            action_parameters: parameters.action,
            pack_dir: self.pack_dir(&content),
            env,
            output: Output::discard(),
            cancel: place.cancel.clone(),
            grace: self.config.kill_grace,
            content,
        };
        Ok(Prepared { runner, context, token })
    }

    fn runner(&self, content: &Content) -> Result<Arc<dyn Runner>, NotPrepared> {
        let name = content.runner.name.as_str();
        let runner = self.runners.get(name).cloned();
        runner.ok_or_else(|| failed(format!("This worker has no runner \"{name}\".")))
    }

    fn pack_dir(&self, content: &Content) -> Option<std::path::PathBuf> {
        let pack = content.action.reference.pack();
        let places = self.config.packs_base_paths.iter();
        places.map(|base| base.join(pack)).find(|dir| dir.is_dir())
    }

    async fn token(
        &self,
        execution: &Execution,
        runner: &dyn Runner,
    ) -> Result<Option<(Token, String)>, NotPrepared> {
        let user = execution.context.get("user").and_then(Value::as_str);
        let Some(user) = user.filter(|_| runner.needs_token()) else {
            return Ok(None);
        };
        let mut metadata = Object::new();
        metadata.insert("service".into(), "actions_container".into());
        metadata.insert("action_name".into(), execution.action.name().into());
        metadata.insert("live_action_id".into(), json!(execution.live_action));
        let issued = self
            .credentials
            .issue_service_token(user, self.config.service_token_ttl, metadata)
            .await;
        issued.map(Some).map_err(|error| match error {
            st2_access::AccessError::Store(error) => Error::Store(error).into(),
            other => failed(other),
        })
    }

    /// The variables of the contract.
    fn env(&self, execution: &Execution, runner_parameters: &Object) -> BTreeMap<String, String> {
        let debug = runner_parameters.get("debug") == Some(&Value::Bool(true));
        let variables = [
            ("ST2_ACTION_PACK_NAME", execution.action.pack().to_owned()),
            ("ST2_ACTION_EXECUTION_ID", execution.id.to_string()),
            ("ST2_ACTION_API_URL", self.config.api_url.clone()),
            ("ST2_ACTION_DEBUG", if debug { "True" } else { "False" }.to_owned()),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

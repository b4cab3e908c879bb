//! Executions as API clients see them: StackStorm's execution with its live action inside.

use serde_json::{Map, Value, json};
use st2_model::{Execution, Id, Object, OutputChunk, RuleOrigin, kinds};

use crate::view::View;

/// What an execution's record only refers to, already masked. Members that are not there are left
/// out of the answer.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// The action, as [`crate::content::action`] shows it.
    pub action: Option<Value>,
    /// The runner type, as [`crate::content::runner_type`] shows it.
    pub runner: Option<Value>,
    /// What a rule-born execution came from.
    pub origin: OriginParts,
    /// The parameters.
    pub parameters: Object,
    /// The result.
    pub result: Option<Value>,
    /// Ids of the executions that this one requested.
    pub children: Vec<Id<kinds::Execution>>,
    /// Where the web UI stands; no `web_url` is shown when it is empty.
    pub webui_base_url: String,
}

/// The snapshots of a rule-born execution, as `content` shows them.
#[derive(Debug, Clone, Default)]
pub struct OriginParts {
    /// The trigger.
    pub trigger: Option<Value>,
    /// Its type.
    pub trigger_type: Option<Value>,
    /// The trigger instance, of [`origin_instance`].
    pub trigger_instance: Option<Value>,
    /// The rule.
    pub rule: Option<Value>,
}

/// An execution. Members with nothing in them are left out.
#[must_use]
pub fn execution(execution: &Execution, parts: Parts) -> Value {
    let live_action = live_action(execution, &parts.parameters);
    let base = parts.webui_base_url.as_str();
    let web_url = match base {
        "" => String::new(),
        base => format!("{base}/#/history/{}/general", execution.id),
    };
    let log: Vec<Value> = execution
        .log
        .iter()
        .map(|change| {
            json!({"timestamp": change.timestamp.to_string(), "status": change.status.as_str()})
        })
        .collect();
    let children: Vec<String> = parts.children.iter().map(Id::to_string).collect();
    View::new()
        .filled("trigger", parts.origin.trigger)
        .filled("trigger_type", parts.origin.trigger_type)
        .filled("trigger_instance", parts.origin.trigger_instance)
        .filled("rule", parts.origin.rule)
        .filled("action", parts.action)
        .filled("runner", parts.runner)
        .with("liveaction", live_action)
        .with("status", execution.status.as_str())
        .with("start_timestamp", execution.start_timestamp.to_string())
        .maybe("end_timestamp", execution.end_timestamp.map(|at| at.to_string()))
        .filled("parameters", parts.parameters)
        .filled("result_size", execution.result_size)
        .filled("context", execution.context.clone())
        .maybe("parent", execution.parent.map(|id| id.to_string()))
        .filled("children", children)
        .filled("log", log)
        .filled("delay", execution.delay_ms)
        .filled("web_url", web_url)
        .id(execution.id)
        .filled("result", parts.result)
        .filled("elapsed_seconds", elapsed_seconds(execution))
        .into_value()
}

fn live_action(execution: &Execution, parameters: &Object) -> Value {
    let runner_info = execution
        .runner_info
        .as_ref()
        .map_or_else(|| json!({}), |info| json!({"hostname": info.hostname, "pid": info.pid}));
    let notify = execution.notify.as_ref().map(|notify| serde_json::to_value(notify).ok());
    View::new()
        .with("action", execution.action.to_string())
        .with("action_is_workflow", execution.is_workflow)
        .with("parameters", parameters.clone())
        .with("callback", Map::new())
        .with("runner_info", runner_info)
        .maybe("notify", notify.flatten())
        .done(execution.live_action)
}

/// Seconds between start and end, when it has ended.
fn elapsed_seconds(execution: &Execution) -> Option<f64> {
    let end = execution.end_timestamp?;
    Some(end.since(execution.start_timestamp).as_secs_f64())
}

/// The trigger instance of a rule-born execution, from what the execution keeps of it.
#[must_use]
pub fn origin_instance(origin: &RuleOrigin, payload: Value) -> Value {
    View::new()
        .with("trigger", origin.trigger_ref.to_string())
        .with("occurrence_time", origin.occurrence_time.to_string())
        .with("status", "processing")
        .id(origin.trigger_instance)
        .with("payload", payload)
        .into_value()
}

/// A chunk of output.
#[must_use]
pub fn output_chunk(chunk: &OutputChunk) -> Value {
    View::new()
        .with("execution_id", chunk.execution_id.to_string())
        .with("action_ref", chunk.action_ref.to_string())
        .with("runner_ref", chunk.runner_ref.as_str())
        .with("timestamp", chunk.timestamp.to_string())
        .with("output_type", chunk.output_type.as_str())
        .with("data", chunk.data.as_str())
        .done(chunk.id)
}

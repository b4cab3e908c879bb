//! Executions: asking for one, looking at it, its children and its output.

use serde::Serialize;
use serde_json::Value;

use crate::{Client, Result, segment};

/// Body of `POST /executions`.
#[derive(Clone, Debug, Serialize)]
pub struct ExecutionRequest<P> {
    /// Reference or id of the action.
    pub action: String,
    /// Named arguments.
    pub parameters: P,
    /// Run in the name of this user (administrators only).
    pub user: Option<String>,
    /// Milliseconds to wait before the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<u64>,
    /// Trace to make or to join.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
}

/// Whether an execution in this status will go on without anybody's help.
#[must_use]
pub fn is_waiting(status: &str) -> bool {
    matches!(status, "requested" | "scheduled" | "running" | "canceling")
}

impl Client {
    /// Asks for an execution and gives it as accepted.
    pub async fn execute<P: Serialize + Sync>(
        &self,
        request: &ExecutionRequest<P>,
    ) -> Result<Value> {
        self.post("/executions", request).await
    }

    /// One execution as it is now.
    pub async fn execution(&self, id: &str) -> Result<Value> {
        self.get(&format!("/executions/{}", segment(id)), &[]).await
    }

    /// Descendants of an execution down to `depth` levels; -1 is all of them.
    pub async fn children(&self, id: &str, depth: i64) -> Result<Vec<Value>> {
        let query = [("depth", depth.to_string())];
        Ok(self.page(&format!("/executions/{}/children/", segment(id)), &query).await?.items)
    }

    /// What an execution has written so far.
    pub async fn output(&self, id: &str, kind: Option<&str>) -> Result<String> {
        let query: Vec<_> = kind.map(|kind| ("output_type", kind.to_owned())).into_iter().collect();
        self.text(&format!("/executions/{}/output", segment(id)), &query).await
    }
}

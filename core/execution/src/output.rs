//! Output of executions: appended in chunks while they run, read by whoever follows.

use std::sync::Arc;

use st2_model::{Execution, Id, OutputChunk, OutputStream, Owner, kinds};
use st2_ports::{Filter, Order, Query, Repository, StoreError, Topic};

use crate::Executions;
use crate::claim::fence_of;

/// Lines to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOutput {
    /// The place among the execution's chunks, from 0.
    pub sequence: u64,
    /// The stream.
    pub stream: OutputStream,
    /// The lines, each with its newline.
    pub data: String,
}

impl Executions {
    /// Appends output in the name of `owner` and wakes those who follow. Appending the same
    /// sequence number twice changes nothing.
    ///
    /// # Errors
    /// Those of the store: [`StoreError::Fenced`] when `owner` no longer is one.
    pub async fn append_output(
        &self,
        execution: &Execution,
        owner: &Owner,
        output: NewOutput,
    ) -> Result<(), StoreError> {
        let id = execution.id;
        let cause = ["output", &id.to_string(), &output.sequence.to_string()];
        let chunk = OutputChunk {
            id: Id::derived_at(execution.start_timestamp, &cause),
            execution_id: id,
            sequence: output.sequence,
            action_ref: execution.action.clone(),
            runner_ref: execution.runner.clone(),
            timestamp: self.ports.clock.now(),
            output_type: output.stream,
            data: output.data,
        };
        let repository = Repository::<OutputChunk>::new(Arc::clone(&self.relaxed));
        repository.insert(&chunk, Some(&fence_of(owner))).await?;
        self.publish(Topic::ExecutionOutput, id).await;
        Ok(())
    }

    /// Output of `execution` with a sequence number of at least `from`, in order.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn output(
        &self,
        execution: Id<kinds::Execution>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<OutputChunk>, StoreError> {
        let mine = Filter::eq("execution_id", execution.to_string());
        let query = Query::of(mine.and(Filter::at_least("sequence", from)));
        let query = query.by("sequence", Order::Ascending).limit(limit);
        let found = self.ports.repository::<OutputChunk>().find(&query).await?;
        Ok(found.into_iter().map(|chunk| chunk.value).collect())
    }

    /// The sequence number that the next chunk of `execution` gets: 0 unless it ran before.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn next_sequence(&self, execution: &Execution) -> Result<u64, StoreError> {
        let mine = Filter::eq("execution_id", execution.id.to_string());
        let query = Query::of(mine).by("sequence", Order::Descending).limit(1);
        let last = self.ports.repository::<OutputChunk>().find(&query).await?;
        Ok(last.first().map_or(0, |chunk| chunk.value.sequence + 1))
    }
}

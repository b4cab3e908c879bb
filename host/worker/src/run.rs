//! One execution, from claim to end.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use st2_execution::{Error, NewOutput, Outcome};
use st2_model::{Execution, ExecutionStatus};
use st2_ports::{StoreError, Versioned};
use st2_runner::{Output, Outputs, RunContext, Runner, output};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::prepare::NotPrepared;
use crate::running::Place;
use crate::session::Session;

/// How much output of one execution waits for the store.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;
/// Output is stored as soon as there is so much of it,
const BATCH_BYTES: usize = 32 * 1024;
/// or so long after its first byte.
const BATCH_PATIENCE: Duration = Duration::from_millis(100);
/// How long a runner may take to end, beyond the grace of its guest, before it is dropped.
const RUNNER_GRACE: Duration = Duration::from_secs(10);
/// Pauses between attempts to reach the store.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(5);

impl Session {
    /// Runs a claimed execution and stores its end. When the session dies, the guest is killed
    /// and nothing is stored: the execution is then somebody else's.
    pub(crate) async fn run(
        &self,
        place: &Place,
        permit: OwnedSemaphorePermit,
        claimed: Versioned<Execution>,
    ) {
        let started = tokio::time::Instant::now();
        tokio::select! {
            biased;
            () = self.dead.cancelled() => {}
            () = async {
                let outcome = self.outcome(place, &claimed.value).await;
                let _ending = self.ends.acquire().await;
                drop(permit);
                self.store_end(claimed, outcome).await;
                metrics::histogram!("st2_execution_run_seconds").record(started.elapsed().as_secs_f64());
            } => {}
        }
    }

    async fn outcome(&self, place: &Place, execution: &Execution) -> Outcome {
        let (output, outputs) = if self.config.stream_output {
            let (output, outputs) = output(OUTPUT_BYTES_MAX, BATCH_BYTES);
            (output, Some(outputs))
        } else {
            (Output::discard(), None)
        };
        let run = self.run_prepared(place, execution, output);
        match outputs {
            Some(outputs) => {
                let stored = self.store_output(execution, outputs);
                let (outcome, ()) = futures::join!(run, stored);
                outcome
            }
            None => run.await,
        }
    }

    async fn run_prepared(&self, place: &Place, execution: &Execution, output: Output) -> Outcome {
        let mut pause = Backoff::default();
        let mut prepared = loop {
            match self.prepare(execution, place).await {
                Ok(prepared) => break prepared,
                Err(NotPrepared::Failed(outcome)) => return *outcome,
                Err(NotPrepared::Later(error)) => {
                    tracing::warn!(id = %execution.id, %error, "not started yet");
                    pause.wait().await;
                }
            }
        };
        prepared.context.output = output;
        let outcome = supervise(&*prepared.runner, prepared.context).await;
        if let Some(token) = &prepared.token
            && let Err(error) = self.credentials.revoke(token).await
        {
            tracing::warn!(id = %execution.id, %error, "token not removed: it will run out");
        }
        outcome
    }

    async fn store_output(&self, execution: &Execution, mut outputs: Outputs) {
        let mut sequence = None;
        while let Some(pieces) = outputs.next(BATCH_PATIENCE).await {
            for piece in pieces {
                let next = match sequence {
                    Some(next) => next,
                    None => self.first_sequence(execution).await,
                };
                sequence = Some(next + 1);
                let output = NewOutput { sequence: next, stream: piece.stream, data: piece.text };
                if let Err(error) = self.append(execution, output).await {
                    tracing::warn!(id = %execution.id, %error, "output is lost");
                }
            }
        }
    }

    async fn first_sequence(&self, execution: &Execution) -> u64 {
        let runs = execution.log.iter();
        let runs = runs.filter(|change| change.status == ExecutionStatus::Running);
        if runs.count() <= 1 {
            return 0;
        }
        self.executions.next_sequence(execution).await.unwrap_or(0)
    }

    async fn append(&self, execution: &Execution, output: NewOutput) -> Result<(), StoreError> {
        let mut pause = Backoff::default();
        loop {
            let appended =
                self.executions.append_output(execution, &self.owner, output.clone()).await;
            match appended {
                Err(error) if error.is_transient() => pause.wait().await,
                other => return other,
            }
        }
    }

    /// Stores the end of a run; asks as often as it takes, for as long as the session lives.
    async fn store_end(&self, claimed: Versioned<Execution>, outcome: Outcome) {
        let id = claimed.value.id;
        let mut pause = Backoff::default();
        let mut outcome = outcome;
        loop {
            let stored = if self.giving_up.is_cancelled() {
                self.executions.abandon(claimed.clone(), &self.owner).await
            } else {
                let outcome = outcome.clone();
                self.executions.complete(claimed.clone(), &self.owner, outcome).await
            };
            match stored {
                Ok(_) => return,
                Err(error) if error.is_transient() => {
                    tracing::warn!(%id, %error, "the end of an execution is not stored yet");
                    pause.wait().await;
                }
                Err(Error::Store(StoreError::Invalid { reason, .. })) if !is_error(&outcome) => {
                    outcome = Outcome::error(format!("The result can not be stored: {reason}"));
                }
                Err(error) => {
                    tracing::warn!(%id, %error, "the end of an execution is not stored");
                    return;
                }
            }
        }
    }
}

fn is_error(outcome: &Outcome) -> bool {
    outcome.status == ExecutionStatus::Failed
}

/// Runs the runner; a panic in it and a cancel that it ignores are outcomes.
async fn supervise(runner: &dyn Runner, context: RunContext) -> Outcome {
    let overdue = overdue(context.cancel.clone(), context.grace + RUNNER_GRACE);
    let run = AssertUnwindSafe(async { runner.run(context).await }).catch_unwind();
    tokio::select! {
        biased;
        ended = run => ended.unwrap_or_else(|panic| {
            let reason = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            tracing::error!(reason, "a runner panicked");
            Outcome::error(format!("The runner panicked: {reason}"))
        }),
        () = overdue => {
            tracing::error!("a runner ignores that it is to end");
            Outcome::error("The runner did not end when it was asked to.")
        }
    }
}

async fn overdue(cancel: CancellationToken, grace: Duration) {
    cancel.cancelled().await;
    tokio::time::sleep(grace).await;
}

/// Ever longer pauses between attempts at something that is away.
struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(RETRY_FIRST)
    }
}

impl Backoff {
    async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(RETRY_MAX);
    }
}

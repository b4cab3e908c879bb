//! The writer: one thread that puts every write that waits into one transaction.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use st2_ports::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::error::{OpenError, closed, concerns_the_file, unavailable};
use crate::file::Claim;
use crate::flusher::{Flusher, Threads};
use crate::read::Answer;
use crate::reader::start_thread;
use crate::recent::Recent;
use crate::schema;
use crate::write::Outcome;

/// How many writes wait in the queue before callers wait to enter it.
const QUEUE: usize = 4096;
/// How many writes, and of about how many bytes, go into one transaction.
const BATCH: usize = 2048;
const BATCH_BYTES: usize = 16 << 20;
/// About how many bytes of log a write makes at least.
const LOG_BYTES_LEAST: usize = 16 << 10;
/// After so many bytes its length is looked at.
const LOOK_AFTER: usize = 2 << 20;
/// From so many pages of log on, it is moved into the file in the background.
const LOG_PAGES: i64 = 4000;
/// From so many on, writes wait for it.
const LOG_PAGES_MAX: i64 = 16_000;

/// When a write is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// When every reader sees it.
    Ordered,
    /// When it is on disk.
    Durable,
}

/// A write in the queue.
trait Write: Send {
    /// Does it, inside the writer's transaction. May be called again after a rollback.
    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    /// About how many bytes it writes.
    fn bytes(&self) -> usize;
    /// Whether its caller waits for the disk.
    fn is_durable(&self) -> bool;
    /// Answers: what it came to, or why it was undone or is not known to be on disk.
    fn settle(self: Box<Self>, undone: Option<StoreError>);
}

struct Pending<T, W> {
    work: W,
    bytes: usize,
    promise: Promise,
    outcome: Option<Answer<T>>,
    reply: oneshot::Sender<Answer<T>>,
}

impl<T: Send, W: FnMut(&Connection) -> Outcome<T> + Send> Write for Pending<T, W> {
    fn apply(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.outcome = Some((self.work)(connection)?);
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_durable(&self) -> bool {
        self.promise == Promise::Durable
    }

    fn settle(self: Box<Self>, undone: Option<StoreError>) {
        let answer = match (undone, self.outcome) {
            (Some(error), _) => Err(error),
            (None, Some(answer)) => answer,
            (None, None) => Err(closed()),
        };
        // A caller that has gone away needs no answer.
        drop(self.reply.send(answer));
    }
}

enum Job {
    Write(Box<dyn Write>),
    /// Ends the writer. The sender is dropped when the files are closed and given up.
    Close(oneshot::Sender<()>),
}

/// The way to the writer of a store.
pub(crate) struct Writer {
    queue: mpsc::Sender<Job>,
    flusher: Flusher,
}

impl Writer {
    /// Starts the thread. It owns the files until it ends.
    pub(crate) fn start(
        path: &Path,
        connection: Connection,
        recent: Arc<Recent>,
        claim: Claim,
    ) -> Result<Self, OpenError> {
        let failed = |error| OpenError::of(path.to_owned(), error);
        // From here on the flusher has the log flushed, and SQLite only where it moves the log.
        connection.execute_batch("PRAGMA synchronous = NORMAL").map_err(failed)?;
        let (flusher, flushing) = Flusher::start(path)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        // One request is as good as many.
        let (requests, asked) = sync_channel(1);
        let checkpointer = schema::connect_checkpointer(path)?;
        let checkpointer = start_thread(path, "st2-sqlite-checkpoint".to_owned(), move || {
            checkpoint_when_asked(&checkpointer, &asked);
        })?;
        let routine = Routine {
            connection,
            jobs,
            requests,
            checkpointer,
            flusher: flusher.clone(),
            flushing,
            recent,
            unseen: 0,
            failing: false,
            claim,
        };
        start_thread(path, "st2-sqlite-write".to_owned(), move || routine.run())?;
        Ok(Self { queue, flusher })
    }

    /// Queues a write of about `bytes` bytes and waits until it is as safe as `promise` says, or
    /// undone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        promise: Promise,
        bytes: usize,
        work: impl FnMut(&Connection) -> Outcome<T> + Send + 'static,
    ) -> Answer<T> {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { work, bytes, promise, outcome: None, reply };
        let job = Job::Write(Box::new(pending));
        self.queue.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Waits until everything that was answered is on disk.
    pub(crate) async fn flush(&self) -> Answer<()> {
        self.flusher.flush().await
    }

    /// Writes what is in the queue and closes the files.
    pub(crate) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.queue.send(Job::Close(reply)).await.is_ok() {
            drop(answer.await);
        }
    }
}

struct Routine {
    connection: Connection,
    jobs: mpsc::Receiver<Job>,
    requests: SyncSender<()>,
    checkpointer: JoinHandle<()>,
    flusher: Flusher,
    flushing: Threads,
    recent: Arc<Recent>,
    /// About how many bytes the log has grown since its length was looked at.
    unseen: usize,
    /// Whether the last transaction was undone for the file's sake.
    failing: bool,
    claim: Claim,
}

impl Routine {
    fn run(mut self) {
        let mut closing = Vec::new();
        while let Some(job) = self.jobs.blocking_recv() {
            let batch = self.collect(job, &mut closing);
            if !batch.is_empty() {
                self.unseen +=
                    batch.iter().map(|write| LOG_BYTES_LEAST + write.bytes()).sum::<usize>();
                self.commit(batch);
                if self.unseen >= LOOK_AFTER {
                    self.unseen = 0;
                    self.look_at_log();
                }
            }
            if !closing.is_empty() {
                // What is in the queue still counts; what comes later is refused.
                self.jobs.close();
            }
        }
        self.end();
        drop(closing);
    }

    /// Closes the files, this connection last, so that SQLite clears the log away.
    fn end(self) {
        drop(self.requests);
        self.flusher.stop(self.flushing);
        if self.checkpointer.join().is_err() {
            tracing::warn!("what moves the log into the file has panicked");
        }
        if self.flusher.check().is_err() {
            // The next start reads the log as it is on disk, and knows how far it is sound.
            let leave = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            drop(self.connection.set_db_config(leave, true));
        } else if let Err(error) = checkpoint(&self.connection, "TRUNCATE") {
            tracing::warn!(%error, "the log was not moved into the file: the next start will");
        }
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the file was not closed");
        }
        drop(self.claim);
    }

    /// The writes that wait, beginning with this job.
    fn collect(
        &mut self,
        first: Job,
        closing: &mut Vec<oneshot::Sender<()>>,
    ) -> Vec<Box<dyn Write>> {
        let (mut batch, mut bytes, mut next) = (Vec::new(), 0, Some(first));
        while let Some(job) = next {
            match job {
                Job::Write(write) => {
                    bytes += write.bytes();
                    batch.push(write);
                }
                Job::Close(reply) => closing.push(reply),
            }
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                break;
            }
            next = self.jobs.try_recv().ok();
        }
        batch
    }

    /// Has the log moved into the file when it has grown long.
    fn look_at_log(&self) {
        match checkpoint(&self.connection, "NOOP") {
            Ok(pages) if pages >= LOG_PAGES_MAX => {
                if let Err(error) = checkpoint(&self.connection, "PASSIVE") {
                    tracing::warn!(%error, "the log was not moved into the file");
                }
            }
            Ok(pages) if pages >= LOG_PAGES => {
                // When the request of before still waits, it stands for this one too.
                if matches!(self.requests.try_send(()), Err(TrySendError::Disconnected(()))) {
                    tracing::warn!("the log grows: nobody moves it into the file");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the length of the log is unknown"),
        }
    }

    /// Commits the writes and answers them. A write that SQLite refuses for itself is left out;
    /// when the trouble is the file's, all of them are undone.
    fn commit(&mut self, mut batch: Vec<Box<dyn Write>>) {
        if let Err(error) = self.flusher.check() {
            for write in batch {
                write.settle(Some(error.clone()));
            }
            return;
        }
        while !batch.is_empty() {
            let (culprit, error) = match try_commit(&mut self.connection, &mut batch) {
                Ok(()) => {
                    self.report(None);
                    self.flusher.note_commit();
                    self.recent.publish();
                    self.answer(batch);
                    return;
                }
                Err(failure) => failure,
            };
            self.recent.discard();
            let reason = unavailable(&error);
            match culprit {
                Some(number) if !concerns_the_file(&error) => {
                    tracing::warn!(%error, "a write was refused");
                    batch.remove(number).settle(Some(reason));
                }
                _ => {
                    self.report(Some(&error));
                    for write in batch {
                        write.settle(Some(reason.clone()));
                    }
                    return;
                }
            }
        }
    }

    /// Answers writes that are committed, each as its caller wants it.
    fn answer(&self, batch: Vec<Box<dyn Write>>) {
        let (durable, ordered): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|write| write.is_durable());
        for write in ordered {
            write.settle(None);
        }
        if !durable.is_empty() {
            self.flusher.when_flushed(move |outcome| {
                for write in durable {
                    write.settle(outcome.clone().err());
                }
            });
        }
    }

    /// Says when writing begins to fail, and when it goes on: not each time, for that may be
    /// thousands of times.
    fn report(&mut self, error: Option<&rusqlite::Error>) {
        match error {
            Some(error) if !self.failing => tracing::error!(%error, "the store can not be written"),
            None if self.failing => tracing::info!("the store can be written again"),
            _ => {}
        }
        self.failing = error.is_some();
    }
}

fn checkpoint_when_asked(connection: &Connection, asked: &Receiver<()>) {
    while asked.recv().is_ok() {
        if let Err(error) = checkpoint(connection, "PASSIVE") {
            tracing::warn!(%error, "the log was not moved into the file");
        }
    }
}

/// Moves the log into the file, as far as `mode` says. How many pages of log there are.
fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_row([], |row| row.get(1))
}

/// The error, with the number of the write that met it.
type Failure = (Option<usize>, rusqlite::Error);

fn try_commit(connection: &mut Connection, batch: &mut [Box<dyn Write>]) -> Result<(), Failure> {
    // Dropping the transaction rolls it back, unless SQLite has done so already.
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| (None, error))?;
    for (number, write) in batch.iter_mut().enumerate() {
        write.apply(&transaction).map_err(|error| (Some(number), error))?;
    }
    transaction.commit().map_err(|error| (None, error))
}

//! Flushes: what was committed becomes durable. SQLite commits into its log without waiting for
//! the disk; the log is sequential and each of its frames vouches for those before it, so that one
//! flush of the file serves every commit that came before.
//!
//! SQLite itself still flushes the log before it moves it into the file, the file after that, and
//! the log's new beginning before anything is written behind it.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use st2_ports::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::error::{OpenError, closed};
use crate::file::beside;
use crate::read::Answer;
use crate::reader::start_thread;

/// How many waiters wait in the queue before they wait to enter it.
const QUEUE: usize = 4096;
/// Two, so that who comes while the disk works need not wait for it to finish first.
const THREADS: usize = 2;

/// What is called with the outcome of a flush.
type Waiter = Box<dyn FnOnce(Answer<()>) + Send>;

enum Job {
    /// Wants the commits up to this one on disk.
    Wait(u64, Waiter),
    /// Ends one thread, after what is in the queue.
    Stop,
}

/// How far things have come.
#[derive(Default)]
struct Progress {
    committed: AtomicU64,
    flushed: AtomicU64,
    /// Why there are no more flushes. The system reports a failed one once and then forgets what
    /// it could not write: trying again would claim what is not so.
    failure: OnceLock<String>,
}

impl Progress {
    fn check(&self) -> Answer<()> {
        match self.failure.get() {
            None => Ok(()),
            Some(reason) => Err(StoreError::Unavailable(format!(
                "a flush to disk has failed ({reason}): start anew when the disk is sound"
            ))),
        }
    }

    fn is_flushed(&self, commit: u64) -> bool {
        self.flushed.load(Ordering::Acquire) >= commit
    }
}

/// The way to the flushes of a store. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Flusher {
    queue: mpsc::Sender<Job>,
    progress: Arc<Progress>,
}

/// The threads, for whoever ends them.
pub(crate) type Threads = Vec<JoinHandle<()>>;

impl Flusher {
    /// Starts the threads of the store at `path`, whose log is there.
    pub(crate) fn start(path: &Path) -> Result<(Self, Threads), OpenError> {
        let log = beside(path, "-wal");
        let access = |source| OpenError::Access { path: log.clone(), source };
        // A handle for each: the system tells each handle of a failure, once.
        let mut logs = Vec::new();
        for _ in 0..THREADS {
            logs.push(File::open(&log).map_err(access)?);
        }
        Self::start_with(path, logs)
    }

    fn start_with(path: &Path, logs: Vec<File>) -> Result<(Self, Threads), OpenError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (jobs, progress) = (Arc::new(Mutex::new(jobs)), Arc::<Progress>::default());
        let mut threads = Vec::new();
        for (number, log) in logs.into_iter().enumerate() {
            let (jobs, progress) = (Arc::clone(&jobs), Arc::clone(&progress));
            let name = format!("st2-sqlite-sync-{number}");
            threads.push(start_thread(path, name, move || run(&log, &jobs, &progress))?);
        }
        Ok((Self { queue, progress }, threads))
    }

    /// Notes that something was committed, before anybody is told.
    pub(crate) fn note_commit(&self) {
        self.progress.committed.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether flushes still work.
    pub(crate) fn check(&self) -> Answer<()> {
        self.progress.check()
    }

    /// Waits until everything is on disk that has been committed so far.
    pub(crate) async fn flush(&self) -> Answer<()> {
        self.check()?;
        let commit = self.progress.committed.load(Ordering::Acquire);
        if self.progress.is_flushed(commit) {
            return if self.queue.is_closed() { Err(closed()) } else { Ok(()) };
        }
        let (reply, answer) = oneshot::channel();
        let waiter: Waiter = Box::new(move |outcome| {
            // A caller that has gone away needs no answer.
            drop(reply.send(outcome));
        });
        self.queue.send(Job::Wait(commit, waiter)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Calls `waiter` when everything is on disk that has been committed so far. For the writer's
    /// thread.
    pub(crate) fn when_flushed(&self, waiter: impl FnOnce(Answer<()>) + Send + 'static) {
        let commit = self.progress.committed.load(Ordering::Acquire);
        if let Err(refused) = self.queue.blocking_send(Job::Wait(commit, Box::new(waiter)))
            && let Job::Wait(_, waiter) = refused.0
        {
            waiter(Err(closed()));
        }
    }

    /// Does what is in the queue and ends the threads. For the writer's thread.
    pub(crate) fn stop(&self, threads: Threads) {
        for _ in &threads {
            // The queue is closed only when every thread has ended.
            drop(self.queue.blocking_send(Job::Stop));
        }
        for thread in threads {
            if thread.join().is_err() {
                tracing::warn!("a thread that flushes has panicked");
            }
        }
    }
}

fn run(log: &File, jobs: &Mutex<mpsc::Receiver<Job>>, progress: &Progress) {
    loop {
        let (mut waiters, mut wanted, mut is_last) = (Vec::new(), 0, false);
        {
            // One thread waits in the queue, the other for its turn to.
            let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
            let mut next = jobs.blocking_recv();
            is_last |= next.is_none();
            while let Some(job) = next {
                match job {
                    Job::Wait(commit, waiter) => {
                        wanted = commit.max(wanted);
                        waiters.push(waiter);
                    }
                    Job::Stop => {
                        is_last = true;
                        break;
                    }
                }
                next = jobs.try_recv().ok();
            }
        }
        if !waiters.is_empty() {
            let outcome = flush(log, wanted, progress);
            for waiter in waiters {
                waiter(outcome.clone());
            }
        }
        if is_last {
            return;
        }
    }
}

fn flush(log: &File, wanted: u64, progress: &Progress) -> Answer<()> {
    progress.check()?;
    if progress.is_flushed(wanted) {
        return Ok(());
    }
    let committed = progress.committed.load(Ordering::Acquire);
    if let Err(error) = log.sync_data() {
        tracing::error!(%error, "a flush to disk has failed: nothing is written any more");
        drop(progress.failure.set(error.to_string()));
        return progress.check();
    }
    // What the other thread was told meanwhile may be about the same commits.
    progress.check()?;
    progress.flushed.fetch_max(committed, Ordering::AcqRel);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flusher(on: &str) -> (Flusher, Threads) {
        let logs = (0..THREADS).map(|_| File::open(on).unwrap()).collect();
        Flusher::start_with(Path::new("st2.db"), logs).unwrap()
    }

    async fn stop(flusher: Flusher, threads: Threads) {
        tokio::task::spawn_blocking(move || flusher.stop(threads)).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_on_disk_needs_no_flush() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (flusher, threads) = flusher(file.path().to_str().unwrap());
        flusher.note_commit();
        flusher.flush().await.unwrap();
        assert!(flusher.progress.is_flushed(1) && !flusher.progress.is_flushed(2));
        stop(flusher.clone(), threads).await;
        assert!(flusher.flush().await.is_err(), "it has been stopped");
    }

    /// The system says that a file of this kind can not be flushed.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_failed_flush_is_not_tried_again() {
        let (flusher, threads) = flusher("/dev/null");
        flusher.flush().await.unwrap();
        flusher.note_commit();
        let (first, second) = tokio::join!(flusher.flush(), flusher.flush());
        for outcome in [first, second, flusher.flush().await, flusher.check()] {
            let error = outcome.unwrap_err();
            assert!(error.is_transient(), "{error}");
            assert!(error.to_string().contains("a flush to disk has failed"), "{error}");
        }
        stop(flusher, threads).await;
    }
}

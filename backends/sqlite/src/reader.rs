//! The readers: a few threads, each with a connection, that share one queue.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use st2_ports::StoreError;
use tokio::sync::{mpsc, oneshot};

use crate::error::{OpenError, closed};
use crate::schema;

/// How many reads wait in the queue before callers wait to enter it.
const QUEUE: usize = 1024;

enum Job {
    Read(Box<dyn FnOnce(&Connection) + Send>),
    /// Ends one reader. The sender is dropped when its connection is closed.
    Stop(oneshot::Sender<()>),
}

/// The readers of a store.
pub(crate) struct Readers {
    queue: mpsc::Sender<Job>,
    count: usize,
}

impl Readers {
    /// Opens the connections and starts the threads.
    pub(crate) fn start(path: &Path) -> Result<Self, OpenError> {
        let count = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8));
        let (queue, jobs) = mpsc::channel(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..count {
            let connection = schema::connect_reader(path)?;
            let jobs = Arc::clone(&jobs);
            start_thread(path, format!("st2-sqlite-read-{number}"), move || {
                run(connection, &jobs);
            })?;
        }
        Ok(Self { queue, count })
    }

    /// Runs `read` on a reader's connection.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Read(Box::new(move |connection| {
            // A caller that has gone away needs no answer.
            if !reply.is_closed() {
                drop(reply.send(read(connection)));
            }
        }));
        self.queue.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Ends every reader, after what is in the queue.
    pub(crate) async fn stop(&self) {
        let mut ended = Vec::new();
        for _ in 0..self.count {
            let (reply, answer) = oneshot::channel();
            if self.queue.send(Job::Stop(reply)).await.is_ok() {
                ended.push(answer);
            }
        }
        for answer in ended {
            drop(answer.await);
        }
    }
}

fn run(connection: Connection, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        // One reader waits in the queue, the others wait for their turn to.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        match job {
            Some(Job::Read(read)) => read(&connection),
            Some(Job::Stop(reply)) => {
                drop(connection);
                drop(reply);
                return;
            }
            None => return,
        }
    }
}

/// Starts a thread of the store's own.
pub(crate) fn start_thread(
    path: &Path,
    name: String,
    routine: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let started = std::thread::Builder::new().name(name).spawn(routine);
    started.map_err(|source| OpenError::Access { path: path.to_owned(), source })
}

//! The one thread that starts processes and looks after those nobody waits for.
//!
//! Why one thread: the parent-death signal of Linux fires when the *thread* that forked ends, and
//! threads of a pool come and go. It also means that no other fork of ours can hold a descriptor of
//! a file that was just written, so a fresh script never fails to start with "text file busy".

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use nix::sys::prctl;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{JoinSet, LocalSet};

use crate::error::{Error, Result};
use crate::process::{Handle, Leader};
use crate::reclaim::{Tag, reclaim};
use crate::spec::Spec;
use crate::streams::Pipes;
use crate::{spawn, sweep};

const REQUESTS_MAX: usize = 256;
const TIDY_PERIOD: Duration = Duration::from_millis(500);
const END_PERIOD: Duration = Duration::from_millis(5);
const END_DEADLINE: Duration = Duration::from_secs(5);

type Reply = oneshot::Sender<Result<(Handle, Pipes)>>;

struct Warden {
    requests: mpsc::Sender<(Spec, Reply)>,
    /// Processes whose owner is gone. Filled from destructors, which cannot wait for a queue.
    abandoned: Mutex<Vec<Arc<Leader>>>,
    wake: Notify,
}

static WARDEN: OnceLock<Option<Warden>> = OnceLock::new();

/// Starts a process on the warden's thread.
pub(crate) async fn start(spec: Spec) -> Result<(Handle, Pipes)> {
    let warden = warden().ok_or(Error::ShuttingDown)?;
    let (reply, started) = oneshot::channel();
    warden.requests.send((spec, reply)).await.map_err(|_| Error::ShuttingDown)?;
    started.await.map_err(|_| Error::ShuttingDown)?
}

/// Takes over a process that has been killed and that nobody waits for.
pub(crate) fn adopt(leader: Arc<Leader>) {
    if let Some(warden) = warden() {
        warden.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(leader);
        warden.wake.notify_one();
    }
}

/// Ends every process that was started here and what it left behind, except what was to be kept:
/// asks them to end, kills them after `grace`. To be awaited by the executable before it exits. Owners should have let go of
/// their processes by then; what is still owned is killed but reported to its owner only.
pub async fn end_all(grace: Duration) {
    let until_gone = async |kill: bool| {
        loop {
            let leaders = sweep::leaders().all();
            if leaders.is_empty() {
                return;
            }
            if kill {
                leaders.iter().for_each(|leader| leader.kill());
            }
            tokio::time::sleep(END_PERIOD).await;
        }
    };
    sweep::leaders().all().iter().for_each(|leader| leader.terminate());
    if tokio::time::timeout(grace, until_gone(false)).await.is_err() {
        drop(tokio::time::timeout(END_DEADLINE, until_gone(true)).await);
    }
    let until_no_orphans = async {
        while sweep::end_orphans() > 0 {
            tokio::time::sleep(END_PERIOD).await;
        }
    };
    drop(tokio::time::timeout(END_DEADLINE, until_no_orphans).await);
}

fn warden() -> Option<&'static Warden> {
    WARDEN.get_or_init(launch).as_ref()
}

fn launch() -> Option<Warden> {
    if let Err(errno) = prctl::set_child_subreaper(true) {
        tracing::warn!(%errno, "cannot become child subreaper; escaped descendants go to init");
    }
    let (requests, queue) = mpsc::channel(REQUESTS_MAX);
    let thread = std::thread::Builder::new().name("st2-process".to_owned());
    match thread.spawn(move || run(queue)) {
        Ok(_) => Some(Warden { requests, abandoned: Mutex::default(), wake: Notify::new() }),
        Err(error) => {
            tracing::error!(%error, "cannot start the thread that starts processes");
            None
        }
    }
}

/// The thread. Its own runtime has real time also where the rest of the host is simulated.
fn run(queue: mpsc::Receiver<(Spec, Reply)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => LocalSet::new().block_on(&runtime, serve(queue)),
        Err(error) => tracing::error!(%error, "cannot start the runtime that starts processes"),
    }
}

async fn serve(mut queue: mpsc::Receiver<(Spec, Reply)>) {
    let Some(warden) = warden() else { return };
    // Not on this thread: looking at all processes of the machine takes a while.
    drop(tokio::task::spawn_blocking(reclaim));
    let mut tidy = tokio::time::interval(TIDY_PERIOD);
    let mut endings = JoinSet::new();
    loop {
        tokio::select! {
            request = queue.recv() => match request {
                // A caller that has gone away drops the handle, which ends the process.
                Some((spec, reply)) => drop(reply.send(start_now(spec))),
                None => return,
            },
            () = warden.wake.notified() => {
                let abandoned = std::mem::take(
                    &mut *warden.abandoned.lock().unwrap_or_else(PoisonError::into_inner),
                );
                for leader in abandoned {
                    endings.spawn_local(end(leader));
                }
            }
            Some(_) = endings.join_next() => {}
            _ = tidy.tick() => sweep::reap_orphans(),
        }
    }
}

fn start_now(mut spec: Spec) -> Result<(Handle, Pipes)> {
    let tag = Tag::next(spec.leftovers).to_string();
    let started = spawn::start(&mut spec, &tag)?;
    let leader = Arc::new(Leader::new(started.pid, started.pidfd, tag, spec.leftovers));
    sweep::leaders().add(Arc::clone(&leader));
    Ok((Handle(leader), started.pipes))
}

/// Waits for a killed process and everything below it.
async fn end(leader: Arc<Leader>) {
    let ended = async {
        drop(leader.watch()?.readable().await.map_err(Error::system("watch a process"))?);
        sweep::end_leftovers(&leader).await;
        leader.reap()
    };
    if let Err(error) = ended.await {
        tracing::error!(pid = %leader.pid(), %error, "cannot end an abandoned process");
    }
}

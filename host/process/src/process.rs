//! A running process and what its owner can do with it.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::{Error, Result};
use crate::spec::{Leftovers, Spec};
use crate::streams::Streams;
use crate::{sweep, warden};

/// How long output is collected from the pipes once everything that could write is dead.
const DRAIN_AFTER_KILL: Duration = Duration::from_secs(2);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

impl ExitStatus {
    /// True for exit code 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The one number StackStorm shows: the exit code, or the signal as a negative number.
    #[must_use]
    pub fn return_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => -signal,
        }
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => match Signal::try_from(*signal) {
                Ok(signal) => write!(f, "signal {signal}"),
                Err(_) => write!(f, "signal {signal}"),
            },
        }
    }
}

/// The first process of a session, from its start until it is reaped.
pub(crate) struct Leader {
    pid: Pid,
    pidfd: OwnedFd,
    tag: String,
    leftovers: Leftovers,
    doomed: AtomicBool,
    status: Mutex<Option<ExitStatus>>,
}

impl Leader {
    pub(crate) fn new(pid: Pid, pidfd: OwnedFd, tag: String, leftovers: Leftovers) -> Self {
        let (doomed, status) = (AtomicBool::new(false), Mutex::new(None));
        Self { pid, pidfd, tag, leftovers, doomed, status }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    fn kills_leftovers(&self) -> bool {
        self.leftovers == Leftovers::Kill || self.doomed.load(Ordering::Acquire)
    }

    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    pub(crate) fn kill(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// Signals the whole group; from then on whatever the leader leaves behind is killed. Does
    /// nothing once the leader is reaped: the lock makes sure that the number is not recycled.
    fn signal(&self, signal: Signal) {
        self.doomed.store(true, Ordering::Release);
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if status.is_none() {
            sweep::signal_group(self.pid, signal);
        }
    }

    /// A descriptor that becomes readable when the leader exits, for the current runtime.
    pub(crate) fn watch(&self) -> Result<AsyncFd<OwnedFd>> {
        let copy = self.pidfd.as_fd().try_clone_to_owned();
        let watch = copy.and_then(|fd| {
            #[expect(unsafe_code, reason = "registering a descriptor with the reactor is unsafe")]
            // SAFETY: the reactor watches the descriptor that it owns from here on.
            unsafe {
                AsyncFd::register_with_interest(fd, Interest::READABLE).map_err(Into::into)
            }
        });
        watch.map_err(Error::system("watch a process"))
    }

    /// Takes the exit status from the kernel. The leader must have exited. Later calls repeat it.
    pub(crate) fn reap(&self) -> Result<ExitStatus> {
        let mut leaders = sweep::leaders();
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = *status {
            return Ok(status);
        }
        let exited = match waitid(Id::PIDFd(self.pidfd.as_fd()), WaitPidFlag::WEXITED) {
            Ok(WaitStatus::Exited(_, code)) => ExitStatus::Code(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => ExitStatus::Signal(signal as i32),
            Ok(_) => {
                return Err(system(
                    "read the exit status of a process",
                    io::ErrorKind::Other.into(),
                ));
            }
            Err(errno) => return Err(system("read the exit status of a process", errno.into())),
        };
        *status = Some(exited);
        leaders.remove(self.pid);
        Ok(exited)
    }
}

fn system(doing: &'static str, source: io::Error) -> Error {
    Error::System { doing, source }
}

/// Signals a process from elsewhere than the routine that waits for it. Cheap to clone. Works as
/// long as the process runs and does nothing afterwards.
#[derive(Clone)]
pub struct Control(Arc<Leader>);

impl Control {
    /// Process id of the leader, which is also the id of its group and session.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.pid.as_raw().unsigned_abs()
    }

    /// Asks the whole group to end (SIGTERM) and returns at once.
    pub fn terminate(&self) {
        self.0.terminate();
    }

    /// Ends the whole group (SIGKILL) and returns at once; the waiting side then also ends what
    /// left the group.
    pub fn kill(&self) {
        self.0.kill();
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Control").field(&self.pid()).finish()
    }
}

/// Starts a process. Output and input move only while [`Process::wait`] or
/// [`Process::terminate`] is being awaited.
///
/// # Errors
/// When the program cannot be started; nothing is left running then.
pub async fn spawn(mut spec: Spec) -> Result<Process> {
    let output = spec.output.take();
    // The pipes are wanted although the receiver stays here.
    if output.is_some() {
        spec.output = Some(Box::new(|_, _| {}));
    }
    let input = match &mut spec.stdin {
        crate::Stdin::Null => zeroize::Zeroizing::default(),
        crate::Stdin::Bytes(bytes) => std::mem::take(bytes),
    };
    let (handle, pipes) = warden::start(spec).await?;
    let streams = Streams::new(pipes, input, output)?;
    let exit = handle.0.watch()?;
    Ok(Process { handle, exit, streams, phase: Phase::Running })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Exited,
    Swept,
}

/// A running process. Dropping it kills the whole session and has it reaped in the background.
pub struct Process {
    handle: Handle,
    exit: AsyncFd<OwnedFd>,
    streams: Streams,
    phase: Phase,
}

impl Process {
    /// Process id of the leader, which is also the id of its group and session.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.control().pid()
    }

    /// A handle for others that may have to end this process.
    #[must_use]
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.handle.0))
    }

    /// Moves input and output until the process has exited, deals with what it leaves behind
    /// ([`Leftovers`]), reaps it and returns its status. The future may be dropped and `wait`
    /// called again without losing output. Later calls repeat the status.
    ///
    /// # Errors
    /// Only when the kernel refuses to tell the status.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        if self.phase == Phase::Running {
            self.until_exit().await?;
            self.phase = Phase::Exited;
        }
        if self.phase == Phase::Exited {
            self.after_exit().await;
            self.phase = Phase::Swept;
        }
        self.handle.0.reap()
    }

    /// Asks the whole group to end (SIGTERM), goes on moving output for up to `grace`, then kills
    /// it. Returns the status.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn terminate(&mut self, grace: Duration) -> Result<ExitStatus> {
        self.control().terminate();
        match tokio::time::timeout(grace, self.wait()).await {
            Ok(status) => status,
            Err(_) => self.kill().await,
        }
    }

    /// Kills the whole session (SIGKILL) and returns the status.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn kill(&mut self) -> Result<ExitStatus> {
        self.control().kill();
        self.wait().await
    }

    async fn until_exit(&mut self) -> Result<()> {
        loop {
            tokio::select! {
                exited = self.exit.readable() => {
                    drop(exited.map_err(Error::system("watch a process"))?);
                    return Ok(());
                }
                () = self.streams.step(), if !self.streams.is_idle() => {}
            }
        }
    }

    /// The leader has exited and is kept as a zombie, so that its group and session keep their id.
    async fn after_exit(&mut self) {
        if let Leftovers::Keep { drain } = self.handle.0.leftovers {
            self.drain_kept(drain).await;
        }
        if self.handle.0.kills_leftovers() {
            sweep::end_leftovers(&self.handle.0).await;
            let drained = tokio::time::timeout(DRAIN_AFTER_KILL, self.drain()).await;
            if drained.is_err() {
                tracing::warn!(pid = self.pid(), "output is still held open; giving it up");
            }
        }
        self.streams.close();
    }

    async fn drain_kept(&mut self, limit: Option<Duration>) {
        // Killed from elsewhere while we drain: the group is dead then and the pipes end.
        match limit {
            Some(limit) => drop(tokio::time::timeout(limit, self.drain()).await),
            None => self.drain().await,
        }
    }

    async fn drain(&mut self) {
        while !self.streams.is_drained() {
            self.streams.step().await;
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("pid", &self.pid()).field("phase", &self.phase).finish()
    }
}

/// Owns the obligation to end a process: dropped before the process is reaped, it kills it and
/// leaves the rest to the warden.
pub(crate) struct Handle(pub(crate) Arc<Leader>);

impl Drop for Handle {
    fn drop(&mut self) {
        let is_reaped = self.0.status.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !is_reaped {
            Control(Arc::clone(&self.0)).kill();
            warden::adopt(Arc::clone(&self.0));
        }
    }
}

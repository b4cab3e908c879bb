//! Leaves nothing behind: finds what a process leaves alive and ends it.
//!
//! The host is a child subreaper, so a descendant whose parent died becomes a child of the host.
//! A child of the host that was not started by [`crate::spawn`] is therefore an orphan of a guest,
//! recognised by its session (members of the guest's session) or by the tag in its environment
//! (descendants that called `setsid`). One that did both, `setsid` and clearing its environment, is
//! ended with its parent's subtree while that parent lives; after that nothing tells it from a
//! service that an action has started on purpose, so it is left alone. Where that is not good
//! enough, guests belong into a pid namespace or a cgroup.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Pid, getsid};

use crate::process::Leader;
use crate::procfs;
use crate::reclaim::Tag;
use crate::spawn::TAG_VARIABLE;

/// How long a killed process may take to disappear before the warden takes over.
const SWEEP_DEADLINE: Duration = Duration::from_secs(5);

/// Processes started by us and not reaped yet. The lock is held while orphans are looked at, so
/// that no process id we read can be recycled between reading and killing.
static LEADERS: Mutex<Option<HashMap<Pid, Arc<Leader>>>> = Mutex::new(None);

pub(crate) struct Leaders(MutexGuard<'static, Option<HashMap<Pid, Arc<Leader>>>>);

pub(crate) fn leaders() -> Leaders {
    Leaders(LEADERS.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Leaders {
    pub(crate) fn add(&mut self, leader: Arc<Leader>) {
        self.0.get_or_insert_default().insert(leader.pid(), leader);
    }

    pub(crate) fn remove(&mut self, pid: Pid) {
        if let Some(leaders) = self.0.as_mut() {
            leaders.remove(&pid);
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Leader>> {
        self.0.iter().flat_map(HashMap::values).cloned().collect()
    }

    fn knows(&self, pid: Pid) -> bool {
        self.0.as_ref().is_some_and(|leaders| leaders.contains_key(&pid))
    }

    /// Children of the host that a guest left behind. Children in the host's own session were
    /// started by other code of this executable and are left alone.
    fn orphans(&self) -> Vec<(Pid, procfs::Stat)> {
        let own_session = getsid(None).ok();
        let children = procfs::children(Pid::this()).into_iter();
        children
            .filter(|pid| !self.knows(*pid))
            .filter_map(|pid| Some((pid, procfs::stat(pid)?)))
            .filter(|(_, stat)| stat.parent == Pid::this() && Some(stat.session) != own_session)
            .collect()
    }
}

/// Ends everything that belongs to a process whose leader has exited but has not been reaped.
/// Returns when it is gone, or after [`SWEEP_DEADLINE`].
pub(crate) async fn end_leftovers(leader: &Leader) {
    let deadline = tokio::time::Instant::now() + SWEEP_DEADLINE;
    let mut doomed = BTreeSet::new();
    let mut pause = Duration::from_millis(1);
    while pass(leader, &mut doomed) > 0 {
        if tokio::time::Instant::now() >= deadline {
            tracing::warn!(pid = %leader.pid(), "processes left behind do not end when killed");
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// Kills what is alive and reaps what is dead. Returns how many are left to die.
fn pass(leader: &Leader, doomed: &mut BTreeSet<Pid>) -> usize {
    let leaders = leaders();
    signal_group(leader.pid(), Signal::SIGKILL);
    let tag = Some(leader.tag().as_bytes());
    let mut left = 0;
    for (pid, stat) in leaders.orphans() {
        let is_ours = doomed.contains(&pid)
            || stat.session == leader.pid()
            || procfs::env(pid, TAG_VARIABLE).as_deref() == tag;
        if is_ours && !(stat.is_zombie && reap(pid)) {
            doomed.insert(pid);
            kill_tree(pid, doomed);
            left += 1;
        }
    }
    left
}

/// Kills a child of ours and all its descendants, topmost first, so that none sees its child die.
fn kill_tree(root: Pid, doomed: &mut BTreeSet<Pid>) {
    let below = procfs::children(root);
    ignore_gone(kill(root, Signal::SIGKILL));
    for pid in below {
        // Still the child of the one we killed, or already handed to us: not a recycled number.
        let parent = procfs::stat(pid).map(|stat| stat.parent);
        if parent == Some(root) || parent == Some(Pid::this()) {
            doomed.insert(pid);
            kill_tree(pid, doomed);
        }
    }
}

/// Reaps dead orphans nobody is waiting for. Called from time to time by the warden.
pub(crate) fn reap_orphans() {
    for (pid, stat) in leaders().orphans() {
        if stat.is_zombie {
            reap(pid);
        }
    }
}

/// Ends every orphan that was not meant to be kept. Returns how many are left to die. One without a
/// tag cleared its environment, as services started through `sudo` do: it is left alone.
pub(crate) fn end_orphans() -> usize {
    let leaders = leaders();
    let doomed = leaders.orphans().into_iter().filter(|(pid, stat)| {
        let is_doomed = Tag::of(*pid).is_some_and(|tag| !tag.is_kept());
        is_doomed && !(stat.is_zombie && reap(*pid))
    });
    doomed.map(|(pid, _)| kill_tree(pid, &mut BTreeSet::new())).count()
}

fn reap(pid: Pid) -> bool {
    let reaped = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
    matches!(reaped, Err(Errno::ECHILD)) || reaped.is_ok_and(|status| status.pid().is_some())
}

/// Sends a signal to the group of a leader that has not been reaped, so the number is still its own.
pub(crate) fn signal_group(pid: Pid, signal: Signal) {
    ignore_gone(killpg(pid, signal));
}

fn ignore_gone(result: nix::Result<()>) {
    match result {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(errno) => tracing::debug!(%errno, "cannot signal a process"),
    }
}

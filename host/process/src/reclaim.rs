//! Ends what a host that was killed has left behind.
//!
//! When a host dies, the kernel kills the leaders of its processes, but not what those had started.
//! Every process carries a tag in its environment that names its host, so the next host that starts
//! on the machine finds and ends them. Processes that were meant to be kept are left alone, and so
//! are those of hosts in other process id namespaces, whose numbers mean nothing here.

use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::procfs;
use crate::spawn::TAG_VARIABLE;
use crate::spec::Leftovers;

/// Which host started a process, and as its how many-th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    namespace: u64,
    host: Pid,
    /// When the host started, in ticks since boot: process ids are used again.
    host_started: u64,
    number: u64,
    is_kept: bool,
}

impl Tag {
    /// A tag no other process of this machine has.
    pub(crate) fn next(leftovers: Leftovers) -> Self {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        Self {
            namespace: namespace(),
            host: Pid::this(),
            host_started: procfs::stat(Pid::this()).map_or(0, |stat| stat.started),
            number: COUNTER.fetch_add(1, Ordering::Relaxed),
            is_kept: leftovers != Leftovers::Kill,
        }
    }

    /// The tag a process carries, if it was started by some host.
    pub(crate) fn of(pid: Pid) -> Option<Self> {
        let tag = procfs::env(pid, TAG_VARIABLE)?;
        Self::parse(std::str::from_utf8(&tag).ok()?)
    }

    pub(crate) fn is_kept(self) -> bool {
        self.is_kept
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let is_kept = match parts.next()? {
            "keep" => true,
            "kill" => false,
            _ => return None,
        };
        let namespace = parts.next()?.parse().ok()?;
        let host = Pid::from_raw(parts.next()?.parse().ok()?);
        let host_started = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        Some(Self { namespace, host, host_started, number, is_kept })
    }

    /// True when the process that carries this tag should have ended with its host.
    fn is_orphaned(self) -> bool {
        let is_host_alive =
            procfs::stat(self.host).is_some_and(|stat| stat.started == self.host_started);
        !self.is_kept && self.namespace == namespace() && !is_host_alive
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_kept { "keep" } else { "kill" };
        let Self { namespace, host, host_started, number, .. } = self;
        write!(f, "{kind}-{namespace}-{host}-{host_started}-{number}")
    }
}

/// Number of the process id namespace.
fn namespace() -> u64 {
    fs::metadata("/proc/self/ns/pid").map_or(0, |metadata| metadata.ino())
}

/// Kills the processes that dead hosts have left behind, and returns how many.
pub(crate) fn reclaim() -> usize {
    let Ok(entries) = fs::read_dir("/proc") else { return 0 };
    let names = entries.flatten().map(|entry| entry.file_name());
    let pids = names.filter_map(|name| std::str::from_utf8(name.as_bytes()).ok()?.parse().ok());
    let mut killed = 0;
    for pid in pids.map(Pid::from_raw) {
        if Tag::of(pid).is_some_and(Tag::is_orphaned) && kill(pid, Signal::SIGKILL).is_ok() {
            tracing::warn!(%pid, "ended a process that a dead host had left behind");
            killed += 1;
        }
    }
    killed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_back_and_ours_are_not_orphaned() {
        let kept = Tag::next(Leftovers::Keep { drain: None });
        let tag = Tag::next(Leftovers::Kill);
        assert_eq!(Tag::parse(&tag.to_string()), Some(tag));
        assert_eq!(Tag::parse(&kept.to_string()), Some(kept));
        assert!(tag.number > kept.number && !tag.is_orphaned());
        for text in ["", "kill", "kill-1-2-3", "stay-1-2-3-4", "kill-1-2-3-x"] {
            assert_eq!(Tag::parse(text), None, "{text}");
        }
        let other_life = Tag { host_started: tag.host_started + 1, ..tag };
        assert!(other_life.is_orphaned());
        assert!(!Tag { is_kept: true, ..other_life }.is_orphaned());
        assert!(!Tag { namespace: 1, ..other_life }.is_orphaned());
    }
}

//! What the kernel says about processes.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Names the host that started a process, as `host/process` writes it.
const TAG_VARIABLE: &str = "ST2_PROCESS_TAG=";

/// The processes that belong to a site.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Alive: id and command line.
    pub alive: BTreeSet<(u32, String)>,
    /// Ended, and nobody asked how: id and name.
    pub zombies: BTreeSet<(u32, String)>,
}

impl Census {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alive.is_empty() && self.zombies.is_empty()
    }

    /// Counts what `mark` stands in the environment of, what one of `hosts` has started, and the
    /// zombies whose parent is one of `hosts`.
    #[must_use]
    pub fn take(mark: &str, hosts: &BTreeSet<u32>) -> Self {
        let mut census = Self::default();
        for pid in pids() {
            let Some(stat) = Stat::of(pid) else { continue };
            if stat.state == 'Z' {
                if hosts.contains(&stat.parent) {
                    census.zombies.insert((pid, stat.name));
                }
                continue;
            }
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environment.split(|byte| *byte == 0);
            let is_ours = variables.any(|variable| {
                let variable = String::from_utf8_lossy(variable);
                variable == mark || host_of(&variable).is_some_and(|host| hosts.contains(&host))
            });
            if is_ours {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                census.alive.insert((pid, line.trim_end().to_owned()));
            }
        }
        census
    }
}

/// The host in a tag `<kind>-<namespace>-<host>-<started>-<number>`.
fn host_of(variable: &str) -> Option<u32> {
    variable.strip_prefix(TAG_VARIABLE)?.split('-').nth(2)?.parse().ok()
}

struct Stat {
    name: String,
    state: char,
    parent: u32,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, fields) = text.rsplit_once(") ")?;
        let mut fields = fields.split_whitespace();
        Some(Self {
            name: head.split_once(" (")?.1.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
        })
    }
}

fn pids() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether a process is there and no zombie.
#[must_use]
pub fn exists(pid: u32) -> bool {
    Stat::of(pid).is_some_and(|stat| stat.state != 'Z')
}

/// The processes whose parent is `pid`, zombies too.
#[must_use]
pub fn children(pid: u32) -> Vec<u32> {
    let has_parent = |child: &u32| Stat::of(*child).is_some_and(|stat| stat.parent == pid);
    pids().into_iter().filter(has_parent).collect()
}

/// How many descriptors a process has open.
///
/// # Errors
/// When the process is gone.
pub fn descriptors(pid: u32) -> Result<usize> {
    let folder = format!("/proc/{pid}/fd");
    Ok(fs::read_dir(&folder).with_context(|| folder.clone())?.count())
}

/// The memory of a process that is in RAM.
///
/// # Errors
/// When the process is gone.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: u64 = number.context("no VmRSS")?.parse()?;
    Ok(kilobytes * 1024)
}

/// The processor time that a process has used.
///
/// # Errors
/// When the process is gone.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).with_context(|| path.clone())?;
    let (_, fields) = text.rsplit_once(") ").context("no fields")?;
    // User and system time, in hundredths of a second for user space.
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
    let ticks = ticks.sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * 10))
}

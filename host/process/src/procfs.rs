//! What `/proc` says about processes: who are our children, whose session is a process in.

use std::collections::BTreeSet;
use std::fs;

use nix::unistd::Pid;

/// The fields of `/proc/<pid>/stat` we need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) is_zombie: bool,
    pub(crate) parent: Pid,
    pub(crate) session: Pid,
    /// In ticks since boot.
    pub(crate) started: u64,
}

/// `None` when the process is gone.
pub(crate) fn stat(pid: Pid) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The command name may contain anything, so fields count from the last parenthesis.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let is_zombie = matches!(fields.next()?, "Z" | "X");
    let parent = Pid::from_raw(fields.next()?.parse().ok()?);
    let session = Pid::from_raw(fields.nth(1)?.parse().ok()?);
    let started = fields.nth(15)?.parse().ok()?;
    Some(Stat { is_zombie, parent, session, started })
}

/// Children of a process, over all its threads. May miss some while others exit: ask again.
pub(crate) fn children(pid: Pid) -> BTreeSet<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return BTreeSet::new();
    };
    let lists = threads.flatten().filter_map(|thread| {
        let path = thread.path().join("children");
        fs::read_to_string(path).ok()
    });
    let mut children = BTreeSet::new();
    for list in lists {
        let pids = list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok());
        children.extend(pids.map(Pid::from_raw));
    }
    children
}

/// A variable of the environment the process was started with. `None` also when that cannot be
/// read, as for a zombie or a process of another user.
pub(crate) fn env(pid: Pid, name: &str) -> Option<Vec<u8>> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let mut variables = environ.split(|byte| *byte == 0);
    let value = |variable: &[u8]| {
        Some(variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec())
    };
    variables.find_map(value)
}

/// Number of open descriptors of this process.
#[cfg(test)]
pub(crate) fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_with_parentheses_and_spaces_is_no_trap() {
        let rest = "7 40 41 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 8642 0";
        let stat = parse_stat(&format!("42 (a) b) Z) S {rest}")).unwrap();
        let (parent, session) = (Pid::from_raw(7), Pid::from_raw(41));
        let expected = Stat { is_zombie: false, parent, session, started: 8642 };
        assert_eq!(stat, expected);
        assert!(parse_stat(&format!("42 (a) Z {rest}")).unwrap().is_zombie);
        assert!(parse_stat("42 (a").is_none());
    }
}

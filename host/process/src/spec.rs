//! What to start: the complete description of one process. Nothing is taken over from the host
//! silently; what is not in the [`Spec`] the process does not get.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

/// One of the two output streams of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Receives raw output as it arrives, at most 64 KiB a call, in order within each stream. Called
/// from inside [`Process::wait`](crate::Process::wait): it must not block.
pub type Output = Box<dyn FnMut(Stream, &[u8]) + Send>;

/// What the process reads on standard input.
#[derive(Default)]
pub enum Stdin {
    /// End of file at once.
    #[default]
    Null,
    /// These bytes, then end of file. Wiped from memory when done: passwords pass here.
    Bytes(Zeroizing<Vec<u8>>),
}

/// What happens to processes of the same session that are alive when the leader has exited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leftovers {
    /// They are killed, and so are descendants that left the session.
    #[default]
    Kill,
    /// They live on, as `nohup server &` in a shell action expects. `wait` returns when they have
    /// closed the output streams, or `drain` after the leader's exit (`None`: no limit).
    /// `terminate`, `kill` and dropping the handle kill them nevertheless.
    Keep {
        /// How long output is collected after the leader has exited.
        drain: Option<Duration>,
    },
}

/// Kernel limits (`setrlimit`) of the process, inherited by its children. `None` leaves the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProcessLimits {
    /// Address space in bytes.
    pub address_space_bytes: Option<u64>,
    /// Processor time in seconds.
    pub cpu_seconds: Option<u64>,
    /// Size of the largest file it may write, in bytes.
    pub file_size_bytes: Option<u64>,
    /// Number of open descriptors.
    pub open_files: Option<u64>,
    /// Number of processes of the user.
    pub processes: Option<u64>,
}

/// The description of one process. Make it with [`Spec::new`] and set what differs.
pub struct Spec {
    /// Program and arguments. A program without a slash is looked up in `PATH` of `env`.
    pub argv: Vec<OsString>,
    /// File to run when it is another than the first element of `argv`, which is then only a name.
    pub executable: Option<PathBuf>,
    /// The whole environment. Starts as [`Spec::minimal_env`].
    pub env: Vec<(OsString, OsString)>,
    /// Working directory; `None` is `/`.
    pub cwd: Option<PathBuf>,
    /// Standard input.
    pub stdin: Stdin,
    /// Name of the user to become, with the groups of that user. Needs a privileged host.
    pub user: Option<String>,
    /// Descriptors the process inherits: its number is told in the environment variable named here.
    pub inherit: Vec<(OsString, OwnedFd)>,
    /// Refuse privileges from set-user-id programs. Off by default, because actions use `sudo`.
    pub no_new_privs: bool,
    /// File mode mask; `None` keeps the host's.
    pub umask: Option<u32>,
    /// Kernel limits.
    pub limits: ProcessLimits,
    /// What becomes of processes the leader leaves behind.
    pub leftovers: Leftovers,
    /// Receiver of the output; `None` discards it.
    pub output: Option<Output>,
}

impl Spec {
    /// A process with the given command line and defaults for everything else.
    pub fn new<I, S>(argv: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            executable: None,
            env: Self::minimal_env(),
            cwd: None,
            stdin: Stdin::Null,
            user: None,
            inherit: Vec::new(),
            no_new_privs: false,
            umask: None,
            limits: ProcessLimits::default(),
            leftovers: Leftovers::default(),
            output: None,
        }
    }

    /// The smallest useful environment: a standard `PATH` and a UTF-8 locale.
    #[must_use]
    pub fn minimal_env() -> Vec<(OsString, OsString)> {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        vec![("PATH".into(), path.into()), ("LANG".into(), "C.UTF-8".into())]
    }

    /// Sets one variable, replacing an earlier value.
    pub fn set_env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let name = name.into();
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.into()));
    }

    /// Sets the receiver of the output.
    #[must_use]
    pub fn on_output(mut self, output: impl FnMut(Stream, &[u8]) + Send + 'static) -> Self {
        self.output = Some(Box::new(output));
        self
    }

    pub(crate) fn program(&self) -> String {
        self.argv
            .first()
            .map(OsString::as_os_str)
            .map(OsStr::to_string_lossy)
            .unwrap_or_default()
            .into()
    }
}

/// Arguments, environment and input may hold secrets: only the program is shown.
impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec")
            .field("program", &self.program())
            .field("cwd", &self.cwd)
            .field("user", &self.user)
            .field("leftovers", &self.leftovers)
            .finish_non_exhaustive()
    }
}

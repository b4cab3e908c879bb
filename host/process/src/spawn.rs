//! The way from a [`Spec`] to a running process: everything between `fork` and `exec`.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Pid, Uid, User, getgrouplist, getppid, setgid, setgroups, setsid, setuid};

use crate::error::{Error, Result};
use crate::spec::{ProcessLimits, Spec, Stdin};
use crate::streams::Pipes;

/// Marks every process we start, so that descendants that left the session are still found.
pub(crate) const TAG_VARIABLE: &str = "ST2_PROCESS_TAG";

/// A process that has just been started and belongs to nobody yet.
pub(crate) struct Started {
    pub(crate) pid: Pid,
    pub(crate) pidfd: OwnedFd,
    pub(crate) pipes: Pipes,
}

/// Starts the process. Blocks for the time of a fork and an exec, and must be called from a thread
/// that outlives the process, because the kernel kills the process when that thread ends.
pub(crate) fn start(spec: &mut Spec, tag: &str) -> Result<Started> {
    let mut command = command(spec, tag)?;
    // Held until after the spawn: the child inherits copies, ours close here.
    let inherit = inherit(spec, &mut command)?;
    let setup = Setup {
        host: Pid::this(),
        identity: spec.user.as_deref().map(Identity::find).transpose()?,
        inherit: inherit.iter().map(AsRawFd::as_raw_fd).collect(),
        limits: limits(spec.limits),
        umask: spec.umask.map(Mode::from_bits_truncate),
        no_new_privs: spec.no_new_privs,
    };
    #[expect(unsafe_code, reason = "pre_exec is the only hook between fork and exec")]
    // SAFETY: `apply` only makes system calls and reads memory prepared before the fork. It takes
    // no lock and allocates nothing, which is all that is allowed in the child of a threaded parent.
    unsafe {
        command.pre_exec(move || setup.apply());
    }
    let program = spec.program();
    let mut child = command.spawn().map_err(|source| Error::Start { program, source })?;
    let raw = i32::try_from(child.id()).unwrap_or_default();
    let pipes = Pipes {
        stdin: child.stdin.take().map(OwnedFd::from),
        stdout: child.stdout.take().map(OwnedFd::from),
        stderr: child.stderr.take().map(OwnedFd::from),
    };
    match open_pidfd(Pid::from_raw(raw)) {
        Ok(pidfd) => Ok(Started { pid: Pid::from_raw(raw), pidfd, pipes }),
        Err(source) => {
            // Without a pidfd nobody could wait for it: end it here. Both fail only if it is gone.
            drop(child.kill());
            drop(child.wait());
            Err(Error::System { doing: "open a descriptor for a process", source })
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place where processes are started")]
fn command(spec: &Spec, tag: &str) -> Result<Command> {
    let program = spec.argv.first().ok_or(Error::NoProgram)?;
    let cwd = spec.cwd.as_deref().unwrap_or(Path::new("/"));
    if !cwd.is_dir() {
        return Err(Error::WorkingDirectory { path: cwd.to_owned() });
    }
    let output = || {
        if spec.output.is_some() { Stdio::piped() } else { Stdio::null() }
    };
    let mut command = match &spec.executable {
        Some(executable) => Command::new(executable),
        None => Command::new(program),
    };
    command
        .arg0(program)
        .args(spec.argv.iter().skip(1))
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .env(TAG_VARIABLE, tag)
        .current_dir(cwd)
        .stdout(output())
        .stderr(output())
        .stdin(match spec.stdin {
            Stdin::Null => Stdio::null(),
            Stdin::Bytes(_) => Stdio::piped(),
        });
    Ok(command)
}

/// Copies the descriptors to numbers above the standard streams and tells the child about them.
fn inherit(spec: &mut Spec, command: &mut Command) -> Result<Vec<OwnedFd>> {
    let mut copies = Vec::with_capacity(spec.inherit.len());
    for (name, fd) in spec.inherit.drain(..) {
        let copy = fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(3)).map_err(io::Error::from);
        let copy = copy.map_err(Error::system("copy a descriptor for a process"))?;
        command.env(name, copy.to_string());
        #[expect(unsafe_code, reason = "fcntl returns a bare number")]
        // SAFETY: the number was returned by F_DUPFD_CLOEXEC just now and is owned by nobody else.
        copies.push(unsafe { OwnedFd::from_raw_fd(copy) });
    }
    Ok(copies)
}

fn open_pidfd(pid: Pid) -> io::Result<OwnedFd> {
    #[expect(unsafe_code, reason = "neither std nor nix offers pidfd_open")]
    // SAFETY: the call takes two integers and returns a new descriptor or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = RawFd::try_from(Errno::result(fd)?).map_err(|_| Errno::EBADF)?;
    #[expect(unsafe_code, reason = "a system call returns a bare number")]
    // SAFETY: the descriptor was returned by the kernel just now and is owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn limits(limits: ProcessLimits) -> Vec<(Resource, u64)> {
    let pairs = [
        (Resource::RLIMIT_AS, limits.address_space_bytes),
        (Resource::RLIMIT_CPU, limits.cpu_seconds),
        (Resource::RLIMIT_FSIZE, limits.file_size_bytes),
        (Resource::RLIMIT_NOFILE, limits.open_files),
        (Resource::RLIMIT_NPROC, limits.processes),
    ];
    pairs.into_iter().filter_map(|(resource, value)| Some((resource, value?))).collect()
}

/// User and groups to become, looked up before the fork.
struct Identity {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

impl Identity {
    fn find(name: &str) -> Result<Self> {
        let unknown = || Error::UnknownUser { user: name.to_owned() };
        let user = User::from_name(name).ok().flatten().ok_or_else(unknown)?;
        let c_name = std::ffi::CString::new(name).map_err(|_| unknown())?;
        let groups = getgrouplist(&c_name, user.gid).map_err(io::Error::from);
        let groups = groups.map_err(Error::system("look up the groups of a user"))?;
        Ok(Self { uid: user.uid, gid: user.gid, groups })
    }
}

/// What the child does to itself before it becomes the program.
struct Setup {
    host: Pid,
    identity: Option<Identity>,
    inherit: Vec<RawFd>,
    limits: Vec<(Resource, u64)>,
    umask: Option<Mode>,
    no_new_privs: bool,
}

impl Setup {
    /// Runs in the child, after the fork. No allocation, no locks.
    fn apply(&self) -> io::Result<()> {
        setsid()?;
        close_inherited()?;
        for fd in &self.inherit {
            #[expect(unsafe_code, reason = "the descriptor is known by its number only")]
            // SAFETY: the parent holds it open until the child has called exec.
            let fd = unsafe { BorrowedFd::borrow_raw(*fd) };
            fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty()))?;
        }
        for (resource, value) in &self.limits {
            // A soft limit above the hard one is refused: take what is allowed.
            let (_, hard) = getrlimit(*resource)?;
            let value = (*value).min(hard);
            setrlimit(*resource, value, value)?;
        }
        if let Some(mask) = self.umask {
            umask(mask);
        }
        if let Some(identity) = &self.identity {
            setgroups(&identity.groups)?;
            setgid(identity.gid)?;
            setuid(identity.uid)?;
        }
        if self.no_new_privs {
            prctl::set_no_new_privs()?;
        }
        // After the change of user, which clears it.
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        if getppid() == self.host {
            Ok(())
        } else {
            // The host died between fork and prctl: nobody is left to be told.
            Err(Errno::ESRCH.into())
        }
    }
}

/// Marks every descriptor above the standard streams close-on-exec, also those that a library or
/// the parent of the host forgot to mark.
fn close_inherited() -> io::Result<()> {
    #[expect(unsafe_code, reason = "neither std nor nix offers close_range")]
    // SAFETY: marks descriptors, closes none; takes integers only.
    let done = unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    };
    match Errno::result(done) {
        Ok(_) => Ok(()),
        // Kernels before 5.11.
        Err(Errno::ENOSYS | Errno::EINVAL) => mark_each(),
        Err(errno) => Err(errno.into()),
    }
}

fn mark_each() -> io::Result<()> {
    let (open_files, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    for fd in 3..i32::try_from(open_files.min(1 << 16)).unwrap_or(1 << 16) {
        #[expect(unsafe_code, reason = "most of these numbers are no open descriptors")]
        // SAFETY: F_SETFD on a number that is not open fails with EBADF and does nothing.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        match fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)) {
            Ok(_) | Err(Errno::EBADF) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

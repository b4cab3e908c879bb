//! One process of ours: its start, its log, its end.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{executable, wait_for};

/// What to start and how.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables beside those of the test.
    pub env: Vec<(OsString, OsString)>,
    /// A program and its arguments that start the executable, as `prlimit` does.
    pub through: Vec<OsString>,
}

impl Program {
    /// An executable of the workspace by name.
    ///
    /// # Errors
    /// When it was not built.
    pub fn ours(name: &str) -> Result<Self> {
        let path = executable(name)?;
        Ok(Self { path, args: Vec::new(), env: Vec::new(), through: Vec::new() })
    }

    /// With these arguments too.
    #[must_use]
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// With this variable too.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Started by another program.
    #[must_use]
    pub fn through<T: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.through.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    #[expect(clippy::disallowed_methods, reason = "the test starts what it tests")]
    fn command(&self) -> Command {
        let mut words = self.through.iter().map(OsString::as_os_str).chain([self.path.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(&self.args);
        // A configuration of this machine is not the test's.
        command.env_remove("ST2_CONFIG_PATH").env_remove("RUST_LOG");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }
}

/// How a process ended, and what it had to say.
#[derive(Debug)]
pub struct End {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error: the log.
    pub stderr: String,
}

/// A running process. It is killed with the value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts a program. Its outputs go to files in `logs` whose names begin with `label`.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn start(program: &Program, logs: &Path, label: &str) -> Result<Self> {
        let stdout = logs.join(format!("{label}.out"));
        let stderr = logs.join(format!("{label}.err"));
        let mut command = program.command();
        command.stdout(File::create(&stdout)?).stderr(File::create(&stderr)?);
        let child = command.spawn().with_context(|| format!("{}", program.path.display()))?;
        let name = program.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { child, name, stdout, stderr })
    }

    /// Its id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.stderr)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the kernel does not know the process.
    pub fn ended(&mut self) -> Result<Option<End>> {
        Ok(self.child.try_wait()?.map(|status| End {
            code: status.code(),
            signal: status.signal(),
            stdout: self.stdout(),
            stderr: self.log(),
        }))
    }

    /// Waits until it ends.
    ///
    /// # Errors
    /// When it does not; the error shows the log.
    pub fn wait(&mut self, patience: Duration) -> Result<End> {
        let what = format!("the end of {}", self.name);
        let end = wait_for(&what, patience, || self.ended());
        end.with_context(|| format!("{} logged:\n{}", self.name, self.log()))
    }

    /// Waits until its standard output holds a line that begins with `start`.
    ///
    /// # Errors
    /// When it ends or `patience` is over before; the error shows the log.
    pub fn line(&mut self, start: &str, patience: Duration) -> Result<String> {
        let what = format!("a line \"{start}…\" of {}", self.name);
        let line = wait_for(&what, patience, || {
            let end = self.ended()?;
            let text = self.stdout();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let found = whole.lines().find(|line| line.starts_with(start)).map(str::to_owned);
            match (found, end) {
                (None, Some(end)) => {
                    bail!("it ended: code {:?}, signal {:?}", end.code, end.signal)
                }
                (found, _) => Ok(found),
            }
        });
        line.with_context(|| format!("{} logged:\n{}", self.name, self.log()))
    }

    /// Waits until the log holds `text`, and gives the line.
    ///
    /// # Errors
    /// When that takes too long; the error shows the log.
    pub fn logged(&self, text: &str, patience: Duration) -> Result<String> {
        let what = format!("\"{text}\" in the log of {}", self.name);
        let line = wait_for(&what, patience, || {
            let log = self.log();
            Ok(log.lines().find(|line| line.contains(text)).map(str::to_owned))
        });
        line.with_context(|| format!("{} logged:\n{}", self.name, self.log()))
    }

    /// Sends a signal by name, as `TERM`.
    ///
    /// # Errors
    /// When it can not be sent.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(self.pid(), name)
    }

    /// Ends it without asking, and waits until it is gone.
    ///
    /// # Errors
    /// When the kernel does not know the process.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error says that it has ended already.
        drop(self.kill());
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Sends a signal by name to any process.
///
/// # Errors
/// When it can not be sent.
pub fn signal(pid: u32, name: &str) -> Result<()> {
    run("kill", [format!("-{name}"), pid.to_string()]).map(drop)
}

/// Runs a program of the system to its end and gives its standard output.
///
/// # Errors
/// When it can not be run or fails.
#[expect(clippy::disallowed_methods, reason = "the test prepares the machine")]
pub fn run<T: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = T>) -> Result<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let output = output.with_context(|| program.to_owned())?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program}: {}: {errors}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

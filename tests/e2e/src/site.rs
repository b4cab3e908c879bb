//! A place of its own for one test, and the node that runs there.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use st2_support::{End, Process, Program, Ready, wait_for as until};
use tempfile::TempDir;

use crate::client::Client;
use crate::pack::PackWriter;
use crate::procfs::Census;
use crate::records::Records;

/// How long a node may take to be ready or to stop, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Stands in the environment of every process of a site.
const MARK: &str = "ST2_E2E_SITE";

/// A temporary folder with a data directory and logs, and the processes started for it.
#[derive(Debug)]
pub struct Site {
    folder: TempDir,
    started: Cell<u32>,
    hosts: RefCell<BTreeSet<u32>>,
}

impl Site {
    /// A new one.
    ///
    /// # Errors
    /// When the folder can not be made.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("st2-e2e-").tempdir()?;
        fs::create_dir(folder.path().join("logs"))?;
        Ok(Self { folder, started: Cell::new(0), hosts: RefCell::default() })
    }

    /// A path in the folder, outside the data directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data directory. A node makes it.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The pack `name` of the data directory.
    ///
    /// # Errors
    /// When its folder can not be made.
    pub fn pack(&self, name: &str) -> Result<PackWriter> {
        PackWriter::new(&self.data().join("packs"), name)
    }

    /// An executable of ours with this site's data directory.
    ///
    /// # Errors
    /// When it was not built.
    pub fn program(&self, name: &str) -> Result<Program> {
        Ok(Program::ours(name)?.args(["--data-dir".as_ref(), self.data().as_os_str()]))
    }

    /// `st2d` on free ports.
    ///
    /// # Errors
    /// When it was not built.
    pub fn st2d(&self) -> Result<Program> {
        Ok(self.program("st2d")?.args(["--api-port=0", "--auth-port=0"]))
    }

    /// Starts a program as a process of this site.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn start(&self, program: &Program) -> Result<Process> {
        let number = self.started.get();
        self.started.set(number + 1);
        let program = program.clone().env(MARK, self.folder.path());
        let process = Process::start(&program, &self.path("logs"), &number.to_string())?;
        self.hosts.borrow_mut().insert(process.pid());
        Ok(process)
    }

    /// Runs a program of this site to its end.
    ///
    /// # Errors
    /// When it can not be started or does not end.
    pub fn run(&self, program: &Program) -> Result<End> {
        self.start(program)?.wait(PATIENCE)
    }

    /// Starts `st2d` and waits until it is ready.
    ///
    /// # Errors
    /// When that fails; the error shows the log.
    pub fn node(&self) -> Result<Node> {
        self.node_of(&self.st2d()?)
    }

    /// Starts this `st2d` and waits until it is ready.
    ///
    /// # Errors
    /// When that fails; the error shows the log.
    pub fn node_of(&self, program: &Program) -> Result<Node> {
        let mut process = self.start(program)?;
        let ready = Ready::of(&mut process)?;
        Ok(Node { process, ready })
    }

    /// The processes of this site.
    #[must_use]
    pub fn census(&self) -> Census {
        let mark = format!("{MARK}={}", self.folder.path().display());
        Census::take(&mark, &self.hosts.borrow())
    }

    /// Waits until no process of this site is left: the kernel may still be busy with what was
    /// killed.
    ///
    /// # Errors
    /// When some stay.
    pub fn nothing_left(&self) -> Result<()> {
        let gone = until("the end of all processes", Duration::from_secs(5), || {
            Ok(self.census().is_empty().then_some(()))
        });
        gone.with_context(|| format!("left: {:?}", self.census()))
    }

    /// What the store of this site holds. No node may run.
    ///
    /// # Errors
    /// When it can not be opened.
    pub fn records(&self) -> Result<Records> {
        Records::open(&self.data().join("store.db"))
    }
}

/// A running `st2d` that is ready.
#[derive(Debug)]
pub struct Node {
    process: Process,
    /// What it said then.
    pub ready: Ready,
}

impl Node {
    /// A client of the API that is logged in as the first user.
    ///
    /// # Errors
    /// When it can not log in.
    pub fn client(&self) -> Result<Client> {
        Client::new(&self.ready.api, Some(self.ready.token()?))
    }

    /// A client of the API that is nobody.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn stranger(&self) -> Result<Client> {
        Client::new(&self.ready.api, None)
    }

    /// Asks it to stop with SIGTERM, and expects that it does so without an error.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop(self) -> Result<End> {
        self.stop_by("TERM")
    }

    /// Asks it to stop with this signal, and expects that it does so without an error.
    ///
    /// # Errors
    /// When it does not.
    pub fn stop_by(mut self, signal: &str) -> Result<End> {
        self.process.signal(signal)?;
        let end = self.process.wait(PATIENCE)?;
        ensure!(
            end.code == Some(0),
            "code {:?}, signal {:?}: {}",
            end.code,
            end.signal,
            end.stderr
        );
        Ok(end)
    }
}

impl Deref for Node {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Node {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

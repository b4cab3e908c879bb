//! Subprocess plugins: guests that speak the plugin protocol on a descriptor they inherit.
//!
//! Native plugins of built-in packs are functions linked into our executables. To the host they are
//! subprocess plugins like any other: [`NativeLoader`] starts the host's own executable again with
//! the hidden subcommand [`NativePlugins::SUBCOMMAND`], and [`NativePlugins::run_if_asked`], first
//! thing in `main`, turns that second process into the plugin.

mod caller;
mod channel;
mod engine;
mod instance;
mod logs;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use st2_model::ResourceRef;
use st2_plugin::{
    Artifact, Binding, BoundPlugin, Error, Plugin, PluginInstance, PluginLoader, Result,
    StartContext,
};

/// Entry point of a native plugin: finds its channel in the environment and serves it to the end.
pub type PluginMain = fn() -> ExitCode;

/// The native plugins of an executable: reference of the sensor and entry point.
#[derive(Debug, Clone, Default)]
pub struct NativePlugins(BTreeMap<&'static str, PluginMain>);

impl NativePlugins {
    /// First argument of an executable that shall be a plugin; the sensor's reference follows.
    pub const SUBCOMMAND: &'static str = "__plugin";

    /// No plugins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, sensor: &'static str, main: PluginMain) -> Self {
        self.0.insert(sensor, main);
        self
    }

    /// References of the sensors.
    pub fn sensors(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// To be called first in `main` with the process's arguments: when this process was started to
    /// be a plugin it becomes one, and the exit code is to be returned. `None`: go on as usual.
    pub fn run_if_asked(&self, args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
        let mut args = args.into_iter().skip(1);
        if args.next()? != Self::SUBCOMMAND {
            return None;
        }
        let sensor = args.next().unwrap_or_default();
        let Some(main) = sensor.to_str().and_then(|sensor| self.0.get(sensor)) else {
            let text = format!("no native plugin {} here\n", sensor.display());
            drop(std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()));
            return Some(ExitCode::from(64));
        };
        Some(main())
    }
}

/// Loads the native plugins of this executable.
pub struct NativeLoader {
    plugins: NativePlugins,
    executable: PathBuf,
}

impl NativeLoader {
    /// A loader that starts the running executable, also when its file was replaced meanwhile.
    #[must_use]
    pub fn new(plugins: NativePlugins) -> Self {
        Self { plugins, executable: PathBuf::from("/proc/self/exe") }
    }

    /// A loader that starts another executable with the same plugins.
    #[must_use]
    pub fn with_executable(mut self, executable: PathBuf) -> Self {
        self.executable = executable;
        self
    }
}

#[async_trait]
impl PluginLoader for NativeLoader {
    fn kind(&self) -> &'static str {
        "native"
    }

    fn claims(&self, artifact: &Artifact) -> bool {
        self.plugins.0.contains_key(artifact.sensor.to_string().as_str())
    }

    async fn load(&self, artifact: &Artifact) -> Result<Arc<dyn Plugin>> {
        let sensor = artifact.sensor.clone();
        if !self.claims(artifact) {
            let reason = "this executable has no native plugin of that name".to_owned();
            return Err(Error::NotLoadable { sensor, reason });
        }
        let argv = [OsStr::new("st2-plugin"), OsStr::new(NativePlugins::SUBCOMMAND)];
        let mut argv: Vec<OsString> = argv.map(OsString::from).to_vec();
        argv.push(sensor.to_string().into());
        let (executable, cwd) = (Some(self.executable.clone()), artifact.pack_folder.clone());
        let cwd = Some(cwd).filter(|cwd| cwd.is_dir());
        Ok(Arc::new(SubprocessPlugin(Program { sensor, executable, argv, cwd, may_gain: false })))
    }
}

/// How to start the process of a guest.
#[derive(Debug, Clone)]
pub struct Program {
    /// The sensor it is to be.
    pub sensor: ResourceRef,
    /// File to run when it is not the first element of `argv`.
    pub executable: Option<PathBuf>,
    /// Command line.
    pub argv: Vec<OsString>,
    /// Working directory.
    pub cwd: Option<PathBuf>,
    /// Whether set-user-id programs such as `sudo` work below it.
    pub may_gain: bool,
}

/// Any program that speaks the protocol, as a loaded plugin. Loaders of other languages wrap it.
pub struct SubprocessPlugin(pub Program);

impl Plugin for SubprocessPlugin {
    fn bind(&self, binding: Binding) -> Result<Arc<dyn BoundPlugin>> {
        Ok(Arc::new(BoundSubprocess { program: self.0.clone(), binding }))
    }
}

struct BoundSubprocess {
    program: Program,
    binding: Binding,
}

#[async_trait]
impl BoundPlugin for BoundSubprocess {
    async fn start(&self, context: StartContext) -> Result<Box<dyn PluginInstance>> {
        Ok(Box::new(instance::start(&self.program, &self.binding, context).await?))
    }
}

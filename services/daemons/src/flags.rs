//! The command lines of the executables. Names of flags are StackStorm's where it has them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, ValueEnum};
use st2_config::Raw;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the demo does after its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Demo {
    /// Goes on, so that you can append lines yourself.
    Stay,
    /// Stops.
    Once,
}

/// Flags of every executable.
#[derive(Debug, Clone, Args)]
pub struct CommonFlags {
    /// A configuration file (st2.conf); repeatable, later ones win.
    ///
    /// Without it: the file named by ST2_CONFIG_PATH, else /etc/st2/st2.conf when there is one,
    /// else the defaults. Any option can be set in the environment as ST2_<SECTION>__<OPTION>.
    #[arg(long = "config-file", value_name = "PATH")]
    pub config_files: Vec<PathBuf>,
    /// Directory of the embedded store and everything else that is kept.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Log more.
    #[arg(long)]
    pub debug: bool,
    /// How log lines look.
    #[arg(long, value_enum, default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// All of Stormhost in one process: API, rules, scheduler, workers, sensors.
///
/// Needs nothing else: state is kept in the data directory. The first start makes the user
/// st2admin and says where its password is.
#[derive(Debug, Clone, Parser)]
#[command(name = "st2d", version, max_term_width = 100)]
pub struct St2dFlags {
    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "documented at the type; clap would take it for the help text"
    )]
    pub common: CommonFlags,
    /// Port of the API; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    pub api_port: Option<u16>,
    /// Port of the authentication service; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    pub auth_port: Option<u16>,
    /// Leave sensors to a separate st2sensorcontainer.
    #[arg(long)]
    pub without_sensors: bool,
    /// Show the main job: a watched file, a rule, an action, a result.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "stay", value_name = "THEN")]
    pub demo: Option<Demo>,
    /// Print a completion script for this shell and exit.
    #[arg(long, value_name = "SHELL")]
    pub shell_completion: Option<clap_complete::Shell>,
}

/// Runs sensors.
///
/// With --single-sensor-mode it runs one sensor and exits when that ends, with its exit code: for
/// orchestrators that restart and scale processes themselves.
#[derive(Debug, Clone, Parser)]
#[command(name = "st2sensorcontainer", version, max_term_width = 100)]
pub struct SensorFlags {
    #[command(flatten)]
    #[expect(
        missing_docs,
        reason = "documented at the type; clap would take it for the help text"
    )]
    pub common: CommonFlags,
    /// Run this sensor only, as linux.FileWatchSensor.
    #[arg(long, value_name = "PACK.NAME")]
    pub sensor_ref: Option<String>,
    /// Run one sensor, exit with it; needs --sensor-ref.
    #[arg(long)]
    pub single_sensor_mode: bool,
    /// Print a completion script for this shell and exit.
    #[arg(long, value_name = "SHELL")]
    pub shell_completion: Option<clap_complete::Shell>,
}

impl CommonFlags {
    /// Adds what the flags say to a configuration.
    pub(crate) fn add_to(&self, raw: &mut Raw) {
        if self.debug {
            raw.add_flag("DEFAULT", "debug", "true".to_owned(), "--debug");
        }
        if let Some(dir) = &self.data_dir {
            raw.add_flag("stormhost", "data_dir", dir.display().to_string(), "--data-dir");
        }
    }
}

impl St2dFlags {
    /// Adds what the flags say to a configuration.
    pub fn add_to(&self, raw: &mut Raw) {
        self.common.add_to(raw);
        if let Some(port) = self.api_port {
            raw.add_flag("api", "port", port.to_string(), "--api-port");
        }
        if let Some(port) = self.auth_port {
            raw.add_flag("auth", "port", port.to_string(), "--auth-port");
        }
    }
}

impl SensorFlags {
    /// Adds what the flags say to a configuration.
    pub fn add_to(&self, raw: &mut Raw) {
        self.common.add_to(raw);
        if let Some(sensor) = &self.sensor_ref {
            raw.add_flag("DEFAULT", "sensor_ref", sensor.clone(), "--sensor-ref");
        }
        if self.single_sensor_mode {
            raw.add_flag(
                "DEFAULT",
                "single_sensor_mode",
                "true".to_owned(),
                "--single-sensor-mode",
            );
        }
    }
}

/// Prints a completion script for `command` to standard output.
#[must_use]
pub fn print_completion(mut command: clap::Command, shell: clap_complete::Shell) -> ExitCode {
    let name = command.get_name().to_owned();
    clap_complete::generate(shell, &mut command, name, &mut std::io::stdout());
    ExitCode::SUCCESS
}

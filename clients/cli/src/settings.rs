//! Effective settings: command line, then configuration file, then environment, then defaults.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use st2_client::{Endpoints, Target, Trust};

use crate::args::Global;
use crate::ini::{self, Sections};
use crate::system::System;

const DEFAULT_BASE: &str = "http://127.0.0.1";
const DEFAULT_VERSION: &str = "v1";
/// Every key the file may hold, with its default, in the order of `--print-config`.
const KEYS: [(&str, &str, &str); 15] = [
    ("general", "base_url", ""),
    ("general", "api_version", ""),
    ("general", "cacert", ""),
    ("general", "silence_ssl_warnings", "False"),
    ("general", "silence_schema_output", "True"),
    ("cli", "debug", "False"),
    ("cli", "cache_token", "True"),
    ("cli", "timezone", "UTC"),
    ("credentials", "username", ""),
    ("credentials", "password", ""),
    ("credentials", "api_key", ""),
    ("credentials", "basic_auth", ""),
    ("api", "url", ""),
    ("auth", "url", ""),
    ("stream", "url", ""),
];

/// A setting or stored file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error("Config \"{}\" not found", path.display())]
    NoConfig { path: PathBuf },
    #[error("File \"{}\" cannot be {action}", path.display())]
    File {
        path: PathBuf,
        action: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("Config \"{}\": {reason}", path.display())]
    Syntax { path: PathBuf, reason: String },
    #[error("{place}: {key} is \"{value}\", but must be {expected}")]
    Value { place: String, key: String, value: String, expected: &'static str },
    #[error("Token cache \"{}\" is damaged; delete the file and log in again", path.display())]
    Cache { path: PathBuf },
    #[error("There is no home directory to keep the login in: set HOME")]
    NoHome,
}

/// Name, password or key of the configured user.
#[derive(Clone, Default)]
pub(crate) struct Stored {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) api_key: Option<String>,
}

/// What holds for one run of the command.
pub(crate) struct Settings {
    pub(crate) target: Target,
    pub(crate) stored: Stored,
    pub(crate) cache_token: bool,
    pub(crate) silence_schema_output: bool,
    pub(crate) debug: bool,
    pub(crate) zone: TimeZone,
    /// The configuration file, whether it is there or not.
    pub(crate) file: Option<PathBuf>,
    sections: Sections,
}

impl Settings {
    pub(crate) fn read(global: &Global, system: &System<'_>) -> Result<Self, SettingsError> {
        let (file, sections) = read_file(global, system)?;
        let place = file.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
        let text = |section: &str, key: &str| {
            sections
                .get(section)
                .and_then(|keys| keys.get(key))
                .filter(|value| !value.is_empty())
                .cloned()
        };
        let flag = |section: &str, key: &str, default: bool| match text(section, key) {
            None => Ok(default),
            Some(value) => parse_flag(&value).ok_or_else(|| SettingsError::Value {
                place: place.clone(),
                key: format!("[{section}] {key}"),
                value,
                expected: "true or false",
            }),
        };
        let zone_name = text("cli", "timezone").unwrap_or_else(|| "UTC".to_owned());
        let zone = zone(&zone_name).ok_or_else(|| SettingsError::Value {
            place: place.clone(),
            key: "[cli] timezone".to_owned(),
            value: zone_name,
            expected: "the name of a time zone",
        })?;
        let pick = |given: &Option<String>, filed: Option<String>, variable: &str| {
            given.clone().or(filed).or_else(|| system.variable(variable))
        };
        let base = pick(&global.url, text("general", "base_url"), "ST2_BASE_URL");
        let version = pick(&global.api_version, text("general", "api_version"), "ST2_API_VERSION");
        let derived = Endpoints::from_base(
            base.as_deref().unwrap_or(DEFAULT_BASE),
            version.as_deref().unwrap_or(DEFAULT_VERSION),
        );
        let endpoints = Endpoints {
            api: pick(&global.api_url, text("api", "url"), "ST2_API_URL").unwrap_or(derived.api),
            auth: pick(&global.auth_url, text("auth", "url"), "ST2_AUTH_URL")
                .unwrap_or(derived.auth),
            stream: pick(&global.stream_url, text("stream", "url"), "ST2_STREAM_URL")
                .unwrap_or(derived.stream),
        };
        let bundle = pick(&global.cacert, text("general", "cacert"), "ST2_CACERT");
        let basic = match global.basic_auth.clone().or_else(|| text("credentials", "basic_auth")) {
            None => None,
            Some(pair) => Some(split_pair(&pair)?),
        };
        Ok(Self {
            target: Target { endpoints, trust: trust(bundle.as_deref()), basic },
            stored: Stored {
                username: text("credentials", "username"),
                password: text("credentials", "password"),
                api_key: text("credentials", "api_key"),
            },
            cache_token: flag("cli", "cache_token", true)?,
            silence_schema_output: flag("general", "silence_schema_output", true)?,
            debug: global.debug || flag("cli", "debug", false)?,
            zone,
            file,
            sections,
        })
    }

    /// `[section]` and `key = value` lines of everything, passwords in clear.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        let mut current = "";
        for (section, key, default) in &KEYS {
            if *section != current {
                text.push_str(&format!("[{section}]\n"));
                current = section;
            }
            let endpoints = &self.target.endpoints;
            let effective = match (*section, *key) {
                ("api", "url") => Some(&endpoints.api),
                ("auth", "url") => Some(&endpoints.auth),
                ("stream", "url") => Some(&endpoints.stream),
                _ => self.sections.get(*section).and_then(|keys| keys.get(*key)),
            };
            let value = effective.map_or(*default, String::as_str);
            text.push_str(&format!("{key} = {}\n", if value.is_empty() { "None" } else { value }));
        }
        text
    }
}

fn read_file(
    global: &Global,
    system: &System<'_>,
) -> Result<(Option<PathBuf>, Sections), SettingsError> {
    let default = system.home().map(|home| home.join("config"));
    let chosen = global
        .config_file
        .clone()
        .or_else(|| system.variable("ST2_CONFIG_FILE").map(PathBuf::from));
    let chosen = chosen.map(|path| system.directory.join(path));
    let skip = global.skip_config
        || system.variable("ST2_CLI_SKIP_CONFIG").is_some_and(|value| value != "0");
    let Some(path) = chosen.clone().or(default) else {
        return Ok((None, Sections::new()));
    };
    if skip {
        return Ok((Some(path), Sections::new()));
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => match ini::parse(&text) {
            Ok(sections) => Ok((Some(path), sections)),
            Err(reason) => Err(SettingsError::Syntax { path, reason }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => match chosen {
            Some(path) => Err(SettingsError::NoConfig { path }),
            None => Ok((Some(path), Sections::new())),
        },
        Err(source) => Err(SettingsError::File { path, action: "read", source }),
    }
}

fn parse_flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

fn zone(name: &str) -> Option<TimeZone> {
    match name {
        "UTC" | "Etc/UTC" => Some(TimeZone::UTC),
        name => TimeZone::get(name).ok(),
    }
}

fn trust(bundle: Option<&str>) -> Trust {
    match bundle {
        None => Trust::System,
        Some(word) if word.eq_ignore_ascii_case("true") => Trust::System,
        Some(word) if word.eq_ignore_ascii_case("false") => Trust::Anything,
        Some(path) => Trust::Bundle(Path::new(path).to_owned()),
    }
}

fn split_pair(pair: &str) -> Result<(String, String), SettingsError> {
    let (user, password) = pair.split_once(':').ok_or_else(|| SettingsError::Value {
        place: "--basic-auth".to_owned(),
        key: "the value".to_owned(),
        value: "********".to_owned(),
        expected: "user:password",
    })?;
    Ok((user.to_owned(), password.to_owned()))
}

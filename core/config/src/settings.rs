//! The configuration that the product runs with.

use std::time::Duration;

use crate::{ConfigError, Kind, OPTIONS, OptionSpec, Origin, Raw};

/// Where state lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A SQLite file, and bus and coordination in the process.
    Embedded,
    /// The servers of `[database]`, `[messaging]` and `[coordination]`.
    External,
}

/// Typed, checked settings. Fields carry the names of their options.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each field is documented as the option of its name in options.rs")]
pub struct Settings {
    pub debug: bool,
    pub sensor_ref: Option<String>,
    pub single_sensor_mode: bool,
    pub backend: Backend,
    pub data_dir: Option<String>,
    pub workflows_pool_size: usize,
    pub actions_pool_size: usize,
    pub stream_output: bool,
    /// Longest wait for running executions on stop; zero when `graceful_shutdown` is off.
    pub shutdown_grace: Duration,
    pub api_host: String,
    pub api_port: u16,
    pub allow_origin: Vec<String>,
    /// Off when either `[api]` or `[log]` says so.
    pub mask_secrets: bool,
    pub max_page_size: usize,
    pub auth_enable: bool,
    pub auth_host: String,
    pub auth_port: u16,
    pub auth_mode_proxy: bool,
    pub auth_backend: String,
    pub auth_backend_kwargs: Option<String>,
    pub auth_proxy_secret: Option<String>,
    pub token_ttl: Duration,
    pub service_token_ttl: Duration,
    pub api_url: Option<String>,
    pub system_packs_base_path: Option<String>,
    pub packs_base_paths: Vec<String>,
    pub encryption_key_path: Option<String>,
    pub enable_encryption: bool,
    pub sensor_node_name: String,
    pub partition_provider: String,
    pub base_path: String,
    /// Whether somebody set `base_path`.
    pub base_path_given: bool,
    pub system_user: String,
    /// Whether somebody set `user`.
    pub system_user_given: bool,
    pub validate_trigger_parameters: bool,
    pub validate_trigger_payload: bool,
    pub validate_output_schema: bool,
    pub webui_base_url: String,
}

impl Settings {
    /// Reads every option once.
    ///
    /// # Errors
    /// The first value that does not have the form of its option.
    pub fn from_raw(raw: &Raw) -> Result<Self, ConfigError> {
        for spec in OPTIONS {
            check(spec, &Reader(raw).lookup(spec.section, spec.name))?;
        }
        let read = Reader(raw);
        let flag = |section, name| read.flag(section, name);
        Ok(Self {
            debug: flag("DEFAULT", "debug"),
            sensor_ref: read.optional("DEFAULT", "sensor_ref"),
            single_sensor_mode: flag("DEFAULT", "single_sensor_mode")
                || flag("sensorcontainer", "single_sensor_mode"),
            backend: match read.text("stormhost", "backend").as_str() {
                "external" => Backend::External,
                _ => Backend::Embedded,
            },
            data_dir: read.optional("stormhost", "data_dir"),
            workflows_pool_size: read.number("actionrunner", "workflows_pool_size")?,
            actions_pool_size: read.number("actionrunner", "actions_pool_size")?,
            stream_output: flag("actionrunner", "stream_output"),
            shutdown_grace: if flag("actionrunner", "graceful_shutdown") {
                Duration::from_secs(read.number("actionrunner", "exit_still_active_check")?)
            } else {
                Duration::ZERO
            },
            api_host: read.text("api", "host"),
            api_port: read.number("api", "port")?,
            allow_origin: read.list("api", "allow_origin"),
            mask_secrets: flag("api", "mask_secrets") && flag("log", "mask_secrets"),
            max_page_size: read.number("api", "max_page_size")?,
            auth_enable: flag("auth", "enable"),
            auth_host: read.text("auth", "host"),
            auth_port: read.number("auth", "port")?,
            auth_mode_proxy: read.text("auth", "mode") == "proxy",
            auth_backend: read.text("auth", "backend"),
            auth_backend_kwargs: read.optional("auth", "backend_kwargs"),
            auth_proxy_secret: read.optional("auth", "proxy_secret"),
            token_ttl: Duration::from_secs(read.number("auth", "token_ttl")?),
            service_token_ttl: Duration::from_secs(read.number("auth", "service_token_ttl")?),
            api_url: read.optional("auth", "api_url"),
            system_packs_base_path: read.optional("content", "system_packs_base_path"),
            packs_base_paths: read
                .text("content", "packs_base_paths")
                .split(':')
                .filter(|path| !path.is_empty())
                .map(str::to_owned)
                .collect(),
            encryption_key_path: read.optional("keyvalue", "encryption_key_path"),
            enable_encryption: flag("keyvalue", "enable_encryption"),
            sensor_node_name: read.text("sensorcontainer", "sensor_node_name"),
            partition_provider: read.text("sensorcontainer", "partition_provider"),
            base_path: read.text("system", "base_path"),
            base_path_given: raw.get("system", "base_path").is_some(),
            system_user: read.text("system_user", "user"),
            system_user_given: raw.get("system_user", "user").is_some(),
            validate_trigger_parameters: flag("system", "validate_trigger_parameters"),
            validate_trigger_payload: flag("system", "validate_trigger_payload"),
            validate_output_schema: flag("system", "validate_output_schema"),
            webui_base_url: read.text("webui", "webui_base_url"),
        })
    }
}

/// Reads values that [`check`] has seen.
struct Reader<'a>(&'a Raw);

impl Reader<'_> {
    fn lookup(&self, section: &str, name: &str) -> (String, Origin) {
        if let Some((text, origin)) = self.0.get(section, name) {
            return (text.to_owned(), origin.clone());
        }
        let spec = OPTIONS.iter().find(|spec| spec.section == section && spec.name == name);
        (spec.map_or("", |spec| spec.default).to_owned(), Origin::Default)
    }

    fn text(&self, section: &str, name: &str) -> String {
        self.lookup(section, name).0
    }

    fn optional(&self, section: &str, name: &str) -> Option<String> {
        Some(self.text(section, name)).filter(|text| !text.is_empty())
    }

    fn flag(&self, section: &str, name: &str) -> bool {
        parse_flag(&self.text(section, name)).unwrap_or(false)
    }

    fn list(&self, section: &str, name: &str) -> Vec<String> {
        let text = self.text(section, name);
        if text.is_empty() {
            return Vec::new();
        }
        text.split(',').map(|item| item.trim().to_owned()).collect()
    }

    fn number<N: std::str::FromStr>(&self, section: &str, name: &str) -> Result<N, ConfigError> {
        let (text, origin) = self.lookup(section, name);
        text.trim().parse().map_err(|_| ConfigError::Value {
            option: format!("{section}.{name}"),
            origin,
            reason: format!("\"{text}\" is out of range"),
        })
    }
}

fn parse_flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn check(spec: &OptionSpec, (text, origin): &(String, Origin)) -> Result<(), ConfigError> {
    let reason = match spec.kind {
        Kind::Integer if text.trim().parse::<i64>().is_err() => {
            format!("\"{text}\" is not a whole number")
        }
        Kind::Boolean if parse_flag(text).is_none() => {
            format!("\"{text}\" is neither true nor false")
        }
        Kind::Choice(choices) if !choices.contains(&text.as_str()) => {
            format!("\"{text}\" is not one of {}", choices.join(", "))
        }
        _ => return Ok(()),
    };
    let option = format!("{}.{}", spec.section, spec.name);
    Err(ConfigError::Value { option, origin: origin.clone(), reason })
}

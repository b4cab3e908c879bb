//! From ports to services.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use st2_access::{Credentials, FlatFile};
use st2_auth::{Auth, Mode};
use st2_content::{ContentService, ContentSettings, Registrar};
use st2_execution::Executions;
use st2_http::{Edge, EdgeSettings, HttpServer, Mount, bind};
use st2_intake::{Datastore, Intake};
use st2_partitions::{PartitionProvider, SingleProvider};
use st2_plugin::PluginLoader;
use st2_ports::{Health, Service};
use st2_process::plugin::{NativeLoader, NativePlugins};
use st2_rulesengine::RulesEngine;
use st2_runner::{Runner, noop::Noop};
use st2_scheduler::{Scheduler, SchedulerConfig};
use st2_sensors::{SensorHost, SensorSettings};
use st2_shell::{LocalShell, ShellConfig};
use st2_worker::{Worker, WorkerConfig};

use crate::bootstrap::Installation;

/// Which services an executable runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection {
    /// API and authentication.
    pub http: bool,
    /// Rules engine, scheduler and worker.
    pub engines: bool,
    /// Sensors.
    pub sensors: bool,
}

/// The services of a process, and where it can be reached.
pub(crate) struct Assembled {
    /// Registers content, and is ready before the others start; absent where another process does.
    pub(crate) content: Option<Box<dyn Service>>,
    pub(crate) others: Vec<Box<dyn Service>>,
    pub(crate) api_url: Option<String>,
    pub(crate) auth_url: Option<String>,
    pub(crate) health: Health,
    /// What the demo works with.
    pub(crate) executions: Executions,
}

/// The plugins that are linked into the executables.
#[must_use]
pub fn native_plugins() -> NativePlugins {
    NativePlugins::new().with("linux.FileWatchSensor", st2_linux::file_watch_sensor)
}

/// Makes the services of `selection`.
pub(crate) async fn assemble(
    installation: &Installation,
    selection: Selection,
) -> anyhow::Result<Assembled> {
    let Installation { settings, ports, .. } = installation;
    let health = Health::default();
    let runners = runners(installation);
    let registrar = registrar(installation, &runners)?;
    let executions = Executions::new(
        ports.clone(),
        st2_execution::Settings {
            system_user: settings.system_user.clone(),
            crypto_key: installation.crypto_key.clone(),
        },
    );
    let intake = Intake::new(ports.clone(), settings.validate_trigger_payload);
    let datastore = Datastore::new(ports.clone(), intake.clone());
    let mut others: Vec<Box<dyn Service>> = Vec::new();
    let (mut api_url, mut auth_url) = (None, None);
    if selection.http {
        let servers = http(installation, &health, &executions, &intake, &registrar).await?;
        api_url = Some(servers.api_url);
        auth_url = Some(servers.auth_url);
        others.push(Box::new(servers.api));
        others.push(Box::new(servers.auth));
    }
    if selection.engines {
        let user = settings.system_user.clone();
        others.push(Box::new(RulesEngine::new(executions.clone(), user)));
        others.push(Box::new(Scheduler::new(executions.clone(), SchedulerConfig::default())));
        let config = worker_config(installation, api_url.as_deref());
        others.push(Box::new(Worker::new(executions.clone(), runners, config)));
    }
    if selection.sensors {
        others.push(Box::new(sensors(installation, intake, datastore, api_url.as_deref())?));
    }
    let content: Option<Box<dyn Service>> = match &installation.store {
        Some(_) => Some(Box::new(ContentService::new(Arc::clone(&registrar)))),
        None => None,
    };
    if let Some(socket) = &installation.socket
        && selection.engines
    {
        others.push(Box::new(socket_server(socket)?));
    }
    Ok(Assembled { content, others, api_url, auth_url, health, executions })
}

/// Offers the ports of this process to companions on the same machine.
fn socket_server(path: &std::path::Path) -> anyhow::Result<st2_socket::Server> {
    st2_socket::Server::bind(path, st2_ports::ALL_COLLECTIONS)
        .with_context(|| format!("the socket {} can not be made", path.display()))
}

fn runners(installation: &Installation) -> Vec<Arc<dyn Runner>> {
    let config = ShellConfig::new(&installation.settings.system_user, &installation.process_user);
    vec![Arc::new(Noop), Arc::new(LocalShell::new(config))]
}

fn registrar(
    installation: &Installation,
    runners: &[Arc<dyn Runner>],
) -> anyhow::Result<Arc<Registrar>> {
    let settings = ContentSettings {
        base_paths: installation.pack_paths.clone(),
        configs: installation.configs.clone(),
        overrides: installation.overrides.clone(),
        runner_metadata: runners.iter().map(|runner| runner.metadata().to_owned()).collect(),
        validate_trigger_parameters: installation.settings.validate_trigger_parameters,
        ..ContentSettings::default()
    };
    let registrar = Registrar::new(installation.ports.clone(), settings);
    Ok(Arc::new(registrar.context("content can not be registered")?))
}

fn worker_config(installation: &Installation, api_url: Option<&str>) -> WorkerConfig {
    let settings = &installation.settings;
    let mut config = WorkerConfig {
        workflows_pool_size: settings.workflows_pool_size,
        actions_pool_size: settings.actions_pool_size,
        stream_output: settings.stream_output,
        shutdown_grace: settings.shutdown_grace,
        packs_base_paths: installation.pack_paths.clone(),
        service_token_ttl: settings.service_token_ttl,
        ..WorkerConfig::default()
    };
    if let Some(url) = settings.api_url.as_deref().or(api_url) {
        config.api_url = format!("{}/v1", url.trim_end_matches('/'));
    }
    config
}

fn sensors(
    installation: &Installation,
    intake: Intake,
    datastore: Datastore,
    api_url: Option<&str>,
) -> anyhow::Result<SensorHost> {
    let settings = &installation.settings;
    let sensor = match &settings.sensor_ref {
        Some(text) => Some(text.parse().with_context(|| format!("--sensor-ref {text}"))?),
        None => None,
    };
    anyhow::ensure!(
        sensor.is_some() || !settings.single_sensor_mode,
        "--sensor-ref argument must be provided when running in single sensor mode"
    );
    let provider: Box<dyn PartitionProvider> = match sensor.clone() {
        Some(sensor) => Box::new(SingleProvider::of(sensor)),
        None => st2_partitions::provider(&settings.partition_provider)?,
    };
    let url = settings.api_url.as_deref().or(api_url);
    let environment = url
        .map(|url| ("ST2_API_URL".to_owned(), format!("{}/v1", url.trim_end_matches('/'))))
        .into_iter()
        .collect();
    let loaders: Vec<Arc<dyn PluginLoader>> = vec![Arc::new(NativeLoader::new(native_plugins()))];
    let settings = SensorSettings {
        node: settings.sensor_node_name.clone(),
        single: sensor.filter(|_| settings.single_sensor_mode),
        environment,
    };
    Ok(SensorHost::new(settings, provider, loaders, intake, datastore))
}

struct Servers {
    api: HttpServer,
    auth: HttpServer,
    api_url: String,
    auth_url: String,
}

async fn http(
    installation: &Installation,
    health: &Health,
    executions: &Executions,
    intake: &Intake,
    registrar: &Arc<Registrar>,
) -> anyhow::Result<Servers> {
    let Installation { settings, ports, users, .. } = installation;
    let credentials = Credentials::new(ports.clone(), settings.token_ttl);
    let api_listener = bind("api", &settings.api_host, settings.api_port).await?;
    let auth_listener = bind("auth", &settings.auth_host, settings.auth_port).await?;
    let api_url = format!("http://{}", api_listener.local_addr()?);
    let auth_url = format!("http://{}", auth_listener.local_addr()?);
    let mut allow_origin = settings.allow_origin.clone();
    for always in ["http://127.0.0.1:3000", "http://localhost:8080", "http://127.0.0.1:8080"] {
        if !allow_origin.iter().any(|origin| origin == always) {
            allow_origin.push(always.to_owned());
        }
    }
    let edge = |mounts| {
        let settings = EdgeSettings {
            auth_enable: settings.auth_enable,
            system_user: settings.system_user.clone(),
            allow_origin: allow_origin.clone(),
            cookie_secure: true,
        };
        Edge::new(ports.clone(), credentials.clone(), health.clone(), settings, mounts)
            .into_router()
    };
    let told = settings.api_url.clone().unwrap_or_else(|| api_url.clone());
    let auth_mount = || -> anyhow::Result<Mount> {
        let mode = auth_mode(installation, users.flat_file.clone())?;
        let auth = Auth { credentials: credentials.clone(), mode, api_url: told.clone() };
        let needs_credentials = st2_auth::needs_credentials;
        Ok(Mount { prefix: "/auth", router: auth.into_router(), needs_credentials })
    };
    let api = st2_api::Api::new(
        ports.clone(),
        executions.clone(),
        intake.clone(),
        credentials.clone(),
        Arc::clone(registrar),
        st2_api::Settings {
            mask_secrets: settings.mask_secrets,
            webui_base_url: settings.webui_base_url.clone(),
            validate_trigger_parameters: settings.validate_trigger_parameters,
            encryption_key_path: installation.key_path.clone(),
            ..st2_api::Settings::default()
        },
    );
    let api_mount = Mount {
        prefix: "/api",
        router: api.into_router(),
        needs_credentials: st2_api::needs_credentials,
    };
    // The API's port serves the authentication too, so that one address is enough for a client.
    let api = HttpServer::new("api", api_listener, edge(vec![auth_mount()?, api_mount]));
    let auth = HttpServer::new("auth", auth_listener, edge(vec![auth_mount()?]));
    Ok(Servers { api, auth, api_url, auth_url })
}

fn auth_mode(installation: &Installation, own: PathBuf) -> anyhow::Result<Mode> {
    let settings = &installation.settings;
    if settings.auth_mode_proxy {
        let secret = settings.auth_proxy_secret.clone().context(
            "[auth] mode = proxy needs proxy_secret: what the web server in front sends as \
             X-Proxy-Secret, so that nobody else can name users",
        )?;
        return Ok(Mode::Proxy { secret });
    }
    anyhow::ensure!(
        settings.auth_backend == "flat_file",
        "[auth] backend = {}: this version has flat_file only",
        settings.auth_backend
    );
    let Some(text) = &settings.auth_backend_kwargs else {
        return Ok(Mode::Standalone(FlatFile::at(own)));
    };
    let arguments: serde_json::Value =
        serde_json::from_str(text).context("[auth] backend_kwargs is not a JSON object")?;
    let path = arguments.get("file_path").and_then(serde_json::Value::as_str);
    let path = path.context("[auth] backend_kwargs: \"file_path\" is missing")?;
    Ok(Mode::Standalone(FlatFile::at(PathBuf::from(path))))
}

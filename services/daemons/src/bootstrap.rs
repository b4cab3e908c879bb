//! From configuration to ports.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use st2_access::FileKeyRing;
use st2_config::{Backend, Raw, Settings};
use st2_content::NotifyFileWatch;
use st2_expr::crypto::CryptoKey;
use st2_memory::{MemoryBus, MemoryCoordinator};
use st2_ports::{
    Bus, Clock, Coordinator, IdGen, KeyRing, Ports, Routines, Store, SystemClock, SystemIdGen,
};
use st2_sqlite::SqliteStore;

use crate::admin::{self, Users};
use crate::builtin;
use crate::data_dir::{self, DataDir, private_text};

/// Where the owner of a data directory is reached, below it.
const SOCKET: &str = "st2d.sock";
const DEFAULT_CONFIG: &str = "/etc/st2/st2.conf";

/// A process that is set up: what it runs with, and what must be closed at its end.
pub(crate) struct Installation {
    pub(crate) settings: Settings,
    pub(crate) ports: Ports,
    /// The data directory.
    pub(crate) root: PathBuf,
    /// Held for as long as the process owns the directory.
    _data: Option<DataDir>,
    /// The store, when this process owns it; otherwise it uses that of the owner.
    pub(crate) store: Option<Arc<SqliteStore>>,
    /// Where companions find the ports of this process.
    pub(crate) socket: Option<PathBuf>,
    pub(crate) users: Users,
    /// Directories of packs, the first one wins.
    pub(crate) pack_paths: Vec<PathBuf>,
    pub(crate) configs: PathBuf,
    pub(crate) overrides: PathBuf,
    /// The file of the datastore's key, and the key, for templates that decrypt.
    pub(crate) key_path: String,
    pub(crate) crypto_key: Option<Arc<CryptoKey>>,
    /// The user that this process runs as.
    pub(crate) process_user: String,
}

/// What a process may do when another one owns the data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// Nothing: it must own the directory.
    Owner,
    /// Use the owner's ports through its socket.
    Companion,
}

/// Reads files and environment; flags are added by the caller.
pub(crate) fn read_config(files: &[PathBuf]) -> anyhow::Result<Raw> {
    let mut raw = Raw::default();
    for path in config_files(files) {
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("the configuration file {} can not be read", path.display())
        })?;
        raw.add_file(&path, &text)?;
    }
    raw.add_environment(std::env::vars());
    Ok(raw)
}

fn config_files(given: &[PathBuf]) -> Vec<PathBuf> {
    if !given.is_empty() {
        return given.to_vec();
    }
    if let Some(path) = std::env::var_os("ST2_CONFIG_PATH").filter(|path| !path.is_empty()) {
        return vec![path.into()];
    }
    let default = Path::new(DEFAULT_CONFIG);
    if default.is_file() { vec![default.to_owned()] } else { Vec::new() }
}

/// Opens everything that the settings name.
pub(crate) async fn open(mut settings: Settings, sharing: Sharing) -> anyhow::Result<Installation> {
    if settings.backend == Backend::External {
        bail!(
            "[stormhost] backend = external: this version keeps its state in the data directory \
             only; set backend = embedded"
        );
    }
    let process_user = current_user().unwrap_or_else(|| settings.system_user.clone());
    if !settings.system_user_given {
        settings.system_user.clone_from(&process_user);
    }
    let root = settings.data_dir.as_ref().map_or_else(data_dir::default_root, PathBuf::from);
    let socket = root.join(SOCKET);
    let routines = Routines::new();
    if sharing == Sharing::Companion && DataDir::is_taken(&root) {
        let client = st2_socket::Client::connect(socket.clone(), routines.clone()).await;
        let client = client.with_context(|| {
            format!("{} belongs to a process that does not answer on its socket", root.display())
        })?;
        let client = Arc::new(client);
        let backends = Backends {
            store: Arc::clone(&client) as _,
            bus: Arc::clone(&client) as _,
            coordinator: client,
        };
        tracing::info!(socket = %socket.display(), "using the store of the process that owns it");
        return finish(settings, process_user, root, None, None, backends, routines);
    }
    let data = DataDir::take(root).await?;
    let root = data.root().to_owned();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = SqliteStore::open(&data.path("store.db"), clock)?;
    let backends = Backends {
        store: Arc::clone(&store) as _,
        bus: Arc::new(MemoryBus::default()),
        // Leases of earlier starts are over: their epochs are all lower.
        coordinator: Arc::new(MemoryCoordinator::new(store.boot() << 32)),
    };
    finish(settings, process_user, root, Some(data), Some(store), backends, routines)
}

/// Where state lives.
struct Backends {
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    coordinator: Arc<dyn Coordinator>,
}

/// Everything besides the backends, which is the same for owner and companion.
#[expect(clippy::too_many_arguments, reason = "the parts of one value, joined in one place")]
fn finish(
    settings: Settings,
    process_user: String,
    root: PathBuf,
    data: Option<DataDir>,
    store: Option<Arc<SqliteStore>>,
    backends: Backends,
    routines: Routines,
) -> anyhow::Result<Installation> {
    let ids: Arc<dyn IdGen> = Arc::new(SystemIdGen::default());
    let keys = keyring(&settings, &root, &ids)?;
    let users = match &data {
        Some(_) => admin::prepare(&root, &*ids)?,
        None => admin::of_owner(&root),
    };
    let builtin = builtin::unpack(&root.join("builtin"))?;
    let system = settings.system_packs_base_path.clone().map(PathBuf::from);
    let own = settings.packs_base_paths.iter().map(PathBuf::from);
    let mut pack_paths: Vec<PathBuf> = system.into_iter().chain([builtin]).chain(own).collect();
    pack_paths.push(root.join("packs"));
    let base = Some(PathBuf::from(&settings.base_path)).filter(|_| settings.base_path_given);
    let base = base.unwrap_or_else(|| root.clone());
    let ports = Ports {
        store: backends.store,
        bus: backends.bus,
        coordinator: backends.coordinator,
        clock: Arc::new(SystemClock),
        ids,
        keyring: keys.ring,
        files: Arc::new(NotifyFileWatch::new(routines.clone())),
        routines,
    };
    Ok(Installation {
        ports,
        store,
        users,
        pack_paths,
        configs: base.join("configs"),
        overrides: base.join("overrides"),
        key_path: keys.path,
        crypto_key: keys.key,
        process_user,
        socket: data.is_some().then(|| root.join(SOCKET)),
        _data: data,
        root,
        settings,
    })
}

/// The datastore's key in its forms.
struct Keys {
    ring: Arc<dyn KeyRing>,
    path: String,
    key: Option<Arc<CryptoKey>>,
}

/// The datastore's key: the configured one, or one of our own, made at first start.
fn keyring(settings: &Settings, root: &Path, ids: &Arc<dyn IdGen>) -> anyhow::Result<Keys> {
    let own = root.join("keys/datastore_key.json");
    let path = settings.encryption_key_path.as_ref().map_or(own, PathBuf::from);
    let shown = path.display().to_string();
    let none = || Keys {
        ring: Arc::new(FileKeyRing::without_key(Arc::clone(ids))),
        path: shown.clone(),
        key: None,
    };
    if !settings.enable_encryption {
        return Ok(none());
    }
    let text = if settings.encryption_key_path.is_some() {
        match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                tracing::warn!(path = shown, %error, "no datastore key: secrets are refused");
                return Ok(none());
            }
        }
    } else {
        private_text(&path, || Ok(FileKeyRing::generate_key_file(&**ids)))?.0
    };
    let context = || format!("the datastore key {shown}");
    let ring = FileKeyRing::of_key_file(&text, Arc::clone(ids)).with_context(context)?;
    let key = CryptoKey::parse(&text).with_context(context)?;
    Ok(Keys { ring: Arc::new(ring), key: Some(Arc::new(key)), path: shown })
}

/// The name of the user that this process runs as.
pub(crate) fn current_user() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let uid =
        status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?;
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

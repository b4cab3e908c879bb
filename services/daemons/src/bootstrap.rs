//! From configuration to ports.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use st2_access::FileKeyRing;
use st2_config::{Backend, Raw, Settings};
use st2_content::NotifyFileWatch;
use st2_expr::crypto::CryptoKey;
use st2_memory::{MemoryBus, MemoryCoordinator};
use st2_ports::{Clock, IdGen, KeyRing, Ports, Routines, SystemClock, SystemIdGen};
use st2_sqlite::SqliteStore;

use crate::data_dir::{self, DataDir};
use crate::{admin, builtin};

const DEFAULT_CONFIG: &str = "/etc/st2/st2.conf";

/// A process that is set up: what it runs with, and what must be closed at its end.
pub(crate) struct Installation {
    pub(crate) settings: Settings,
    pub(crate) ports: Ports,
    pub(crate) data: DataDir,
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) users: admin::Users,
    /// Directories of packs, the first one wins.
    pub(crate) pack_paths: Vec<PathBuf>,
    pub(crate) configs: PathBuf,
    pub(crate) overrides: PathBuf,
    /// The datastore's key, for templates that decrypt.
    pub(crate) crypto_key: Option<Arc<CryptoKey>>,
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
pub(crate) fn open(mut settings: Settings) -> anyhow::Result<Installation> {
    if settings.backend == Backend::External {
        bail!(
            "[stormhost] backend = external: this version keeps its state in the data directory \
             only; set backend = embedded"
        );
    }
    if !settings.system_user_given {
        settings.system_user = current_user().unwrap_or(settings.system_user);
    }
    let root = settings.data_dir.as_ref().map_or_else(data_dir::default_root, PathBuf::from);
    let data = DataDir::take(root)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn IdGen> = Arc::new(SystemIdGen::default());
    let store = SqliteStore::open(&data.path("store.db"), Arc::clone(&clock))?;
    let (keyring, crypto_key) = keyring(&settings, &data, &ids)?;
    let users = admin::prepare(&data, &*ids)?;
    let builtin = builtin::unpack(&data.path("builtin"))?;
    let system = settings.system_packs_base_path.clone().map(PathBuf::from);
    let own = settings.packs_base_paths.iter().map(PathBuf::from);
    let mut pack_paths: Vec<PathBuf> = system.into_iter().chain([builtin]).chain(own).collect();
    pack_paths.push(data.path("packs"));
    let base = Some(PathBuf::from(&settings.base_path)).filter(|_| settings.base_path_given);
    let base = base.unwrap_or_else(|| data.root().to_owned());
    let routines = Routines::new();
    let ports = Ports {
        store: Arc::clone(&store) as _,
        bus: Arc::new(MemoryBus::default()),
        // Leases of earlier starts are over: their epochs are all lower.
        coordinator: Arc::new(MemoryCoordinator::new(store.boot() << 32)),
        clock,
        ids,
        keyring,
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
        crypto_key,
        data,
        settings,
    })
}

type Keys = (Arc<dyn KeyRing>, Option<Arc<CryptoKey>>);

/// The datastore's key: the configured one, or one of our own, made at first start.
fn keyring(settings: &Settings, data: &DataDir, ids: &Arc<dyn IdGen>) -> anyhow::Result<Keys> {
    if !settings.enable_encryption {
        return Ok((Arc::new(FileKeyRing::without_key(Arc::clone(ids))), None));
    }
    let (text, place) = match &settings.encryption_key_path {
        Some(path) => match std::fs::read_to_string(path) {
            Ok(text) => (text, path.clone()),
            Err(error) => {
                tracing::warn!(path, %error, "no datastore key: secrets are refused");
                return Ok((Arc::new(FileKeyRing::without_key(Arc::clone(ids))), None));
            }
        },
        None => {
            let name = "keys/datastore_key.json";
            let (text, _) =
                data.private_text(name, || Ok(FileKeyRing::generate_key_file(&**ids)))?;
            (text, data.path(name).display().to_string())
        }
    };
    let context = || format!("the datastore key {place}");
    let ring = FileKeyRing::of_key_file(&text, Arc::clone(ids)).with_context(context)?;
    let key = CryptoKey::parse(&text).with_context(context)?;
    Ok((Arc::new(ring), Some(Arc::new(key))))
}

/// The name of the user that this process runs as.
fn current_user() -> Option<String> {
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

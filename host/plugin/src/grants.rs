//! Capabilities: asked for by the pack, granted by the operator, checked here and nowhere else.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use st2_protocol::{
    DatastoreDelete, DatastoreGet, DatastoreItem, DatastoreList, DatastoreSet, DispatchItem,
    DispatchOutcome,
};

use crate::host::{GuestHost, GuestLog, HostError};

/// Direction of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Looking.
    Read,
    /// Changing; includes looking.
    Write,
}

/// Which part of the datastore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DatastoreScope {
    /// Items below the sensor's own prefix.
    Local,
    /// All items of the system scope; includes local ones.
    System,
}

/// One thing a guest may do. Its text form (`Display`) is what appears in `sandbox:` of pack.yaml,
/// in `[sandbox]` of st2.conf and in refusals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Connect to a host name (`*` for any), on any port.
    Net {
        /// Name or address.
        host: String,
    },
    /// Use a path and everything below it.
    Path {
        /// The path.
        path: PathBuf,
        /// How.
        access: Access,
    },
    /// See a variable of the host's environment.
    Env {
        /// Its name.
        name: String,
    },
    /// Use the datastore.
    Datastore {
        /// Which part.
        scope: DatastoreScope,
        /// How.
        access: Access,
    },
    /// See encrypted datastore items in clear.
    Secrets,
    /// Start other programs.
    Exec,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |access: &Access| match access {
            Access::Read => "read",
            Access::Write => "write",
        };
        match self {
            Self::Net { host } => write!(f, "net:{host}"),
            Self::Path { path, access } => write!(f, "path:{}:{}", word(access), path.display()),
            Self::Env { name } => write!(f, "env:{name}"),
            Self::Datastore { scope: DatastoreScope::Local, access } => {
                write!(f, "datastore:local:{}", word(access))
            }
            Self::Datastore { scope: DatastoreScope::System, access } => {
                write!(f, "datastore:system:{}", word(access))
            }
            Self::Secrets => f.write_str("secrets"),
            Self::Exec => f.write_str("exec"),
        }
    }
}

impl Capability {
    /// True when having `self` means having `wanted`.
    fn covers(&self, wanted: &Self) -> bool {
        match (self, wanted) {
            (Self::Net { host }, Self::Net { host: wanted }) => host == "*" || host == wanted,
            (Self::Path { path, access }, Self::Path { path: wanted, access: how }) => {
                access >= how && is_below(wanted, path)
            }
            (Self::Datastore { scope, access }, Self::Datastore { scope: wanted, access: how }) => {
                scope >= wanted && access >= how
            }
            _ => self == wanted,
        }
    }
}

/// By name only: a path with `..` is below nothing.
fn is_below(path: &Path, top: &Path) -> bool {
    let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
    !climbs && path.starts_with(top)
}

/// A capability that was needed and is not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not granted: {0}")]
pub struct MissingGrant(pub Capability);

/// What the operator grants to one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Grants {
    /// What a StackStorm sensor could always do: everything. The profile of existing packs.
    #[default]
    Compatible,
    /// Exactly these.
    Only(Vec<Capability>),
}

impl Grants {
    /// Nothing at all: the default of components.
    #[must_use]
    pub fn none() -> Self {
        Self::Only(Vec::new())
    }

    /// What is both asked for and granted.
    #[must_use]
    pub fn intersect(asked: &[Capability], granted: &Self) -> Self {
        let allowed = asked.iter().filter(|capability| granted.check(capability).is_ok());
        Self::Only(allowed.cloned().collect())
    }

    /// # Errors
    /// With the missing capability.
    pub fn check(&self, wanted: &Capability) -> Result<(), MissingGrant> {
        match self {
            Self::Compatible => Ok(()),
            Self::Only(granted) if granted.iter().any(|granted| granted.covers(wanted)) => Ok(()),
            Self::Only(_) => Err(MissingGrant(wanted.clone())),
        }
    }
}

/// A [`GuestHost`] that lets through what is granted. Loaders wrap the host they are given in it.
pub struct Guarded {
    host: Arc<dyn GuestHost>,
    grants: Grants,
}

impl Guarded {
    /// Guards `host` by `grants`.
    #[must_use]
    pub fn new(host: Arc<dyn GuestHost>, grants: Grants) -> Self {
        Self { host, grants }
    }

    fn check_datastore(&self, is_local: bool, access: Access) -> Result<(), HostError> {
        let scope = if is_local { DatastoreScope::Local } else { DatastoreScope::System };
        Ok(self.grants.check(&Capability::Datastore { scope, access })?)
    }
}

#[async_trait]
impl GuestHost for Guarded {
    async fn dispatch(&self, items: Vec<DispatchItem>) -> Result<Vec<DispatchOutcome>, HostError> {
        self.host.dispatch(items).await
    }

    fn log(&self, record: GuestLog) {
        self.host.log(record);
    }

    async fn datastore_get(&self, call: DatastoreGet) -> Result<Option<String>, HostError> {
        self.check_datastore(call.local, Access::Read)?;
        if call.decrypt {
            self.grants.check(&Capability::Secrets)?;
        }
        self.host.datastore_get(call).await
    }

    async fn datastore_set(&self, call: DatastoreSet) -> Result<(), HostError> {
        self.check_datastore(call.local, Access::Write)?;
        self.host.datastore_set(call).await
    }

    async fn datastore_list(&self, call: DatastoreList) -> Result<Vec<DatastoreItem>, HostError> {
        self.check_datastore(call.local, Access::Read)?;
        self.host.datastore_list(call).await
    }

    async fn datastore_delete(&self, call: DatastoreDelete) -> Result<bool, HostError> {
        self.check_datastore(call.local, Access::Write)?;
        self.host.datastore_delete(call).await
    }
}

//! A directory of packs and a registrar over it.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use st2_memory::{MemoryStore, simulated_ports};
use st2_model::{BlobRef, Digest, Revision};
use st2_ports::{
    Collection, Document, Entity, Fence, Filter, Group, Inserted, Patch, Ports, Query, Record,
    Replaced, Store, StoreError, Topic,
};
use st2_vectors::Recording;
use tempfile::TempDir;

use crate::{Builtin, ContentSettings, Registrar, Report, Request, RunnerTypes, parse_runner_type};

pub(super) const PACK_YAML: &str =
    "name: testpack\ndescription: test pack\nversion: 1.0.0\nauthor: a\nemail: a@example.com\n";

/// All runners that StackStorm ships, as recorded, and what is built in: read once, for speed.
static KNOWN: LazyLock<(Arc<RunnerTypes>, Arc<Builtin>)> = LazyLock::new(|| {
    let builtin = Builtin::load().expect("built-in content");
    (Arc::new(recorded_runners()), Arc::new(builtin))
});

fn recorded_runners() -> RunnerTypes {
    Recording::read("content_builtin")
        .lines()
        .filter(|line| line["kind"] == "runner_type")
        .map(|line| {
            let mut metadata = line["api"].clone();
            metadata.as_object_mut().expect("an object").remove("uid");
            parse_runner_type(&metadata.to_string()).expect("runner metadata")
        })
        .collect()
}

/// Counts the writes that pass through.
pub(super) struct CountingStore {
    inner: Arc<dyn Store>,
    pub(super) writes: Mutex<Vec<String>>,
    /// Calls that are refused before the store works.
    pub(super) outages: Mutex<usize>,
}

impl CountingStore {
    fn note(&self, what: String) {
        self.writes.lock().expect("no panic").push(what);
    }

    fn check(&self) -> Result<(), StoreError> {
        let mut outages = self.outages.lock().expect("no panic");
        if *outages == 0 {
            return Ok(());
        }
        *outages -= 1;
        Err(StoreError::Unavailable("out".into()))
    }
}

#[async_trait]
impl Store for CountingStore {
    async fn get(&self, from: &'static Collection, id: &str) -> Result<Option<Record>, StoreError> {
        self.inner.get(from, id).await
    }

    async fn find(
        &self,
        from: &'static Collection,
        query: &Query,
    ) -> Result<Vec<Record>, StoreError> {
        self.check()?;
        self.inner.find(from, query).await
    }

    async fn count(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        self.inner.count(from, filter).await
    }

    async fn insert(
        &self,
        into: &'static Collection,
        document: Document,
        fence: Option<&Fence>,
    ) -> Result<Inserted, StoreError> {
        let what = format!("insert {} {}", into.name, document.id);
        let inserted = self.inner.insert(into, document, fence).await?;
        if inserted == Inserted::New {
            self.note(what);
        }
        Ok(inserted)
    }

    async fn replace(
        &self,
        into: &'static Collection,
        document: Document,
        revision: Revision,
        fence: Option<&Fence>,
    ) -> Result<Replaced, StoreError> {
        self.note(format!("replace {} {}", into.name, document.body["ref"]));
        self.inner.replace(into, document, revision, fence).await
    }

    async fn update_many(
        &self,
        into: &'static Collection,
        filter: &Filter,
        patch: &Patch,
    ) -> Result<u64, StoreError> {
        self.note(format!("update {}", into.name));
        self.inner.update_many(into, filter, patch).await
    }

    async fn delete(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        let deleted = self.inner.delete(from, filter).await?;
        if deleted > 0 {
            self.note(format!("delete {} {deleted}", from.name));
        }
        Ok(deleted)
    }

    async fn raise_fence(&self, fence: &Fence) -> Result<(), StoreError> {
        self.inner.raise_fence(fence).await
    }

    async fn put_blob(&self, content: Bytes) -> Result<BlobRef, StoreError> {
        self.note("blob".into());
        self.inner.put_blob(content).await
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        self.inner.get_blob(digest).await
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        self.inner.delete_blob(digest).await
    }

    fn relaxed(self: Arc<Self>) -> Arc<dyn Store> {
        self
    }

    async fn flush(&self) -> Result<(), StoreError> {
        self.inner.flush().await
    }
}

/// Packs in a temporary directory, a store in memory, and a registrar.
pub(super) struct Site {
    pub(super) dir: TempDir,
    pub(super) ports: Ports,
    pub(super) store: Arc<CountingStore>,
    pub(super) registrar: Arc<Registrar>,
}

impl Site {
    /// A site with an empty directory of packs. Call it inside a runtime.
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut ContentSettings)) -> Self {
        let dir = TempDir::new().expect("a directory");
        for folder in ["packs", "more", "configs", "overrides"] {
            std::fs::create_dir(dir.path().join(folder)).expect("a directory");
        }
        let (mut ports, clock) = simulated_ports(1);
        let store = Arc::new(CountingStore {
            inner: Arc::new(MemoryStore::new(clock)),
            writes: Mutex::default(),
            outages: Mutex::default(),
        });
        ports.store = Arc::clone(&store) as Arc<dyn Store>;
        let mut settings = ContentSettings {
            base_paths: vec![dir.path().join("packs"), dir.path().join("more")],
            configs: dir.path().join("configs"),
            overrides: dir.path().join("overrides"),
            quiet: Duration::from_millis(200),
            ..ContentSettings::default()
        };
        change(&mut settings);
        let registrar = if settings.runner_metadata.is_empty() {
            let (runners, builtin) = KNOWN.clone();
            Registrar::of(ports.clone(), settings, runners, builtin)
        } else {
            Registrar::new(ports.clone(), settings).expect("settings")
        };
        Self { dir, ports, store, registrar: Arc::new(registrar) }
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// Writes a file below the site's directory.
    pub(super) fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, content).expect("a file");
    }

    pub(super) fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).expect("a file");
    }

    /// Writes a pack with an action, a sensor, a rule on the sensor's trigger type, one on a
    /// webhook, an alias, a policy, a config schema and a config.
    pub(super) fn write_pack(&self) {
        self.write("packs/testpack/pack.yaml", PACK_YAML);
        self.write("packs/testpack/actions/act.yaml", "name: act\nrunner_type: noop\n");
        self.write(
            "packs/testpack/sensors/s.yaml",
            "class_name: Sens\nentry_point: s.py\ntrigger_types: [{name: ev}]\n",
        );
        self.write("packs/testpack/sensors/s.py", "class Sens: pass\n");
        self.write(
            "packs/testpack/rules/ev.yaml",
            "name: ev\nenabled: true\ntrigger: {type: testpack.ev}\naction: {ref: core.noop}\n",
        );
        self.write("packs/testpack/rules/hook.yaml", hook_rule("one"));
        self.write(
            "packs/testpack/aliases/a.yaml",
            "name: al\naction_ref: testpack.act\nformats: [do it]\n",
        );
        self.write(
            "packs/testpack/policies/p.yaml",
            "name: po\nresource_ref: testpack.act\npolicy_type: action.concurrency\n\
             parameters: {threshold: 1}\n",
        );
        self.write("packs/testpack/config.schema.yaml", "key: {type: string, required: true}\n");
        self.write("configs/testpack.yaml", "key: x\n");
    }

    pub(super) async fn register(&self) -> Report {
        self.registrar.register(Request::default()).await.expect("a store that works")
    }

    pub(super) async fn force(&self) -> Report {
        let request = Request { force: true, ..Request::default() };
        self.registrar.register(request).await.expect("a store that works")
    }

    /// The writes since the last call.
    pub(super) fn writes(&self) -> Vec<String> {
        std::mem::take(&mut *self.store.writes.lock().expect("no panic"))
    }

    /// All records of a kind.
    pub(super) async fn all<E: Entity>(&self) -> Vec<E> {
        let found = self.ports.repository::<E>().find(&Query::of(Filter::All)).await;
        found.expect("a store that works").into_iter().map(|found| found.value).collect()
    }

    /// The ids in the wake-ups of a topic, from now on.
    pub(super) async fn listen(&self, topic: Topic) -> Ear {
        let subscription = self.ports.bus.subscribe(topic, Group::Each).await;
        Ear(subscription.expect("a bus that works"))
    }
}

pub(super) fn hook_rule(url: &str) -> String {
    format!(
        "name: hook\nenabled: true\ntrigger:\n  type: core.st2.webhook\n  parameters: {{url: {url}}}\n\
         action: {{ref: core.noop}}\n"
    )
}

/// Hears wake-ups.
pub(super) struct Ear(Box<dyn st2_ports::Subscription>);

impl Ear {
    /// The ids of all wake-ups that have come.
    pub(super) async fn heard(&mut self) -> Vec<String> {
        let mut ids = Vec::new();
        while let Ok(Some(delivery)) =
            tokio::time::timeout(Duration::from_millis(1), self.0.next()).await
        {
            ids.extend(delivery.wake.ids.clone());
            delivery.ack().await;
        }
        ids
    }
}

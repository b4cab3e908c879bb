//! The service that follows files, and the watch on the operating system.

use std::sync::Arc;
use std::time::Duration;

use notify::{Event, EventKind};
use st2_memory::InMemoryFileWatch;
use st2_model::Action;
use st2_ports::{
    FileChange, FileWatch, Group, Health, RoutineKind, Routines, Service, ServiceContext,
    Subscription, Topic,
};
use tokio::sync::mpsc::channel;
use tokio::time::timeout;

use super::fixture::Site;
use crate::watch::Bridge;
use crate::{ContentService, NotifyFileWatch};

const LONG: Duration = Duration::from_secs(20);

/// Starts the service; its health.
fn start(site: &Site) -> Health {
    let service = Box::new(ContentService::new(Arc::clone(&site.registrar)));
    let health = Health::default();
    health.set("content", st2_ports::Readiness::Starting);
    let context = ServiceContext {
        ports: site.ports.clone(),
        shutdown: site.ports.routines.shutdown(),
        health: health.clone(),
    };
    site.ports.routines.spawn(RoutineKind::Service, "content", async move {
        service.run(context).await.expect("no error");
    });
    health
}

/// The wake-ups about packs that changed, from now on.
async fn changes(site: &Site) -> Box<dyn Subscription> {
    let subscription = site.ports.bus.subscribe(Topic::ContentChanged, Group::Each).await;
    subscription.expect("a bus")
}

/// The packs that the next wake-up names.
async fn heard(packs: &mut Box<dyn Subscription>) -> Vec<String> {
    let delivery = timeout(LONG, packs.next()).await.expect("a wake-up").expect("a bus");
    let ids = delivery.wake.ids.clone();
    delivery.ack().await;
    ids
}

#[tokio::test(start_paused = true)]
async fn changes_are_followed_and_nothing_else_is_touched() {
    let mut site = Site::new();
    let files = Arc::new(InMemoryFileWatch::default());
    site.ports.files = Arc::clone(&files) as Arc<dyn FileWatch>;
    site.write_pack();
    let health = start(&site);
    timeout(LONG, health.ready()).await.expect("ready");
    assert_eq!(site.all::<Action>().await.len(), 1);
    let mut packs = changes(&site).await;
    site.writes();

    site.write("packs/testpack/actions/two.yaml", "name: two\nrunner_type: noop\n");
    files.announce(&site.path("packs/testpack/actions/two.yaml"));
    assert_eq!(heard(&mut packs).await, ["testpack"]);
    assert_eq!(site.all::<Action>().await.len(), 2);
    let writes = site.writes();
    let actions = writes.iter().filter(|write| write.contains(" action ")).count();
    assert_eq!((actions, writes.len()), (1, 3), "{writes:?}");

    // A new pack, and one that goes.
    site.write("packs/fresh/pack.yaml", super::fixture::PACK_YAML.replace("testpack", "fresh"));
    files.announce(&site.path("packs/fresh"));
    assert_eq!(heard(&mut packs).await, ["fresh"]);
    std::fs::remove_dir_all(site.path("packs/testpack")).expect("a directory");
    files.announce(&site.path("packs/testpack"));
    assert_eq!(heard(&mut packs).await, ["testpack"]);
    assert_eq!(site.all::<Action>().await, []);
    assert!(site.ports.routines.stop(LONG).await);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_nobody_announced_is_found_by_a_sweep() {
    let site = Site::new();
    site.write_pack();
    let health = start(&site);
    timeout(LONG, health.ready()).await.expect("ready");
    let mut packs = changes(&site).await;
    site.write("packs/testpack/actions/two.yaml", "name: two\nrunner_type: noop\n");
    let swept = timeout(Duration::from_secs(120), packs.next()).await;
    swept.expect("a wake-up").expect("a bus").ack().await;
    assert_eq!(site.all::<Action>().await.len(), 2);
    assert!(site.ports.routines.stop(LONG).await);
}

#[tokio::test(start_paused = true)]
async fn the_service_waits_for_a_store_that_is_away() {
    let site = Site::new();
    site.write_pack();
    *site.store.outages.lock().expect("no panic") = 5;
    let health = start(&site);
    timeout(LONG, health.ready()).await.expect("ready");
    assert_eq!(site.all::<Action>().await.len(), 1);
    assert!(site.ports.routines.stop(LONG).await);
}

#[tokio::test]
async fn the_system_tells_of_changes() {
    let dir = tempfile::TempDir::new().expect("a directory");
    let root = dir.path().canonicalize().expect("a path");
    let routines = Routines::new();
    let watch = NotifyFileWatch::new(routines.clone());
    assert!(watch.watch(&[root.join("missing")]).is_err());
    let mut changes = watch.watch(std::slice::from_ref(&root)).expect("a watch");
    std::fs::create_dir(root.join("deeper")).expect("a directory");
    let wanted = root.join("deeper/x.yaml");
    let found = async {
        // The new directory is watched a little after it was made, so write until it is seen.
        loop {
            std::fs::write(&wanted, "name: x\n").expect("a file");
            let change = timeout(Duration::from_millis(50), changes.recv()).await;
            if change == Ok(Some(FileChange::Path(wanted.clone()))) {
                return;
            }
        }
    };
    timeout(LONG, found).await.expect("the change");
    drop(changes);
    assert!(routines.stop(LONG).await, "the watch ends with its reader");
}

#[tokio::test]
async fn lost_changes_are_told_as_such() {
    let (sender, mut receiver) = channel(4);
    let bridge = Bridge::to(sender);
    let change = |name: &str| Ok(Event::new(EventKind::Any).add_path(name.into()));
    for name in ["a", "b", "c", "d", "e"] {
        bridge.pass(change(name));
    }
    let mut told = Vec::new();
    while let Ok(change) = receiver.try_recv() {
        told.push(change);
    }
    assert_eq!(told.len(), 4);
    assert_eq!(told.last(), Some(&FileChange::Rescan));
    bridge.pass(change("f"));
    assert_eq!(receiver.try_recv(), Ok(FileChange::Path("f".into())));
}

//! The client against the suites of the ports, with a server in front of the backends in memory.

use std::sync::Arc;

use st2_memory::memory_ports;
use st2_ports::{
    Bus, Clock, Collection, Coordinator, Health, RoutineKind, Routines, Service, ServiceContext,
    SimClock, Store, SystemClock, SystemIdGen, suites,
};
use tempfile::TempDir;

use crate::{Client, Server};

/// What the suites store in.
static COLLECTIONS: &[&Collection] = &[&suites::store::BOOKS, &suites::store::NOTES];

/// What must live as long as the client is used.
struct Kept {
    _folder: TempDir,
    _server: Routines,
}

/// A client of a server of its own. The connection is made at the first call.
fn open(clock: Arc<dyn Clock>) -> (Client, Kept) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("st2d.sock");
    let server = Box::new(Server::bind(&path, COLLECTIONS).expect("a socket"));
    let ports = memory_ports(clock, Arc::new(SystemIdGen::default()));
    let context = ServiceContext {
        shutdown: ports.routines.shutdown(),
        health: Health::default(),
        ports: ports.clone(),
    };
    ports.routines.spawn(RoutineKind::Service, "socket", async move {
        server.run(context).await.expect("it serves until it is stopped");
    });
    let client = Client::to(path, Routines::new());
    (client, Kept { _folder: folder, _server: ports.routines })
}

fn open_store(clock: Arc<SimClock>) -> (Arc<dyn Store>, Kept) {
    let (client, kept) = open(clock);
    (Arc::new(client), kept)
}

fn open_bus() -> (Arc<dyn Bus>, Kept) {
    let (client, kept) = open(Arc::new(SystemClock));
    (Arc::new(client), kept)
}

fn open_coordinator() -> (Arc<dyn Coordinator>, Kept) {
    let (client, kept) = open(Arc::new(SystemClock));
    (Arc::new(client), kept)
}

st2_ports::store_suite!(open_store);
st2_ports::bus_suite!(open_bus);
st2_ports::coordinator_suite!(open_coordinator);

#[tokio::test]
async fn only_the_owner_may_open_the_socket() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("st2d.sock");
    let _server = Server::bind(&path, COLLECTIONS).expect("a socket");
    let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_client_without_a_server_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("nobody.sock");
    assert!(Client::connect(path.clone(), Routines::new()).await.is_err());
    let client = Client::to(path, Routines::new());
    let error = client.holder("x").await.expect_err("nobody answers");
    assert!(error.to_string().contains("unavailable"), "{error}");
    let error = client.flush().await.expect_err("nobody answers");
    assert!(error.is_transient(), "{error}");
}

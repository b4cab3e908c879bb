//! The backends against the suites of their ports.

use std::path::PathBuf;
use std::sync::Arc;

use st2_ports::suites::file_watch::Opened;
use st2_ports::{Bus, Clock, Coordinator, SimClock, Store};

use crate::{InMemoryFileWatch, MemoryBus, MemoryCoordinator, MemoryStore};

mod bus;
mod lease;

fn open_store(clock: Arc<SimClock>) -> (Arc<dyn Store>, ()) {
    (Arc::new(MemoryStore::new(clock as Arc<dyn Clock>)), ())
}

fn open_bus() -> (Arc<dyn Bus>, ()) {
    (Arc::new(MemoryBus::default()), ())
}

fn open_coordinator() -> (Arc<dyn Coordinator>, ()) {
    (Arc::new(MemoryCoordinator::new(0)), ())
}

st2_ports::store_suite!(open_store);
st2_ports::bus_suite!(open_bus);
st2_ports::coordinator_suite!(open_coordinator);

fn open_watch() -> (Opened, ()) {
    let watch = Arc::new(InMemoryFileWatch::default());
    let told = Arc::clone(&watch);
    let root = PathBuf::from("/watched");
    (Opened { watch, root, change: Box::new(move |path| told.announce(path)) }, ())
}

st2_ports::file_watch_suite!(open_watch);

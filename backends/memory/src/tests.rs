//! The backends against the suites of their ports.

use std::sync::Arc;

use st2_ports::{Bus, Clock, Coordinator, SimClock, Store};

use crate::{MemoryBus, MemoryCoordinator, MemoryStore};

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

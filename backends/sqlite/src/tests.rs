//! The store against the suite of its port, and what it promises beyond it.

use std::sync::Arc;

use st2_memory::MemoryStore;
use st2_ports::suites::equivalence::random_operations_agree;
use st2_ports::suites::store::clock;
use st2_ports::{Clock, SimClock, Store};
use tempfile::TempDir;

use crate::SqliteStore;

mod crash;
mod files;
mod full;
mod indexes;
mod power;
mod recent;

fn open_in(folder: &TempDir, clock: Arc<SimClock>) -> Arc<SqliteStore> {
    SqliteStore::open(&folder.path().join("st2.db"), clock as Arc<dyn Clock>).unwrap()
}

fn open(clock: Arc<SimClock>) -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (open_in(&folder, clock), folder)
}

st2_ports::store_suite!(open);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_operations_give_the_answers_of_the_store_in_memory() {
    for seed in 0..12 {
        let (sqlite, _folder) = open(clock());
        let memory = MemoryStore::new(clock());
        random_operations_agree(&*sqlite, &memory, seed, 500).await;
        let (sqlite, _folder) = open(clock());
        let memory = MemoryStore::new(clock());
        random_operations_agree(&*sqlite.relaxed(), &memory, seed + 100, 500).await;
    }
}

//! A loss of power takes away a suffix of the writes and nothing from their middle. What it leaves
//! of the files is made by hand here: the log as it was, less some of its blocks, for the system
//! writes those back in any order until it is told to flush.

use std::fs;
use std::path::Path;

use serde_json::json;
use st2_ports::suites::store::{BOOKS, clock, document};
use st2_ports::{Filter, Inserted, Order, Query, Store};
use tempfile::TempDir;

use super::open_in;

const BLOCK: usize = 4096;
const WRITES: usize = 40;

/// What a block of the file holds that was never written back.
#[derive(Debug, Clone, Copy)]
enum Lost {
    /// Nothing: the file ends before it.
    End,
    /// Zeros: a later block was written.
    Zeros,
    /// What was there before, which is something else.
    Older,
}

fn lose(log: &[u8], block: usize, lost: Lost) -> Vec<u8> {
    let (from, to) = (block * BLOCK, ((block + 1) * BLOCK).min(log.len()));
    let mut left = log.to_vec();
    match lost {
        Lost::End => left.truncate(from),
        Lost::Zeros => left[from..to].fill(0),
        Lost::Older => left[from..to].fill(0x5a),
    }
    left
}

/// How many of the writes are found, which must be the first ones.
async fn found_after(file: &[u8], log: &[u8]) -> usize {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("st2.db");
    fs::write(&path, file).unwrap();
    fs::write(folder.path().join("st2.db-wal"), log).unwrap();
    let store = open_in(&folder, clock());
    let query = Query::of(Filter::All).by("id", Order::Ascending);
    let found = store.find(&BOOKS, &query).await.unwrap();
    for (n, record) in found.iter().enumerate() {
        assert_eq!(record.id, format!("{n:03}"), "one is missing in the middle");
    }
    let tagged = store.count(&BOOKS, &Filter::eq("tags", "x")).await.unwrap();
    assert_eq!(tagged, found.len() as u64, "elements follow their documents");
    store.close().await;
    found.len()
}

fn files(path: &Path) -> (Vec<u8>, Vec<u8>) {
    (fs::read(path).unwrap(), fs::read(path.with_extension("db-wal")).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loss_of_power_takes_a_suffix() {
    let folder = TempDir::new().unwrap();
    let store = open_in(&folder, clock());
    let relaxed = store.clone().relaxed();
    let mut flushed = Vec::new();
    for n in 0..WRITES {
        let body = json!({"tags": ["x", n], "text": "x".repeat(n * 50)});
        let written = relaxed.insert(&BOOKS, document(&format!("{n:03}"), body), None).await;
        assert_eq!(written.unwrap(), Inserted::New);
        if n == WRITES / 2 {
            relaxed.flush().await.unwrap();
            flushed = files(&folder.path().join("st2.db")).1;
        }
    }
    let (file, log) = files(&folder.path().join("st2.db"));
    store.close().await;
    assert!(log.starts_with(&flushed), "what was flushed is not written again");
    assert_eq!(found_after(&file, &log).await, WRITES);
    // Only what has been written since the last flush can be missing.
    let first = flushed.len().div_ceil(BLOCK);
    let mut least = WRITES;
    for block in (first..log.len() / BLOCK).step_by(5) {
        for lost in [Lost::End, Lost::Zeros, Lost::Older] {
            let found = found_after(&file, &lose(&log, block, lost)).await;
            assert!(found > WRITES / 2, "{lost:?} {block}: what was flushed is gone: {found}");
            least = least.min(found);
        }
    }
    assert!(least < WRITES - 1, "nothing was lost: the test proves nothing");
}

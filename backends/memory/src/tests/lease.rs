//! Holding a lease, on simulated time.

use std::time::Duration;

use serde_json::json;
use st2_ports::{Collection, Document, StoreError, hold};

use crate::simulated_ports;

static THINGS: Collection = Collection { name: "thing", indexes: &[], expires: None };

const TTL: Duration = Duration::from_secs(15);

#[tokio::test(start_paused = true)]
async fn a_held_lease_is_renewed_until_it_is_released() {
    let (ports, _) = simulated_ports(1);
    let held = hold(&ports, "key", "one", TTL).await.unwrap().unwrap();
    tokio::time::sleep(TTL * 10).await;
    assert!(!held.lost().is_cancelled());
    assert!(hold(&ports, "key", "two", TTL).await.unwrap().is_none());
    held.release().await;
    assert!(hold(&ports, "key", "two", TTL).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_lease_runs_out_and_its_writes_are_refused() {
    let (ports, _) = simulated_ports(2);
    let held = hold(&ports, "key", "one", TTL).await.unwrap().unwrap();
    let stale = held.fence();
    drop(held);
    tokio::time::sleep(TTL * 2).await;
    let next = hold(&ports, "key", "two", TTL).await.unwrap().unwrap();
    let write = |fence| {
        let document = Document { id: "a".to_owned(), body: json!({}) };
        let store = &ports.store;
        async move { store.insert(&THINGS, document, Some(fence)).await }
    };
    let refused = write(&stale).await;
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert!(write(&next.fence()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_takes_is_lost() {
    let (ports, _) = simulated_ports(3);
    let held = hold(&ports, "key", "one", TTL).await.unwrap().unwrap();
    ports.coordinator.release(held.lease()).await.unwrap();
    let other = hold(&ports, "key", "two", TTL).await.unwrap();
    assert!(other.is_some());
    held.lost().cancelled().await;
}

//! Laws of the coordinator.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::wait_until;
use crate::{Coordinator, Holder, Lease, Member};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(300);

async fn acquire(coordinator: &dyn Coordinator, key: &str, owner: &str) -> Option<Lease> {
    coordinator.acquire(key, owner, LONG).await.unwrap()
}

async fn holder(coordinator: &dyn Coordinator, key: &str) -> Option<String> {
    let holder = coordinator.holder(key).await.unwrap();
    holder.map(|holder| holder.owner)
}

async fn wait_until_free(coordinator: &dyn Coordinator, key: &str) {
    wait_until("the lease runs out", || async { holder(coordinator, key).await.is_none() }).await;
}

pub async fn of_racing_owners_one_holds(coordinator: &dyn Coordinator) {
    let race =
        (0..30).map(|n| async move { acquire(coordinator, "key", &format!("owner{n}")).await });
    let leases: Vec<Lease> = join_all(race).await.into_iter().flatten().collect();
    assert_eq!(leases.len(), 1, "{leases:?}");
    let lease = &leases[0];
    assert_eq!((lease.key.as_str(), lease.ttl), ("key", LONG));
    let expected = Holder { owner: lease.owner.clone(), epoch: lease.epoch };
    assert_eq!(coordinator.holder("key").await.unwrap(), Some(expected));
    assert_eq!(acquire(coordinator, "key", "late").await, None);
}

pub async fn keys_are_apart(coordinator: &dyn Coordinator) {
    assert_eq!(holder(coordinator, "one").await, None);
    for (key, owner) in [("one", "a"), ("two", "b"), ("two/deep", "c"), ("One", "a")] {
        assert!(acquire(coordinator, key, owner).await.is_some(), "{key}");
    }
    assert_eq!(holder(coordinator, "two").await.as_deref(), Some("b"));
}

pub async fn epochs_grow(coordinator: &dyn Coordinator) {
    let mut last = None;
    for owner in ["a", "a", "b", "a"] {
        let lease = acquire(coordinator, "key", owner).await.unwrap();
        assert!(Some(lease.epoch) > last, "{lease:?} after {last:?}");
        last = Some(lease.epoch);
        if owner == "a" {
            // Taken again by its own holder: the earlier lease is no longer good.
            let again = acquire(coordinator, "key", owner).await.unwrap();
            assert!(again.epoch > lease.epoch);
            assert!(!coordinator.renew(&lease).await.unwrap());
            last = Some(again.epoch);
            coordinator.release(&again).await.unwrap();
        } else {
            coordinator.release(&lease).await.unwrap();
        }
    }
    let lease = coordinator.acquire("key", "c", SHORT).await.unwrap().unwrap();
    assert!(Some(lease.epoch) > last);
    wait_until_free(coordinator, "key").await;
    let next = acquire(coordinator, "key", "d").await.unwrap();
    assert!(next.epoch > lease.epoch, "after one that ran out");
}

pub async fn a_lease_runs_out(coordinator: &dyn Coordinator) {
    let began = tokio::time::Instant::now();
    let first = coordinator.acquire("key", "a", SHORT).await.unwrap();
    assert!(first.is_some());
    wait_until("another owner takes over", || async {
        acquire(coordinator, "key", "b").await.is_some()
    })
    .await;
    assert!(began.elapsed() >= SHORT, "{:?}", began.elapsed());
    assert_eq!(holder(coordinator, "key").await.as_deref(), Some("b"));
}

pub async fn a_renewed_lease_lasts(coordinator: &dyn Coordinator) {
    let lease = coordinator.acquire("key", "a", SHORT).await.unwrap().unwrap();
    let began = tokio::time::Instant::now();
    while began.elapsed() < SHORT * 3 {
        assert!(coordinator.renew(&lease).await.unwrap());
        assert_eq!(acquire(coordinator, "key", "b").await, None);
        tokio::time::sleep(SHORT / 10).await;
    }
    wait_until_free(coordinator, "key").await;
}

pub async fn a_lost_lease_is_not_renewed(coordinator: &dyn Coordinator) {
    let lost = coordinator.acquire("key", "a", SHORT).await.unwrap().unwrap();
    wait_until_free(coordinator, "key").await;
    let lease = acquire(coordinator, "key", "b").await.unwrap();
    assert!(!coordinator.renew(&lost).await.unwrap());
    assert!(coordinator.renew(&lease).await.unwrap());
    // Nor when its owner has the key again.
    coordinator.release(&lease).await.unwrap();
    assert!(acquire(coordinator, "key", "a").await.is_some());
    assert!(!coordinator.renew(&lost).await.unwrap());
}

pub async fn an_expired_lease_is_never_renewed(coordinator: &dyn Coordinator) {
    let lease = coordinator.acquire("key", "a", SHORT).await.unwrap().unwrap();
    wait_until_free(coordinator, "key").await;
    assert!(!coordinator.renew(&lease).await.unwrap(), "nobody else has it, and yet");
    assert!(!coordinator.renew(&lease).await.unwrap());
    assert_eq!(holder(coordinator, "key").await, None);
}

pub async fn a_lease_is_released_by_its_holder_only(coordinator: &dyn Coordinator) {
    let old = acquire(coordinator, "key", "a").await.unwrap();
    let lease = acquire(coordinator, "key", "a").await.unwrap();
    let foreign = Lease { owner: "b".to_owned(), ..lease.clone() };
    for other in [&old, &foreign] {
        coordinator.release(other).await.unwrap();
        assert_eq!(holder(coordinator, "key").await.as_deref(), Some("a"), "{other:?}");
    }
    coordinator.release(&lease).await.unwrap();
    assert_eq!(holder(coordinator, "key").await, None);
    coordinator.release(&lease).await.unwrap();
    assert!(!coordinator.renew(&lease).await.unwrap());
    assert!(acquire(coordinator, "key", "b").await.is_some());
}

fn member(id: &str, weight: i64) -> Member {
    Member { id: id.to_owned(), capabilities: json!({"weight": weight, "labels": ["x"]}) }
}

async fn join(coordinator: &dyn Coordinator, member: Member, ttl: Duration) {
    coordinator.join("group", member, ttl).await.unwrap();
}

async fn members(coordinator: &dyn Coordinator) -> Vec<Member> {
    coordinator.members("group").await.unwrap()
}

pub async fn members_are_there_until_they_leave(coordinator: &dyn Coordinator) {
    assert_eq!(members(coordinator).await, []);
    for id in ["c_1", "a_1", "b_1"] {
        join(coordinator, member(id, 1), LONG).await;
    }
    coordinator.join("other", member("z_1", 1), LONG).await.unwrap();
    let all = [member("a_1", 1), member("b_1", 1), member("c_1", 1)];
    assert_eq!(members(coordinator).await, all);
    coordinator.leave("group", "b_1").await.unwrap();
    coordinator.leave("group", "nobody").await.unwrap();
    coordinator.leave("nowhere", "a_1").await.unwrap();
    assert_eq!(members(coordinator).await, [member("a_1", 1), member("c_1", 1)]);
}

pub async fn members_run_out(coordinator: &dyn Coordinator) {
    join(coordinator, member("stays", 1), LONG).await;
    join(coordinator, member("goes", 1), SHORT).await;
    assert_eq!(members(coordinator).await.len(), 2);
    wait_until("the member runs out", || async {
        members(coordinator).await == [member("stays", 1)]
    })
    .await;
}

pub async fn a_member_that_joins_again_stays(coordinator: &dyn Coordinator) {
    let began = tokio::time::Instant::now();
    while began.elapsed() < SHORT * 3 {
        join(coordinator, member("a", 1), SHORT).await;
        tokio::time::sleep(SHORT / 10).await;
        assert_eq!(members(coordinator).await.len(), 1);
    }
    join(coordinator, member("a", 2), LONG).await;
    assert_eq!(members(coordinator).await, [member("a", 2)]);
}

//! What the bus in memory does beyond the port's laws.

use st2_ports::{Bus, BusError, Group, Topic, Wake};

use crate::MemoryBus;

const TOPIC: Topic = Topic::KeyChanged;

#[tokio::test]
async fn a_full_queue_loses_its_oldest_and_counts() {
    let bus = MemoryBus::with_capacity(3);
    let mut reader = bus.subscribe(TOPIC, Group::Shared("group")).await.unwrap();
    for id in 0..5 {
        bus.publish(TOPIC, Wake::one(id)).await.unwrap();
    }
    assert_eq!(bus.dropped(), 2);
    for id in ["2", "3", "4"] {
        let delivery = reader.next().await.unwrap();
        assert_eq!(delivery.wake.ids, [id]);
        delivery.ack().await;
    }
}

#[tokio::test]
async fn a_closed_bus_ends_its_readers() {
    let bus = MemoryBus::default();
    let mut reader = bus.subscribe(TOPIC, Group::Each).await.unwrap();
    let (next, ()) = tokio::join!(reader.next(), async {
        tokio::task::yield_now().await;
        bus.close();
    });
    assert!(next.is_none());
    let refused = bus.publish(TOPIC, Wake::one("a")).await;
    assert!(matches!(refused, Err(BusError::Unavailable(_))));
    assert!(bus.subscribe(TOPIC, Group::Each).await.is_err());
}

//! Laws of the bus.

use std::time::Duration;

use st2_model::Revision;

use super::PATIENCE;
use crate::{Bus, Delivery, Group, Subscription, Topic, Wake};

const TOPIC: Topic = Topic::ExecutionRequested;
const WORKERS: Group = Group::Shared("suite_workers");

/// How long a law waits to see that nothing comes.
const SILENCE: Duration = Duration::from_millis(60);

async fn send(bus: &dyn Bus, id: &str) {
    bus.publish(TOPIC, Wake::one(id)).await.unwrap();
}

async fn join(bus: &dyn Bus, group: Group) -> Box<dyn Subscription> {
    bus.subscribe(TOPIC, group).await.unwrap()
}

async fn next(reader: &mut Box<dyn Subscription>) -> Delivery {
    let next = tokio::time::timeout(PATIENCE, reader.next()).await;
    next.expect("a wake-up comes").expect("the bus lives")
}

/// The id of the next wake-up, which is settled.
async fn take(reader: &mut Box<dyn Subscription>) -> String {
    let delivery = next(reader).await;
    let id = delivery.wake.ids[0].clone();
    delivery.ack().await;
    id
}

async fn assert_silent(reader: &mut Box<dyn Subscription>) {
    if let Ok(Some(delivery)) = tokio::time::timeout(SILENCE, reader.next()).await {
        panic!("nothing should come: {:?}", delivery.wake);
    }
}

pub async fn everybody_gets_a_wake_up_of_each(bus: &dyn Bus) {
    let mut readers = [join(bus, Group::Each).await, join(bus, Group::Each).await];
    send(bus, "a").await;
    for reader in &mut readers {
        assert_eq!(take(reader).await, "a");
        assert_silent(reader).await;
    }
}

pub async fn one_of_a_group_gets_a_wake_up(bus: &dyn Bus) {
    let (mut one, mut two) = (join(bus, WORKERS).await, join(bus, WORKERS).await);
    for id in 0..20 {
        send(bus, &id.to_string()).await;
    }
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let delivery = tokio::time::timeout(PATIENCE, async {
            tokio::select! {
                delivery = one.next() => delivery,
                delivery = two.next() => delivery,
            }
        });
        let delivery = delivery.await.expect("a wake-up comes").unwrap();
        seen.push(delivery.wake.ids[0].parse::<u32>().unwrap());
        delivery.ack().await;
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
    assert_silent(&mut one).await;
    assert_silent(&mut two).await;
}

pub async fn every_group_gets_a_wake_up(bus: &dyn Bus) {
    let mut workers = join(bus, WORKERS).await;
    let mut others = join(bus, Group::Shared("suite_others")).await;
    let mut each = join(bus, Group::Each).await;
    send(bus, "a").await;
    for reader in [&mut workers, &mut others, &mut each] {
        assert_eq!(take(reader).await, "a");
    }
}

pub async fn topics_are_apart(bus: &dyn Bus) {
    let mut readers = Vec::new();
    for topic in Topic::ALL {
        readers.push((topic, bus.subscribe(topic, WORKERS).await.unwrap()));
    }
    for topic in Topic::ALL {
        bus.publish(topic, Wake::one(topic.name())).await.unwrap();
    }
    for (topic, reader) in &mut readers {
        assert_eq!(take(reader).await, topic.name());
        assert_silent(reader).await;
    }
}

pub async fn a_group_finds_what_came_in_its_absence(bus: &dyn Bus) {
    drop(join(bus, WORKERS).await);
    for id in ["a", "b"] {
        send(bus, id).await;
    }
    let mut reader = join(bus, WORKERS).await;
    assert_eq!(take(&mut reader).await, "a");
    assert_eq!(take(&mut reader).await, "b");
}

pub async fn nobody_of_each_finds_what_came_before(bus: &dyn Bus) {
    drop(join(bus, Group::Each).await);
    send(bus, "a").await;
    let mut reader = join(bus, Group::Each).await;
    assert_silent(&mut reader).await;
    send(bus, "b").await;
    assert_eq!(take(&mut reader).await, "b");
}

pub async fn an_unsettled_delivery_comes_again(bus: &dyn Bus) {
    let mut reader = join(bus, WORKERS).await;
    send(bus, "a").await;
    for _ in 0..3 {
        let delivery = next(&mut reader).await;
        assert_eq!(delivery.wake.ids, ["a"]);
        drop(delivery);
    }
    assert_eq!(take(&mut reader).await, "a");
    let mut each = join(bus, Group::Each).await;
    send(bus, "b").await;
    drop(next(&mut each).await);
    assert_eq!(take(&mut each).await, "b");
}

pub async fn a_subscription_gives_back_what_it_had(bus: &dyn Bus) {
    let (mut one, mut two) = (join(bus, WORKERS).await, join(bus, WORKERS).await);
    send(bus, "a").await;
    let held = next(&mut one).await;
    assert_silent(&mut two).await;
    drop(one);
    assert_eq!(take(&mut two).await, "a");
    // The delivery has gone to another reader: settling it changes nothing.
    drop(held);
    assert_silent(&mut two).await;
}

pub async fn a_settled_delivery_does_not_come_again(bus: &dyn Bus) {
    let mut reader = join(bus, WORKERS).await;
    send(bus, "a").await;
    assert_eq!(take(&mut reader).await, "a");
    drop(reader);
    let mut reader = join(bus, WORKERS).await;
    assert_silent(&mut reader).await;
}

pub async fn a_retry_comes_not_before_its_time(bus: &dyn Bus) {
    let (mut one, mut two) = (join(bus, WORKERS).await, join(bus, WORKERS).await);
    send(bus, "late").await;
    let delay = Duration::from_millis(300);
    let delivery = next(&mut one).await;
    let asked = tokio::time::Instant::now();
    delivery.retry_after(delay).await;
    send(bus, "soon").await;
    assert_eq!(take(&mut one).await, "soon");
    let delivery = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            delivery = one.next() => delivery,
            delivery = two.next() => delivery,
        }
    });
    let delivery = delivery.await.expect("it comes again").unwrap();
    assert_eq!(delivery.wake.ids, ["late"]);
    assert!(asked.elapsed() >= delay, "{:?}", asked.elapsed());
    delivery.ack().await;
    assert_silent(&mut one).await;
}

pub async fn a_wait_may_be_cancelled(bus: &dyn Bus) {
    let (mut one, mut two) = (join(bus, WORKERS).await, join(bus, WORKERS).await);
    for id in 0..20 {
        // The readers begin to wait, and one that has been told may not look.
        {
            let (waiting_one, waiting_two) = (one.next(), two.next());
            tokio::pin!(waiting_one, waiting_two);
            tokio::select! {
                biased;
                _ = &mut waiting_one => panic!("nothing has been sent"),
                _ = &mut waiting_two => panic!("nothing has been sent"),
                () = tokio::task::yield_now() => {}
            }
            send(bus, &id.to_string()).await;
        }
        let reader = if id % 2 == 0 { &mut one } else { &mut two };
        assert_eq!(take(reader).await, id.to_string());
    }
}

pub async fn one_reader_sees_the_order(bus: &dyn Bus) {
    let mut reader = join(bus, WORKERS).await;
    for id in 0..50 {
        send(bus, &id.to_string()).await;
    }
    for id in 0..50 {
        assert_eq!(take(&mut reader).await, id.to_string());
    }
}

pub async fn a_wake_up_is_what_was_sent(bus: &dyn Bus) {
    bus.publish(TOPIC, Wake::one("nobody reads")).await.unwrap();
    let mut reader = join(bus, Group::Each).await;
    let wakes = [
        Wake { ids: vec!["a".to_owned(), "\u{e9}'\"".to_owned()], revision: None },
        Wake { ids: Vec::new(), revision: Some(Revision(u64::MAX)) },
    ];
    for wake in wakes {
        bus.publish(TOPIC, wake.clone()).await.unwrap();
        let delivery = next(&mut reader).await;
        assert_eq!(delivery.wake, wake);
        delivery.ack().await;
    }
}

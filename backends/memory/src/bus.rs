//! The bus: one queue for each group of a topic, one for each subscriber of its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use st2_ports::{Bus, BusError, Delivery, Group, Settle, Subscription, Topic, Wake};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::lock;

/// How many wake-ups a queue holds unless told otherwise.
const CAPACITY: usize = 65_536;

/// Wake-ups between the services of one process. A group has a queue from its first subscription
/// on. A queue beyond its capacity loses its oldest wake-up, which a sweep makes good.
pub struct MemoryBus {
    shared: Arc<Shared>,
}

struct Shared {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queues: BTreeMap<(&'static str, Reader), Queue>,
    subscriptions: u64,
    dropped: u64,
    closed: bool,
}

/// Whose queue it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reader {
    Group(&'static str),
    Subscription(u64),
}

/// Wake-ups are numbered in the order in which they came, and keep their number when they come
/// again.
#[derive(Default)]
struct Queue {
    next: u64,
    ready: VecDeque<(u64, Wake)>,
    delayed: BTreeMap<(Instant, u64), Wake>,
    unsettled: BTreeMap<u64, (u64, Wake)>,
    changed: Arc<Notify>,
}

impl Queue {
    /// Appends a wake-up; whether an older one had to go for it.
    fn push(&mut self, wake: Wake, capacity: usize) -> bool {
        self.next += 1;
        self.ready.push_back((self.next, wake));
        self.changed.notify_one();
        let overfull = self.ready.len() + self.delayed.len() > capacity;
        overfull && (self.ready.pop_front().is_some())
    }

    /// Puts a wake-up back where its number belongs.
    fn put_back(&mut self, number: u64, wake: Wake) {
        let place = self.ready.partition_point(|(other, _)| *other < number);
        self.ready.insert(place, (number, wake));
        self.changed.notify_one();
    }

    /// Makes the delayed wake-ups ready whose time has come.
    fn advance(&mut self, now: Instant) {
        while let Some(entry) = self.delayed.first_entry() {
            let (due, number) = *entry.key();
            if due > now {
                return;
            }
            let wake = entry.remove();
            self.put_back(number, wake);
        }
    }

    fn take(&mut self, subscription: u64) -> Option<(u64, Wake)> {
        let (number, wake) = self.ready.pop_front()?;
        self.unsettled.insert(number, (subscription, wake.clone()));
        Some((number, wake))
    }

    /// Gives back what `subscription` has not settled.
    fn give_back(&mut self, subscription: u64) {
        let of_it = |(_, (owner, _)): &(&u64, &(u64, Wake))| *owner == subscription;
        let numbers: Vec<u64> = self.unsettled.iter().filter(of_it).map(|(n, _)| *n).collect();
        for number in numbers {
            if let Some((_, wake)) = self.unsettled.remove(&number) {
                self.put_back(number, wake);
            }
        }
    }
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl MemoryBus {
    /// A bus whose queues hold so many wake-ups that wait or are delayed.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { shared: Arc::new(Shared { capacity, state: Mutex::default() }) }
    }

    /// How many wake-ups were lost because a queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        lock(&self.shared.state).dropped
    }

    /// Ends every subscription; what is published from now on is refused.
    pub fn close(&self) {
        let mut state = lock(&self.shared.state);
        state.closed = true;
        for queue in state.queues.values() {
            queue.changed.notify_waiters();
        }
    }
}

impl Drop for MemoryBus {
    fn drop(&mut self) {
        self.close();
    }
}

fn closed() -> BusError {
    BusError::Unavailable("it has been closed".to_owned())
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, topic: Topic, wake: Wake) -> Result<(), BusError> {
        let mut state = lock(&self.shared.state);
        if state.closed {
            return Err(closed());
        }
        let first = (topic.name(), Reader::Group(""));
        let mut dropped = 0;
        for ((name, _), queue) in state.queues.range_mut(first..) {
            if *name != topic.name() {
                break;
            }
            dropped += u64::from(queue.push(wake.clone(), self.shared.capacity));
        }
        state.dropped += dropped;
        Ok(())
    }

    async fn subscribe(
        &self,
        topic: Topic,
        group: Group,
    ) -> Result<Box<dyn Subscription>, BusError> {
        let mut state = lock(&self.shared.state);
        if state.closed {
            return Err(closed());
        }
        state.subscriptions += 1;
        let id = state.subscriptions;
        let reader = match group {
            Group::Shared(name) => Reader::Group(name),
            Group::Each => Reader::Subscription(id),
        };
        let key = (topic.name(), reader);
        let changed = Arc::clone(&state.queues.entry(key).or_default().changed);
        Ok(Box::new(MemorySubscription { shared: Arc::clone(&self.shared), key, id, changed }))
    }
}

struct MemorySubscription {
    shared: Arc<Shared>,
    key: (&'static str, Reader),
    id: u64,
    changed: Arc<Notify>,
}

/// What a reader finds when it looks at its queue.
enum Look {
    Found(u64, Wake),
    WaitUntil(Option<Instant>),
    Closed,
}

impl MemorySubscription {
    fn look(&self) -> Look {
        let mut state = lock(&self.shared.state);
        if state.closed {
            return Look::Closed;
        }
        let Some(queue) = state.queues.get_mut(&self.key) else {
            return Look::Closed;
        };
        queue.advance(Instant::now());
        match queue.take(self.id) {
            Some((number, wake)) => Look::Found(number, wake),
            None => Look::WaitUntil(queue.delayed.first_key_value().map(|((due, _), _)| *due)),
        }
    }
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening begins before looking, so that nothing falls between.
            changed.as_mut().enable();
            match self.look() {
                Look::Closed => return None,
                Look::Found(number, wake) => {
                    let settle = Unsettled {
                        shared: Arc::clone(&self.shared),
                        key: self.key,
                        subscription: self.id,
                        number,
                    };
                    return Some(Delivery::new(wake, Box::new(settle)));
                }
                Look::WaitUntil(None) => changed.await,
                Look::WaitUntil(Some(due)) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(due) => {}
                },
            }
        }
    }
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        let mut state = lock(&self.shared.state);
        match self.key.1 {
            Reader::Subscription(_) => {
                state.queues.remove(&self.key);
            }
            Reader::Group(_) => {
                if let Some(queue) = state.queues.get_mut(&self.key) {
                    queue.give_back(self.id);
                    // This reader may have been the one that was told of the last change.
                    queue.changed.notify_one();
                }
            }
        }
    }
}

/// A delivery that nobody has settled yet.
struct Unsettled {
    shared: Arc<Shared>,
    key: (&'static str, Reader),
    subscription: u64,
    number: u64,
}

impl Unsettled {
    /// Takes the wake-up back, unless its subscription has ended meanwhile and gave it back.
    fn settle(&self, then: impl FnOnce(&mut Queue, Wake)) {
        let mut state = lock(&self.shared.state);
        let Some(queue) = state.queues.get_mut(&self.key) else {
            return;
        };
        match queue.unsettled.get(&self.number) {
            Some((owner, _)) if *owner == self.subscription => {}
            _ => return,
        }
        if let Some((_, wake)) = queue.unsettled.remove(&self.number) {
            then(queue, wake);
        }
    }
}

#[async_trait]
impl Settle for Unsettled {
    async fn ack(self: Box<Self>) {
        self.settle(|_, _| {});
    }

    async fn retry_after(self: Box<Self>, delay: Duration) {
        let due = Instant::now() + delay;
        self.settle(|queue, wake| {
            queue.delayed.insert((due, self.number), wake);
            // Every reader that waits must learn until when.
            queue.changed.notify_waiters();
        });
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        self.settle(|queue, wake| queue.put_back(self.number, wake));
    }
}

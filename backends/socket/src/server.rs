//! The side that owns the ports.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use st2_ports::{
    BusError, Collection, CoordinationError, Delivery, Filter, Group, Inserted, Ports, Query,
    Readiness, Replaced, RoutineKind, Service, ServiceContext, ServiceError, Store, StoreError,
    Subscription,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex as AsyncMutex, Semaphore, mpsc, oneshot};

use crate::filter::FilterFrame;
use crate::frame::{
    self, Answer, Base64, Call, DeliveryFrame, Failure, InsertedFrame, Numbered, QueryFrame,
    ReplacedFrame,
};

const NAME: &str = "socket";
/// Calls of one connection that are worked on at a time.
const CALLS_MAX: usize = 256;
/// Names that clients bring along and that must live for ever here; ours are a handful.
const NAMES_MAX: usize = 256;

/// Offers the ports of this process on a socket.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    collections: &'static [&'static Collection],
}

impl Server {
    /// Listens on a socket at `path` that only the owner of this process may open. A socket that
    /// an earlier process left there is replaced: the caller holds the directory's lock.
    /// `collections` are those that clients may name.
    ///
    /// # Errors
    /// When the socket can not be made.
    pub fn bind(path: &Path, collections: &'static [&'static Collection]) -> std::io::Result<Self> {
        match std::fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path: path.to_owned(), collections })
    }
}

#[async_trait]
impl Service for Server {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn run(self: Box<Self>, context: ServiceContext) -> Result<(), ServiceError> {
        context.health.set(NAME, Readiness::Ready);
        loop {
            let accepted = tokio::select! {
                () = context.shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (ports, shutdown) = (context.ports.clone(), context.shutdown.clone());
                    let collections = self.collections;
                    context.ports.routines.spawn(RoutineKind::Connection, NAME, async move {
                        tokio::select! {
                            () = shutdown.cancelled() => {}
                            () = serve(stream, ports, collections) => {}
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket was gone already");
        }
        Ok(())
    }
}

/// A subscription that one call at a time may wait on.
type Reader = Arc<AsyncMutex<Box<dyn Subscription>>>;

/// What one connection holds: it is all given back when the connection ends.
struct Connection {
    ports: Ports,
    relaxed: Arc<dyn Store>,
    collections: &'static [&'static Collection],
    next: AtomicU64,
    subscriptions: Mutex<HashMap<u64, Reader>>,
    deliveries: Mutex<HashMap<u64, Delivery>>,
}

async fn serve(stream: UnixStream, ports: Ports, collections: &'static [&'static Collection]) {
    let (mut reader, mut writer) = stream.into_split();
    let (answers, mut queue) = mpsc::channel::<Vec<u8>>(CALLS_MAX);
    let routines = ports.routines.clone();
    // Those who wait for a wake-up hold senders: the queue ends with the connection, not after them.
    let (open, mut over) = oneshot::channel::<()>();
    routines.spawn(RoutineKind::Connection, NAME, async move {
        loop {
            let bytes = tokio::select! {
                bytes = queue.recv() => bytes,
                _ = &mut over => None,
            };
            let Some(bytes) = bytes else { return };
            if frame::write(&mut writer, &bytes).await.is_err() {
                return;
            }
        }
    });
    let _open = open;
    let connection = Arc::new(Connection {
        relaxed: ports.relaxed_store(),
        ports,
        collections,
        next: AtomicU64::new(0),
        subscriptions: Mutex::default(),
        deliveries: Mutex::default(),
    });
    let slots = Arc::new(Semaphore::new(CALLS_MAX));
    loop {
        let call = match frame::read::<Numbered<Call>>(&mut reader).await {
            Ok(Some(call)) => call,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "a client of the socket sent what can not be read");
                return;
            }
        };
        let (connection, answers) = (Arc::clone(&connection), answers.clone());
        // A wait for a wake-up may last for ever and takes no slot.
        let slot = match &call.body {
            Call::Next { .. } => None,
            _ => Arc::clone(&slots).acquire_owned().await.ok(),
        };
        routines.spawn(RoutineKind::Connection, NAME, async move {
            let work = async {
                let answer = connection.answer(call.body).await;
                let failed = || Answer::Failed(Failure::Invalid("the answer is too long".into()));
                let bytes = frame::encode(&Numbered { id: call.id, body: answer })
                    .or_else(|_| frame::encode(&Numbered { id: call.id, body: failed() }));
                if let Ok(bytes) = bytes {
                    // The client is gone when the queue is closed.
                    drop(answers.send(bytes).await);
                }
            };
            tokio::select! {
                () = work => {}
                () = answers.closed() => {}
            }
            drop(slot);
        });
    }
}

impl Connection {
    async fn answer(&self, call: Call) -> Answer {
        match self.store(call).await {
            Ok(answer) => answer,
            Err(call) => match self.bus(call).await {
                Ok(answer) => answer,
                Err(call) => self.coordinator(call).await,
            },
        }
    }

    /// Calls of the store; any other comes back.
    async fn store(&self, call: Call) -> Result<Answer, Call> {
        let (store, call) = match call {
            Call::Relaxed(call) => (&self.relaxed, *call),
            call => (&self.ports.store, call),
        };
        let answer = match call {
            Call::Get { collection, id } => match self.of(&collection) {
                Ok(from) => store.get(from, &id).await.map(Answer::Record),
                Err(error) => Err(error),
            },
            Call::Find { collection, query } => match self.of(&collection) {
                Ok(from) => match query_of(query) {
                    Ok(query) => store.find(from, &query).await.map(Answer::Records),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            },
            Call::Count { collection, filter } => match self.of(&collection) {
                Ok(from) => match filter_of(filter) {
                    Ok(filter) => store.count(from, &filter).await.map(Answer::Number),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            },
            Call::Insert { collection, document, fence } => match self.of(&collection) {
                Ok(into) => store.insert(into, document, fence.as_ref()).await.map(inserted),
                Err(error) => Err(error),
            },
            Call::Replace { collection, document, revision, fence } => match self.of(&collection) {
                Ok(into) => {
                    store.replace(into, document, revision, fence.as_ref()).await.map(replaced)
                }
                Err(error) => Err(error),
            },
            Call::UpdateMany { collection, filter, patch } => match self.of(&collection) {
                Ok(into) => match filter_of(filter) {
                    Ok(filter) => {
                        store.update_many(into, &filter, &patch).await.map(Answer::Number)
                    }
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            },
            Call::Delete { collection, filter } => match self.of(&collection) {
                Ok(from) => match filter_of(filter) {
                    Ok(filter) => store.delete(from, &filter).await.map(Answer::Number),
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            },
            Call::RaiseFence(fence) => store.raise_fence(&fence).await.map(|()| Answer::Done),
            Call::PutBlob(Base64(bytes)) => {
                store.put_blob(Bytes::from(bytes)).await.map(Answer::BlobRef)
            }
            Call::GetBlob(digest) => store
                .get_blob(&digest)
                .await
                .map(|found| Answer::Blob(found.map(|bytes| Base64(bytes.to_vec())))),
            Call::DeleteBlob(digest) => store.delete_blob(&digest).await.map(Answer::Flag),
            Call::Flush => store.flush().await.map(|()| Answer::Done),
            other => return Err(other),
        };
        Ok(answer.unwrap_or_else(|error| Answer::Failed(failure(error))))
    }

    /// Calls of the bus; any other comes back.
    async fn bus(&self, call: Call) -> Result<Answer, Call> {
        match call {
            Call::Publish { topic, wake } => Ok(self
                .ports
                .bus
                .publish(topic, wake)
                .await
                .map_or_else(bus_failure, |()| Answer::Done)),
            Call::Subscribe { topic, group } => {
                let group = match group {
                    None => Group::Each,
                    Some(name) => match interned(&name) {
                        Some(name) => Group::Shared(name),
                        None => return Ok(invalid("too many names of groups")),
                    },
                };
                Ok(match self.ports.bus.subscribe(topic, group).await {
                    Ok(subscription) => {
                        let id = self.next.fetch_add(1, Ordering::Relaxed);
                        let shared = Arc::new(AsyncMutex::new(subscription));
                        lock(&self.subscriptions).insert(id, shared);
                        Answer::Subscribed(id)
                    }
                    Err(error) => bus_failure(error),
                })
            }
            Call::Next { subscription } => {
                let found = lock(&self.subscriptions).get(&subscription).cloned();
                let Some(found) = found else { return Ok(Answer::Delivery(None)) };
                let delivery = found.lock().await.next().await;
                Ok(Answer::Delivery(delivery.map(|delivery| {
                    let id = self.next.fetch_add(1, Ordering::Relaxed);
                    let wake = delivery.wake.clone();
                    lock(&self.deliveries).insert(id, delivery);
                    DeliveryFrame { delivery: id, wake }
                })))
            }
            Call::Unsubscribe { subscription } => {
                lock(&self.subscriptions).remove(&subscription);
                Ok(Answer::Done)
            }
            Call::Ack { delivery } => {
                let found = lock(&self.deliveries).remove(&delivery);
                if let Some(delivery) = found {
                    delivery.ack().await;
                }
                Ok(Answer::Done)
            }
            Call::Forget { delivery } => {
                // Unsettled, it comes again.
                drop(lock(&self.deliveries).remove(&delivery));
                Ok(Answer::Done)
            }
            Call::RetryAfter { delivery, delay_ms } => {
                let found = lock(&self.deliveries).remove(&delivery);
                if let Some(delivery) = found {
                    delivery.retry_after(Duration::from_millis(delay_ms)).await;
                }
                Ok(Answer::Done)
            }
            other => Err(other),
        }
    }

    fn of(&self, name: &str) -> Result<&'static Collection, StoreError> {
        let found = self.collections.iter().find(|collection| collection.name == name).copied();
        found.ok_or_else(|| StoreError::Invalid {
            collection: "?",
            reason: format!("there is no collection \"{name}\""),
        })
    }

    async fn coordinator(&self, call: Call) -> Answer {
        let coordinator = &self.ports.coordinator;
        let answer = match call {
            Call::Acquire { key, owner, ttl_ms } => {
                let ttl = Duration::from_millis(ttl_ms);
                coordinator.acquire(&key, &owner, ttl).await.map(Answer::Lease)
            }
            Call::Renew(lease) => coordinator.renew(&lease).await.map(Answer::Flag),
            Call::Release(lease) => coordinator.release(&lease).await.map(|()| Answer::Done),
            Call::Holder { key } => coordinator.holder(&key).await.map(Answer::Holder),
            Call::Join { group, member, ttl_ms } => {
                let ttl = Duration::from_millis(ttl_ms);
                coordinator.join(&group, member, ttl).await.map(|()| Answer::Done)
            }
            Call::Leave { group, member } => {
                coordinator.leave(&group, &member).await.map(|()| Answer::Done)
            }
            Call::Members { group } => coordinator.members(&group).await.map(Answer::Members),
            _ => return invalid("no port takes this call"),
        };
        answer.unwrap_or_else(|CoordinationError::Unavailable(reason)| {
            Answer::Failed(Failure::Unavailable(reason))
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn invalid(reason: &str) -> Answer {
    Answer::Failed(Failure::Invalid(reason.to_owned()))
}

fn bus_failure(BusError::Unavailable(reason): BusError) -> Answer {
    Answer::Failed(Failure::Unavailable(reason))
}

fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::Unavailable(reason) => Failure::Unavailable(reason),
        StoreError::Fenced { key, epoch } => Failure::Fenced { key, epoch },
        StoreError::Corrupt { id, reason, .. } => Failure::Corrupt { id, reason },
        StoreError::Invalid { reason, .. } => Failure::Invalid(reason),
    }
}

fn inserted(outcome: Inserted) -> Answer {
    Answer::Inserted(match outcome {
        Inserted::New => InsertedFrame::New,
        Inserted::Exists => InsertedFrame::Exists,
        Inserted::Taken(index) => InsertedFrame::Taken(index.to_owned()),
    })
}

fn replaced(outcome: Replaced) -> Answer {
    Answer::Replaced(match outcome {
        Replaced::At(revision) => ReplacedFrame::At(revision),
        Replaced::Stale => ReplacedFrame::Stale,
        Replaced::Missing => ReplacedFrame::Missing,
        Replaced::Taken(index) => ReplacedFrame::Taken(index.to_owned()),
    })
}

fn filter_of(frame: FilterFrame) -> Result<Filter, StoreError> {
    frame.into_filter().ok_or_else(|| StoreError::Invalid {
        collection: "?",
        reason: "the condition is broken".to_owned(),
    })
}

fn query_of(frame: QueryFrame) -> Result<Query, StoreError> {
    Ok(Query {
        filter: filter_of(frame.filter)?,
        sort: frame.sort,
        limit: frame.limit,
        offset: frame.offset,
        after: frame.after,
        // A name beyond the bound is not left out: the answer is larger, not wrong.
        without: frame.without.iter().filter_map(|name| interned(name)).collect(),
    })
}

/// A name that lives for ever; `None` beyond the bound on their number.
fn interned(name: &str) -> Option<&'static str> {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = lock(&NAMES);
    if let Some(known) = names.get(name) {
        return Some(known);
    }
    if names.len() >= NAMES_MAX {
        return None;
    }
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    names.insert(name);
    Some(name)
}

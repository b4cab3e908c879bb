//! The side that uses the ports of another process.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use st2_model::{BlobRef, Digest, Revision};
use st2_ports::{
    Bus, BusError, Collection, CoordinationError, Coordinator, Delivery, Document, Fence, Filter,
    Group, Holder, Inserted, Lease, Member, Patch, Query, Record, Replaced, RoutineKind, Routines,
    Settle, Store, StoreError, Subscription, Topic, Wake,
};
use tokio::net::UnixStream;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

use crate::filter::FilterFrame;
use crate::frame::{
    self, Answer, Base64, Call, Failure, InsertedFrame, Numbered, QueryFrame, ReplacedFrame,
};

/// Calls that wait to be written.
const QUEUE: usize = 256;
/// How long a subscription waits before it connects anew.
const RECONNECT: Duration = Duration::from_millis(250);

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

/// The ports of the process that listens on a socket. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    /// Whether its writes to the store are relaxed.
    is_relaxed: bool,
}

struct Inner {
    path: PathBuf,
    routines: Routines,
    next: AtomicU64,
    link: AsyncMutex<Option<Link>>,
}

/// One connection.
#[derive(Clone)]
struct Link {
    calls: mpsc::Sender<Vec<u8>>,
    waiting: Waiting,
}

impl Client {
    /// A client of the socket at `path`, connected.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn connect(path: PathBuf, routines: Routines) -> std::io::Result<Self> {
        let client = Self::to(path, routines);
        client.link().await?;
        Ok(client)
    }

    /// A client of the socket at `path`, which connects at its first call.
    #[must_use]
    pub fn to(path: PathBuf, routines: Routines) -> Self {
        let inner = Inner { path, routines, next: AtomicU64::new(0), link: AsyncMutex::new(None) };
        Self { inner: Arc::new(inner), is_relaxed: false }
    }

    /// The connection, made anew if the last one is gone.
    async fn link(&self) -> std::io::Result<Link> {
        let mut current = self.inner.link.lock().await;
        if let Some(link) = current.as_ref().filter(|link| !link.calls.is_closed()) {
            return Ok(link.clone());
        }
        let stream = UnixStream::connect(&self.inner.path).await?;
        let (mut reader, mut writer) = stream.into_split();
        let (calls, mut queue) = mpsc::channel::<Vec<u8>>(QUEUE);
        let waiting = Waiting::default();
        let (answered, shutdown) = (Arc::clone(&waiting), self.inner.routines.shutdown());
        self.inner.routines.spawn(RoutineKind::Connection, "socket client", async move {
            let write = async {
                while let Some(bytes) = queue.recv().await {
                    if frame::write(&mut writer, &bytes).await.is_err() {
                        return;
                    }
                }
                // Every client is dropped; what was asked last is still being answered.
                std::future::pending().await
            };
            let read = async {
                while let Ok(Some(answer)) = frame::read::<Numbered<Answer>>(&mut reader).await {
                    let waiter = lock(&answered).remove(&answer.id);
                    // A caller that gave up does not wait any more.
                    drop(waiter.map(|waiter| waiter.send(answer.body)));
                }
            };
            let lingering = async {
                shutdown.cancelled().await;
                tokio::time::sleep(RECONNECT).await;
            };
            tokio::select! {
                () = write => {}
                () = read => {}
                // Not in the branch: what is asked meanwhile is to be answered.
                () = lingering => {}
            }
            // Whoever still waits learns that the connection is gone.
            lock(&answered).clear();
        });
        let link = Link { calls, waiting };
        *current = Some(link.clone());
        Ok(link)
    }

    /// Sends a call; the receiver gets the answer, or an error when the connection ends first.
    async fn send(&self, call: Call) -> Result<oneshot::Receiver<Answer>, String> {
        let link = self.link().await.map_err(|error| error.to_string())?;
        let id = self.inner.next.fetch_add(1, Ordering::Relaxed);
        let bytes = frame::encode(&Numbered { id, body: call }).map_err(|e| e.to_string())?;
        let (waiter, answer) = oneshot::channel();
        lock(&link.waiting).insert(id, waiter);
        if link.calls.send(bytes).await.is_err() {
            lock(&link.waiting).remove(&id);
            return Err(self.gone());
        }
        Ok(answer)
    }

    async fn call(&self, call: Call) -> Result<Answer, String> {
        self.send(call).await?.await.map_err(|_| self.gone())
    }

    /// Sends a call in the background. A connection that is gone needs no telling: the other side
    /// gave back everything with it.
    fn say(&self, call: Call) {
        let client = self.clone();
        self.inner.routines.spawn(RoutineKind::Connection, "socket client", async move {
            drop(client.call(call).await);
        });
    }

    fn gone(&self) -> String {
        format!("the process behind {} is gone", self.inner.path.display())
    }

    async fn ask(&self, about: &'static Collection, call: Call) -> Result<Answer, StoreError> {
        match self.call(call).await {
            Ok(Answer::Failed(failure)) => Err(store_error(about.name, failure)),
            Ok(answer) => Ok(answer),
            Err(reason) => Err(StoreError::Unavailable(reason)),
        }
    }

    /// Asks for a write, durable or not as this view says.
    async fn write(&self, to: &'static Collection, call: Call) -> Result<Answer, StoreError> {
        let call = if self.is_relaxed { Call::Relaxed(Box::new(call)) } else { call };
        self.ask(to, call).await
    }

    async fn coordinate(&self, call: Call) -> Result<Answer, CoordinationError> {
        match self.call(call).await {
            Ok(Answer::Failed(failure)) => Err(CoordinationError::Unavailable(text(failure))),
            Ok(answer) => Ok(answer),
            Err(reason) => Err(CoordinationError::Unavailable(reason)),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(failure: Failure) -> String {
    match failure {
        Failure::Unavailable(reason) | Failure::Invalid(reason) => reason,
        Failure::Fenced { key, .. } => key,
        Failure::Corrupt { id, reason } => format!("{id}: {reason}"),
    }
}

fn store_error(collection: &'static str, failure: Failure) -> StoreError {
    match failure {
        Failure::Unavailable(reason) => StoreError::Unavailable(reason),
        Failure::Fenced { key, epoch } => StoreError::Fenced { key, epoch },
        Failure::Corrupt { id, reason } => StoreError::Corrupt { collection, id, reason },
        Failure::Invalid(reason) => StoreError::Invalid { collection, reason },
    }
}

/// An answer that does not fit its call: the two executables are not of one version.
fn unexpected() -> StoreError {
    StoreError::Unavailable("the other process gave an answer of another version".to_owned())
}

fn mismatch() -> CoordinationError {
    CoordinationError::Unavailable(unexpected().to_string())
}

fn index_of(collection: &'static Collection, name: &str) -> &'static str {
    let found = collection.indexes.iter().find(|index| index.name == name);
    found.map_or("unknown", |index| index.name)
}

/// Fences and blobs belong to no collection; errors say so.
static NO_COLLECTION: Collection = Collection { name: "store", indexes: &[], expires: None };

#[async_trait]
impl Store for Client {
    async fn get(&self, from: &'static Collection, id: &str) -> Result<Option<Record>, StoreError> {
        let call = Call::Get { collection: from.name.to_owned(), id: id.to_owned() };
        match self.ask(from, call).await? {
            Answer::Record(record) => Ok(record),
            _ => Err(unexpected()),
        }
    }

    async fn find(
        &self,
        from: &'static Collection,
        query: &Query,
    ) -> Result<Vec<Record>, StoreError> {
        let call = Call::Find { collection: from.name.to_owned(), query: QueryFrame::from(query) };
        match self.ask(from, call).await? {
            Answer::Records(records) => Ok(records),
            _ => Err(unexpected()),
        }
    }

    async fn count(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        let call =
            Call::Count { collection: from.name.to_owned(), filter: FilterFrame::from(filter) };
        match self.ask(from, call).await? {
            Answer::Number(number) => Ok(number),
            _ => Err(unexpected()),
        }
    }

    async fn insert(
        &self,
        into: &'static Collection,
        document: Document,
        fence: Option<&Fence>,
    ) -> Result<Inserted, StoreError> {
        let (collection, fence) = (into.name.to_owned(), fence.cloned());
        match self.write(into, Call::Insert { collection, document, fence }).await? {
            Answer::Inserted(InsertedFrame::New) => Ok(Inserted::New),
            Answer::Inserted(InsertedFrame::Exists) => Ok(Inserted::Exists),
            Answer::Inserted(InsertedFrame::Taken(index)) => {
                Ok(Inserted::Taken(index_of(into, &index)))
            }
            _ => Err(unexpected()),
        }
    }

    async fn replace(
        &self,
        into: &'static Collection,
        document: Document,
        revision: Revision,
        fence: Option<&Fence>,
    ) -> Result<Replaced, StoreError> {
        let (collection, fence) = (into.name.to_owned(), fence.cloned());
        match self.write(into, Call::Replace { collection, document, revision, fence }).await? {
            Answer::Replaced(ReplacedFrame::At(revision)) => Ok(Replaced::At(revision)),
            Answer::Replaced(ReplacedFrame::Stale) => Ok(Replaced::Stale),
            Answer::Replaced(ReplacedFrame::Missing) => Ok(Replaced::Missing),
            Answer::Replaced(ReplacedFrame::Taken(index)) => {
                Ok(Replaced::Taken(index_of(into, &index)))
            }
            _ => Err(unexpected()),
        }
    }

    async fn update_many(
        &self,
        into: &'static Collection,
        filter: &Filter,
        patch: &Patch,
    ) -> Result<u64, StoreError> {
        let (filter, patch) = (FilterFrame::from(filter), patch.clone());
        let call = Call::UpdateMany { collection: into.name.to_owned(), filter, patch };
        match self.write(into, call).await? {
            Answer::Number(number) => Ok(number),
            _ => Err(unexpected()),
        }
    }

    async fn delete(&self, from: &'static Collection, filter: &Filter) -> Result<u64, StoreError> {
        let call =
            Call::Delete { collection: from.name.to_owned(), filter: FilterFrame::from(filter) };
        match self.write(from, call).await? {
            Answer::Number(number) => Ok(number),
            _ => Err(unexpected()),
        }
    }

    async fn raise_fence(&self, fence: &Fence) -> Result<(), StoreError> {
        match self.write(&NO_COLLECTION, Call::RaiseFence(fence.clone())).await? {
            Answer::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }

    async fn put_blob(&self, content: Bytes) -> Result<BlobRef, StoreError> {
        let call = Call::PutBlob(Base64(content.to_vec()));
        match self.write(&NO_COLLECTION, call).await? {
            Answer::BlobRef(blob) => Ok(blob),
            _ => Err(unexpected()),
        }
    }

    async fn get_blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        match self.ask(&NO_COLLECTION, Call::GetBlob(digest.clone())).await? {
            Answer::Blob(found) => Ok(found.map(|Base64(bytes)| Bytes::from(bytes))),
            _ => Err(unexpected()),
        }
    }

    async fn delete_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        match self.write(&NO_COLLECTION, Call::DeleteBlob(digest.clone())).await? {
            Answer::Flag(was_there) => Ok(was_there),
            _ => Err(unexpected()),
        }
    }

    fn relaxed(self: Arc<Self>) -> Arc<dyn Store> {
        Arc::new(Self { inner: Arc::clone(&self.inner), is_relaxed: true })
    }

    async fn flush(&self) -> Result<(), StoreError> {
        match self.ask(&NO_COLLECTION, Call::Flush).await? {
            Answer::Done => Ok(()),
            _ => Err(unexpected()),
        }
    }
}

#[async_trait]
impl Coordinator for Client {
    async fn acquire(
        &self,
        key: &str,
        owner: &str,
        ttl: Duration,
    ) -> Result<Option<Lease>, CoordinationError> {
        let (key, owner) = (key.to_owned(), owner.to_owned());
        match self.coordinate(Call::Acquire { key, owner, ttl_ms: millis(ttl) }).await? {
            Answer::Lease(lease) => Ok(lease),
            _ => Err(mismatch()),
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, CoordinationError> {
        match self.coordinate(Call::Renew(lease.clone())).await? {
            Answer::Flag(is_ours) => Ok(is_ours),
            _ => Err(mismatch()),
        }
    }

    async fn release(&self, lease: &Lease) -> Result<(), CoordinationError> {
        self.coordinate(Call::Release(lease.clone())).await.map(drop)
    }

    async fn holder(&self, key: &str) -> Result<Option<Holder>, CoordinationError> {
        match self.coordinate(Call::Holder { key: key.to_owned() }).await? {
            Answer::Holder(holder) => Ok(holder),
            _ => Err(mismatch()),
        }
    }

    async fn join(
        &self,
        group: &str,
        member: Member,
        ttl: Duration,
    ) -> Result<(), CoordinationError> {
        let call = Call::Join { group: group.to_owned(), member, ttl_ms: millis(ttl) };
        self.coordinate(call).await.map(drop)
    }

    async fn leave(&self, group: &str, member_id: &str) -> Result<(), CoordinationError> {
        let (group, member) = (group.to_owned(), member_id.to_owned());
        self.coordinate(Call::Leave { group, member }).await.map(drop)
    }

    async fn members(&self, group: &str) -> Result<Vec<Member>, CoordinationError> {
        match self.coordinate(Call::Members { group: group.to_owned() }).await? {
            Answer::Members(members) => Ok(members),
            _ => Err(mismatch()),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Bus for Client {
    async fn publish(&self, topic: Topic, wake: Wake) -> Result<(), BusError> {
        match self.call(Call::Publish { topic, wake }).await {
            Ok(Answer::Failed(failure)) => Err(BusError::Unavailable(text(failure))),
            Ok(_) => Ok(()),
            Err(reason) => Err(BusError::Unavailable(reason)),
        }
    }

    async fn subscribe(
        &self,
        topic: Topic,
        group: Group,
    ) -> Result<Box<dyn Subscription>, BusError> {
        let id = self.subscription(topic, group).await?;
        let client = self.clone();
        Ok(Box::new(Remote { client, topic, group, id: Some(id), pending: None }))
    }
}

impl Client {
    async fn subscription(&self, topic: Topic, group: Group) -> Result<u64, BusError> {
        let name = match group {
            Group::Shared(name) => Some(name.to_owned()),
            Group::Each => None,
        };
        match self.call(Call::Subscribe { topic, group: name }).await {
            Ok(Answer::Subscribed(id)) => Ok(id),
            Ok(Answer::Failed(failure)) => Err(BusError::Unavailable(text(failure))),
            Ok(_) => Err(BusError::Unavailable(unexpected().to_string())),
            Err(reason) => Err(BusError::Unavailable(reason)),
        }
    }
}

/// A subscription in the other process; made again there when that process was restarted.
struct Remote {
    client: Client,
    topic: Topic,
    group: Group,
    id: Option<u64>,
    /// The answer that is being waited for; kept when `next` is cancelled.
    pending: Option<oneshot::Receiver<Answer>>,
}

#[async_trait]
impl Subscription for Remote {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            if self.id.is_none() {
                match self.client.subscription(self.topic, self.group).await {
                    Ok(id) => self.id = Some(id),
                    Err(_) => {
                        tokio::time::sleep(RECONNECT).await;
                        continue;
                    }
                }
            }
            if self.pending.is_none() {
                let subscription = self.id.unwrap_or_default();
                match self.client.send(Call::Next { subscription }).await {
                    Ok(pending) => self.pending = Some(pending),
                    Err(_) => {
                        self.id = None;
                        continue;
                    }
                }
            }
            let answer = match &mut self.pending {
                Some(pending) => pending.await,
                None => continue,
            };
            self.pending = None;
            match answer {
                Ok(Answer::Delivery(Some(frame))) => {
                    let settle =
                        RemoteSettle { client: self.client.clone(), id: Some(frame.delivery) };
                    return Some(Delivery::new(frame.wake, Box::new(settle)));
                }
                Ok(Answer::Delivery(None)) => return None,
                // The connection ended, or the other side does not know the subscription.
                Ok(_) | Err(_) => self.id = None,
            }
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if let Some(subscription) = self.id.take() {
            self.client.say(Call::Unsubscribe { subscription });
        }
    }
}

struct RemoteSettle {
    client: Client,
    /// Taken when the delivery is settled.
    id: Option<u64>,
}

impl RemoteSettle {
    async fn settle(&mut self, call: impl FnOnce(u64) -> Call) {
        let Some(id) = self.id.take() else { return };
        if let Err(reason) = self.client.call(call(id)).await {
            tracing::debug!(reason, "a wake-up will come again");
        }
    }
}

#[async_trait]
impl Settle for RemoteSettle {
    async fn ack(mut self: Box<Self>) {
        self.settle(|delivery| Call::Ack { delivery }).await;
    }

    async fn retry_after(mut self: Box<Self>, delay: Duration) {
        let delay_ms = millis(delay);
        self.settle(|delivery| Call::RetryAfter { delivery, delay_ms }).await;
    }
}

impl Drop for RemoteSettle {
    fn drop(&mut self) {
        if let Some(delivery) = self.id.take() {
            self.client.say(Call::Forget { delivery });
        }
    }
}

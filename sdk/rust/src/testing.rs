//! A kit to test a sensor without a host: the sensor runs in the test's process, on its real
//! channel, against a [`FakeHost`] that keeps what is dispatched and stored.
//!
//! ```
//! use std::time::Duration;
//! use st2_sdk::testing::FakeHost;
//! use st2_sdk::{DispatchItem, Sensor, SensorContext, SensorResult};
//!
//! struct Once;
//! impl Sensor for Once {
//!     fn run(&self, context: &SensorContext) -> SensorResult {
//!         let trigger = "demo.once".to_owned();
//!         context.service().dispatch(DispatchItem { trigger, ..DispatchItem::default() })?;
//!         context.stop().wait(Duration::MAX);
//!         Ok(())
//!     }
//! }
//!
//! let host = FakeHost::new();
//! let guest = host.start(Once).unwrap();
//! guest.run();
//! assert_eq!(host.wait_for_items(1)[0].trigger, "demo.once");
//! guest.stop().unwrap();
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Map, Value};
use st2_protocol::{
    AddTrigger, ChannelLimits, Configure, DatastoreDeleted, DatastoreItem, DatastoreItems,
    DatastoreValue, DispatchItem, DispatchOutcome, Dispatched, Done, ErrorCode, GuestCall,
    GuestKind, HostCall, Incoming, Initialize, LineBuffer, Log, Nothing, PROTOCOL_VERSION,
    RemoveTrigger, RequestId, RpcError, Trigger, UpdateTrigger, decode, encode_error,
    encode_request, encode_result,
};

use crate::sensor::{PollingSensor, Sensor};
use crate::serve::{ServeError, serve_on, serve_polling_on};

/// How long the kit waits for anything before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a call of the host gave: nothing, or the guest's error.
pub type CallResult = std::result::Result<(), RpcError>;

/// Plays the part of the host for one sensor after the other. What was dispatched and stored stays
/// when a guest ends, so a test can start the next one and see what it makes of it.
#[derive(Clone, Default)]
pub struct FakeHost(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    items: Vec<DispatchItem>,
    keys: BTreeSet<(String, String)>,
    duplicates: usize,
    datastore: BTreeMap<String, String>,
    logs: Vec<Log>,
    refuse_unavailable: usize,
    is_deaf_after: Option<usize>,
    answers: HashMap<(usize, RequestId), CallResult>,
    guests: usize,
    ended: BTreeSet<usize>,
}

impl FakeHost {
    /// A host with an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a sensor and brings it to the point where it takes triggers.
    ///
    /// # Errors
    /// When its set-up fails.
    pub fn start(&self, sensor: impl Sensor) -> std::result::Result<RunningGuest, RpcError> {
        self.launch(Map::new(), ChannelLimits::default(), |channel| serve_on(channel, sensor))
    }

    /// As [`start`](Self::start), with a pack configuration.
    ///
    /// # Errors
    /// When its set-up fails.
    pub fn start_with(
        &self,
        sensor: impl Sensor,
        config: Map<String, Value>,
        limits: ChannelLimits,
    ) -> std::result::Result<RunningGuest, RpcError> {
        self.launch(config, limits, |channel| serve_on(channel, sensor))
    }

    /// As [`start`](Self::start), for a polling sensor.
    ///
    /// # Errors
    /// When its set-up fails.
    pub fn start_polling(
        &self,
        sensor: impl PollingSensor,
        config: Map<String, Value>,
    ) -> std::result::Result<RunningGuest, RpcError> {
        self.launch(config, ChannelLimits::default(), |channel| serve_polling_on(channel, sensor))
    }

    fn launch(
        &self,
        config: Map<String, Value>,
        limits: ChannelLimits,
        serve: impl FnOnce(UnixStream) -> std::result::Result<(), ServeError> + Send + 'static,
    ) -> std::result::Result<RunningGuest, RpcError> {
        let failed = |error: std::io::Error| RpcError::new(ErrorCode::Internal, error.to_string());
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let number = {
            let mut state = self.state();
            state.guests += 1;
            state.is_deaf_after = None;
            state.guests
        };
        let thread = |name: &str| std::thread::Builder::new().name(format!("{name}-{number}"));
        let guest = thread("guest").spawn(move || serve(theirs)).map_err(failed)?;
        let link = Link { host: self.clone(), number, stream: ours.try_clone().map_err(failed)? };
        thread("host").spawn(move || link.answer_calls()).map_err(failed)?;
        let running = RunningGuest {
            host: self.clone(),
            number,
            stream: Mutex::new((ours, 0)),
            thread: Some(guest),
        };
        running.call(HostCall::Initialize(Initialize {
            protocol_versions: vec![PROTOCOL_VERSION],
            kind: GuestKind::Sensor,
            pack: "test".to_owned(),
            name: "Sensor".to_owned(),
            limits,
        }))?;
        running.call(HostCall::Configure(Configure { config, poll_interval_ms: None }))?;
        Ok(running)
    }

    /// Waits until at least so many items are stored; returns all of them, in order. Gives up after
    /// half a minute and returns what is there.
    #[must_use]
    pub fn wait_for_items(&self, count: usize) -> Vec<DispatchItem> {
        self.wait_until(|state| state.items.len() >= count).items.clone()
    }

    /// Waits until a log record contains the text; false when that does not happen.
    #[must_use]
    pub fn wait_for_log(&self, text: &str) -> bool {
        let has = |state: &State| state.logs.iter().any(|log| log.message.contains(text));
        has(&self.wait_until(has))
    }

    /// Waits until a datastore item fulfils the condition; false when that does not happen.
    #[must_use]
    pub fn wait_for_value(&self, name: &str, condition: impl Fn(Option<&str>) -> bool) -> bool {
        let holds = |state: &State| condition(state.datastore.get(name).map(String::as_str));
        holds(&self.wait_until(holds))
    }

    /// Items stored so far.
    #[must_use]
    pub fn items(&self) -> Vec<DispatchItem> {
        self.state().items.clone()
    }

    /// Items that were dropped because of their dedupe key.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.state().duplicates
    }

    /// Log records so far.
    #[must_use]
    pub fn logs(&self) -> Vec<Log> {
        self.state().logs.clone()
    }

    /// The datastore, local names as the sensor knows them.
    #[must_use]
    pub fn datastore(&self) -> BTreeMap<String, String> {
        self.state().datastore.clone()
    }

    /// Puts an item into the datastore.
    pub fn set_value(&self, name: &str, value: &str) {
        self.state().datastore.insert(name.to_owned(), value.to_owned());
    }

    /// Answers the next `count` calls that need the store with "unavailable".
    pub fn be_unavailable(&self, count: usize) {
        self.state().refuse_unavailable = count;
    }

    /// Cuts the line to the running guest, without answer, as soon as `count` more items are
    /// stored: what a guest sees that dies between its dispatch and the answer.
    pub fn die_after_items(&self, count: usize) {
        let mut state = self.state();
        state.is_deaf_after = Some(state.items.len() + count);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.state();
        let waited = self.0.changed.wait_timeout_while(state, PATIENCE, |state| !condition(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    fn serve(&mut self, call: GuestCall) -> std::result::Result<Value, RpcError> {
        if self.refuse_unavailable > 0 && !matches!(call, GuestCall::Log(_)) {
            self.refuse_unavailable -= 1;
            return Err(RpcError::new(ErrorCode::Unavailable, "the store is away"));
        }
        let result = match call {
            GuestCall::Dispatch(call) => {
                let outcomes = call.items.into_iter().map(|item| self.store(item)).collect();
                serde_json::to_value(Dispatched { outcomes })
            }
            GuestCall::Log(log) => {
                self.logs.push(log);
                serde_json::to_value(Done {})
            }
            GuestCall::DatastoreGet(call) => {
                let value = self.datastore.get(&call.name).cloned();
                serde_json::to_value(DatastoreValue { value })
            }
            GuestCall::DatastoreSet(call) => {
                self.datastore.insert(call.name, call.value);
                serde_json::to_value(Done {})
            }
            GuestCall::DatastoreList(call) => {
                let items =
                    self.datastore.iter().filter(|(name, _)| name.starts_with(&call.prefix));
                let items = items.skip(call.offset as usize);
                let items = items.take(call.limit.map_or(usize::MAX, |limit| limit as usize));
                let items = items.map(|(name, value)| DatastoreItem {
                    name: name.clone(),
                    value: value.clone(),
                });
                serde_json::to_value(DatastoreItems { items: items.collect() })
            }
            GuestCall::DatastoreDelete(call) => {
                let deleted = self.datastore.remove(&call.name).is_some();
                serde_json::to_value(DatastoreDeleted { deleted })
            }
        };
        result.map_err(|error| RpcError::new(ErrorCode::Internal, error.to_string()))
    }

    fn store(&mut self, item: DispatchItem) -> DispatchOutcome {
        if let Some(key) = &item.dedupe_key
            && !self.keys.insert((item.trigger.clone(), key.clone()))
        {
            self.duplicates += 1;
            return DispatchOutcome::Duplicate;
        }
        self.items.push(item);
        DispatchOutcome::Stored { trigger_instance_id: format!("{:024x}", self.items.len()) }
    }
}

/// The host's end of one guest's channel.
struct Link {
    host: FakeHost,
    number: usize,
    stream: UnixStream,
}

impl Link {
    fn answer_calls(mut self) {
        let mut buffer = LineBuffer::new(st2_protocol::LINE_BYTES_MAX);
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = self.stream.read(&mut chunk) {
            buffer.push(chunk.get(..count).unwrap_or_default());
            while let Ok(Some(line)) = buffer.next_line() {
                let line = line.to_vec();
                if self.take(&line).is_none() {
                    drop(self.stream.shutdown(Shutdown::Both));
                }
            }
        }
        self.host.state().ended.insert(self.number);
        self.host.0.changed.notify_all();
    }

    /// `None` when the line is to be cut.
    fn take(&mut self, line: &[u8]) -> Option<()> {
        let (id, call) = match decode::<GuestCall>(line).ok()? {
            Incoming::Request { id, call } => (Some(id), call),
            Incoming::Notification { call } => (None, call),
            Incoming::Answer { id, result } => {
                let result = result.map(drop);
                self.host.state().answers.insert((self.number, id), result);
                self.host.0.changed.notify_all();
                return Some(());
            }
            Incoming::Complaint(_) => return None,
        };
        let mut state = self.host.state();
        let result = call.and_then(|call| state.serve(call));
        let is_deaf = state.is_deaf_after.is_some_and(|count| state.items.len() >= count);
        drop(state);
        self.host.0.changed.notify_all();
        if is_deaf {
            return None;
        }
        let id = match id {
            Some(id) => id,
            None => return Some(()),
        };
        let line = match &result {
            Ok(result) => encode_result(id, result),
            Err(error) => encode_error(Some(id), error),
        };
        self.stream.write_all(&line.ok()?).ok()
    }
}

/// A sensor that has been started. Dropping it cuts its channel.
pub struct RunningGuest {
    host: FakeHost,
    number: usize,
    stream: Mutex<(UnixStream, RequestId)>,
    thread: Option<JoinHandle<std::result::Result<(), ServeError>>>,
}

impl RunningGuest {
    /// Lets a passive sensor run; returns at once.
    pub fn run(&self) {
        self.send(&HostCall::Run(Nothing {}));
    }

    /// Lets a polling sensor look for news once.
    ///
    /// # Errors
    /// The guest's.
    pub fn poll(&self) -> CallResult {
        self.call(HostCall::Poll(Nothing {}))
    }

    /// Gives the sensor a trigger to serve.
    ///
    /// # Errors
    /// The guest's.
    pub fn add_trigger(&self, trigger: Trigger) -> CallResult {
        self.call(HostCall::AddTrigger(AddTrigger { trigger }))
    }

    /// Changes a trigger.
    ///
    /// # Errors
    /// The guest's.
    pub fn update_trigger(&self, trigger: Trigger) -> CallResult {
        self.call(HostCall::UpdateTrigger(UpdateTrigger { trigger }))
    }

    /// Takes a trigger away.
    ///
    /// # Errors
    /// The guest's.
    pub fn remove_trigger(&self, trigger: Trigger) -> CallResult {
        self.call(HostCall::RemoveTrigger(RemoveTrigger { trigger }))
    }

    /// Asks whether the guest answers.
    ///
    /// # Errors
    /// The guest's.
    pub fn ping(&self) -> CallResult {
        self.call(HostCall::Ping(Nothing {}))
    }

    /// Cleans up and shuts down as a host does.
    ///
    /// # Errors
    /// The guest's error in its clean-up, or what it says of the channel.
    pub fn stop(mut self) -> CallResult {
        self.call(HostCall::Cleanup(Nothing {}))?;
        self.call(HostCall::Shutdown(Nothing {}))?;
        self.join()
    }

    /// Cuts the channel without a word, as when the host dies, and waits for the guest to end.
    ///
    /// # Errors
    /// What the guest says of the channel.
    pub fn cut(mut self) -> CallResult {
        self.cut_line();
        self.join()
    }

    /// Waits until the guest has ended by itself.
    ///
    /// # Errors
    /// What the guest says of the channel.
    pub fn wait(mut self) -> CallResult {
        self.join()
    }

    /// Calls the guest and waits for its answer.
    ///
    /// # Errors
    /// The guest's; [`ErrorCode::Internal`] when it does not answer.
    pub fn call(&self, call: HostCall) -> CallResult {
        let key = (self.number, self.send(&call));
        let done =
            |state: &State| state.answers.contains_key(&key) || state.ended.contains(&self.number);
        let answer = self.host.wait_until(done).answers.remove(&key);
        answer.unwrap_or_else(|| {
            Err(RpcError::new(ErrorCode::Internal, format!("no answer to {call:?}")))
        })
    }

    fn send(&self, call: &HostCall) -> RequestId {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let id = stream.1;
        stream.1 += 1;
        // A guest that is gone is found when its answer is waited for.
        drop(stream.0.write_all(&encode_request(id, call).unwrap_or_default()));
        id
    }

    fn cut_line(&self) {
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        drop(stream.0.shutdown(Shutdown::Both));
    }

    fn join(&mut self) -> CallResult {
        let failed = |text: String| RpcError::new(ErrorCode::Internal, text);
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        let served = thread.join().map_err(|_| failed("the guest panicked".to_owned()))?;
        served.map_err(|error| failed(error.to_string()))
    }
}

impl Drop for RunningGuest {
    fn drop(&mut self) {
        self.cut_line();
    }
}

//! What a sensor can ask of the host.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use st2_protocol::{
    DISPATCH_ITEMS_MAX, DatastoreDelete, DatastoreDeleted, DatastoreGet, DatastoreItem,
    DatastoreItems, DatastoreList, DatastoreSet, DatastoreValue, Dispatch, DispatchItem,
    DispatchOutcome, Dispatched, Done, GuestCall, Log, LogLevel,
};

use crate::channel::{Channel, Ticket};
use crate::error::{Error, Result};
use crate::stop::StopSignal;

const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Batches in flight during [`SensorService::dispatch_many`].
const BATCHES_IN_FLIGHT_MAX: usize = 8;

/// Calls on the host. Cheap to clone, usable from any thread. Every call waits for its answer.
/// While the store behind the host is away, calls are repeated, later and later, until it is back
/// or the sensor shall stop.
#[derive(Clone)]
pub struct SensorService {
    channel: Arc<Channel>,
    stop: StopSignal,
}

impl SensorService {
    pub(crate) fn new(channel: Arc<Channel>, stop: StopSignal) -> Self {
        Self { channel, stop }
    }

    /// Dispatches one occurrence and returns when it is stored.
    ///
    /// # Errors
    /// When the host is gone or refuses the call. A refused item is an outcome, not an error.
    pub fn dispatch(&self, item: DispatchItem) -> Result<DispatchOutcome> {
        let mut outcomes = self.dispatch_batch(vec![item])?.into_iter();
        outcomes.next().ok_or_else(missing_outcome)
    }

    /// Dispatches occurrences in one message and returns when all are stored: one outcome each, in
    /// order. At most [`DISPATCH_ITEMS_MAX`] and as many as fit into one line.
    ///
    /// # Errors
    /// As [`dispatch`](Self::dispatch). After an error some of the items may be stored: give items
    /// a `dedupe_key` and send them again.
    pub fn dispatch_batch(&self, items: Vec<DispatchItem>) -> Result<Vec<DispatchOutcome>> {
        let count = items.len();
        let call = GuestCall::Dispatch(Dispatch { items });
        let dispatched: Dispatched = self.repeat(|| self.channel.request(&call))?;
        if dispatched.outcomes.len() == count {
            Ok(dispatched.outcomes)
        } else {
            Err(missing_outcome())
        }
    }

    /// Dispatches any number of occurrences, in batches, with several batches on their way at a
    /// time: the fastest way to get many out. `settled` is called with the outcomes of each batch in
    /// order. Should the store go away in the middle, occurrences can be stored in another order
    /// than given; where order matters more than speed use [`dispatch_batch`](Self::dispatch_batch).
    ///
    /// # Errors
    /// As [`dispatch_batch`](Self::dispatch_batch); no further batches are sent after an error.
    pub fn dispatch_many(
        &self,
        items: impl IntoIterator<Item = DispatchItem>,
        mut settled: impl FnMut(Vec<DispatchOutcome>),
    ) -> Result<()> {
        let mut items = items.into_iter().peekable();
        let mut in_flight: VecDeque<(GuestCall, Ticket)> = VecDeque::new();
        while items.peek().is_some() {
            let batch = items.by_ref().take(DISPATCH_ITEMS_MAX).collect();
            let call = GuestCall::Dispatch(Dispatch { items: batch });
            let ticket = self.channel.send(&call)?;
            in_flight.push_back((call, ticket));
            if in_flight.len() >= BATCHES_IN_FLIGHT_MAX {
                self.settle_first(&mut in_flight, &mut settled)?;
            }
        }
        while !in_flight.is_empty() {
            self.settle_first(&mut in_flight, &mut settled)?;
        }
        Ok(())
    }

    fn settle_first(
        &self,
        in_flight: &mut VecDeque<(GuestCall, Ticket)>,
        settled: &mut impl FnMut(Vec<DispatchOutcome>),
    ) -> Result<()> {
        let Some((call, ticket)) = in_flight.pop_front() else {
            return Ok(());
        };
        let dispatched: Dispatched = match ticket.wait() {
            Err(error) if error.is_temporary() => self.repeat(|| self.channel.request(&call))?,
            other => other?,
        };
        settled(dispatched.outcomes);
        Ok(())
    }

    /// Reads a value of the sensor's own, `None` when there is none.
    ///
    /// # Errors
    /// When the host is gone or refuses the call.
    pub fn get_value(&self, name: &str) -> Result<Option<String>> {
        self.get(DatastoreGet { name: name.to_owned(), local: true, decrypt: false })
    }

    /// Writes a value of the sensor's own.
    ///
    /// # Errors
    /// When the host is gone or refuses the call.
    pub fn set_value(&self, name: &str, value: &str) -> Result<()> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.set(DatastoreSet { name, value, local: true, ttl_seconds: None, encrypt: false })
    }

    /// Lists values of the sensor's own whose names start with `prefix`.
    ///
    /// # Errors
    /// When the host is gone or refuses the call.
    pub fn list_values(&self, prefix: &str) -> Result<Vec<DatastoreItem>> {
        let prefix = prefix.to_owned();
        self.list(DatastoreList { prefix, local: true, limit: None, offset: 0 })
    }

    /// Deletes a value of the sensor's own; false when there was none.
    ///
    /// # Errors
    /// When the host is gone or refuses the call.
    pub fn delete_value(&self, name: &str) -> Result<bool> {
        self.delete(DatastoreDelete { name: name.to_owned(), local: true })
    }

    /// Reads a datastore item with all options.
    ///
    /// # Errors
    /// When the host is gone or refuses the call.
    pub fn get(&self, call: DatastoreGet) -> Result<Option<String>> {
        let call = GuestCall::DatastoreGet(call);
        let found: DatastoreValue = self.repeat(|| self.channel.request(&call))?;
        Ok(found.value)
    }

    /// Writes a datastore item with all options.
    ///
    /// # Errors
    /// When the host is gone or refuses the call.
    pub fn set(&self, call: DatastoreSet) -> Result<()> {
        let call = GuestCall::DatastoreSet(call);
        self.repeat(|| self.channel.request(&call)).map(|Done {}| ())
    }

    /// Lists datastore items with all options.
    ///
    /// # Errors
    /// When the host is gone or refuses the call.
    pub fn list(&self, call: DatastoreList) -> Result<Vec<DatastoreItem>> {
        let call = GuestCall::DatastoreList(call);
        let found: DatastoreItems = self.repeat(|| self.channel.request(&call))?;
        Ok(found.items)
    }

    /// Deletes a datastore item with all options.
    ///
    /// # Errors
    /// When the host is gone or refuses the call.
    pub fn delete(&self, call: DatastoreDelete) -> Result<bool> {
        let call = GuestCall::DatastoreDelete(call);
        let DatastoreDeleted { deleted } = self.repeat(|| self.channel.request(&call))?;
        Ok(deleted)
    }

    /// Writes to the sensor's log.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        let message = message.into();
        self.channel.notify(&GuestCall::Log(Log { level, message, logger: None }));
    }

    /// Longest line of the protocol, for sensors that cut their payloads to size.
    #[must_use]
    pub fn line_bytes_max(&self) -> usize {
        self.channel.limits().line_bytes_max
    }

    fn repeat<R>(&self, mut call: impl FnMut() -> Result<R>) -> Result<R> {
        let mut pause = RETRY_FIRST;
        loop {
            match call() {
                Err(error) if error.is_temporary() => {
                    if self.stop.wait(pause) {
                        return Err(Error::Stopping);
                    }
                    pause = (pause * 2).min(RETRY_MAX);
                }
                other => return other,
            }
        }
    }
}

fn missing_outcome() -> Error {
    let source = serde::de::Error::custom("not one outcome for each item");
    Error::Answer { call: "dispatch", source }
}

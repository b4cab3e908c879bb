//! The guest's end of the channel: writes whole lines, matches answers to requests.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use st2_protocol::{
    Call, ChannelLimits, ErrorCode, GuestCall, RequestId, RpcError, encode_error,
    encode_notification, encode_request, encode_result,
};

use crate::error::{Error, Result};

type Answer = std::result::Result<Box<RawValue>, RpcError>;

/// Shared by all threads of a guest.
pub(crate) struct Channel {
    writer: Mutex<UnixStream>,
    state: Mutex<State>,
    /// Signalled when the number of requests in flight falls, and when the channel closes.
    changed: Condvar,
}

struct State {
    limits: ChannelLimits,
    next_id: RequestId,
    pending: HashMap<RequestId, SyncSender<Answer>>,
    in_flight: u32,
    is_closed: bool,
}

/// A request that has been sent.
pub(crate) struct Ticket {
    call: &'static str,
    answer: Receiver<Answer>,
}

/// An answer to a request that was never sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NeverAsked;

impl Channel {
    pub(crate) fn new(writer: UnixStream) -> Self {
        let limits = ChannelLimits::default();
        let pending = HashMap::new();
        let state = State { limits, next_id: 0, pending, in_flight: 0, is_closed: false };
        Self { writer: Mutex::new(writer), state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(crate) fn set_limits(&self, limits: ChannelLimits) {
        self.state().limits = limits;
    }

    pub(crate) fn limits(&self) -> ChannelLimits {
        self.state().limits
    }

    /// Sends a request; waits while too many are unanswered.
    pub(crate) fn send(&self, call: &GuestCall) -> Result<Ticket> {
        self.take_slot()?;
        let sent = self.send_in_slot(call);
        if sent.is_err() {
            let mut state = self.state();
            state.in_flight = state.in_flight.saturating_sub(1);
            drop(state);
            self.changed.notify_all();
        }
        sent
    }

    fn take_slot(&self) -> Result<()> {
        let mut state = self.state();
        while !state.is_closed && state.in_flight >= state.limits.requests_in_flight_max {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_closed {
            return Err(Error::Gone);
        }
        state.in_flight += 1;
        Ok(())
    }

    /// Numbers appear on the channel in their order, because they are given away under the lock of
    /// the writer. The lock of the state is never held while writing: the thread that reads the
    /// channel needs it, and must go on when the host does not read.
    fn send_in_slot(&self, call: &GuestCall) -> Result<Ticket> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, limits) = {
            let state = self.state();
            (state.next_id, state.limits)
        };
        let line = encode_request(id, call)
            .map_err(|source| Error::Answer { call: call.method(), source })?;
        check_length(call.method(), &line, limits)?;
        let (sender, answer) = sync_channel(1);
        {
            let mut state = self.state();
            if state.is_closed {
                return Err(Error::Gone);
            }
            state.next_id += 1;
            state.pending.insert(id, sender);
        }
        if writer.write_all(&line).is_err() {
            // The ticket finds its sender gone.
            self.close();
        }
        Ok(Ticket { call: call.method(), answer })
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn request<R: DeserializeOwned>(&self, call: &GuestCall) -> Result<R> {
        self.send(call)?.wait()
    }

    /// Sends a notification. What cannot be sent is lost: there is nobody to tell.
    pub(crate) fn notify(&self, call: &GuestCall) {
        if let Ok(line) = encode_notification(call)
            && check_length(call.method(), &line, self.limits()).is_ok()
        {
            self.write(&line);
        }
    }

    /// Answers a request of the host.
    pub(crate) fn answer<R: Serialize>(
        &self,
        id: RequestId,
        result: &std::result::Result<R, RpcError>,
    ) {
        let line = match result {
            Ok(result) => encode_result(id, result),
            Err(error) => encode_error(Some(id), error),
        };
        let line = line.ok().filter(|line| line.len() <= self.limits().line_bytes_max);
        let line = line.or_else(|| {
            let error = RpcError::new(ErrorCode::TooLarge, "the answer is too long");
            encode_error(Some(id), &error).ok()
        });
        self.write(&line.unwrap_or_default());
    }

    /// Tells the host that a line of it is no message.
    pub(crate) fn complain(&self, error: &RpcError) {
        self.write(&encode_error(None, error).unwrap_or_default());
    }

    /// Hands an answer to the one who asked.
    pub(crate) fn settle(
        &self,
        id: RequestId,
        answer: Answer,
    ) -> std::result::Result<(), NeverAsked> {
        let mut state = self.state();
        let asked = state.pending.remove(&id);
        let was_sent = id < state.next_id;
        if asked.is_some() {
            state.in_flight = state.in_flight.saturating_sub(1);
        }
        drop(state);
        self.changed.notify_all();
        match asked {
            // Whoever asked may have gone away.
            Some(sender) => drop(sender.try_send(answer)),
            None if was_sent => {}
            None => return Err(NeverAsked),
        }
        Ok(())
    }

    /// Fails everything in flight and to come.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.pending.clear();
        drop(state);
        self.changed.notify_all();
    }

    fn write(&self, line: &[u8]) {
        let written = self.writer.lock().unwrap_or_else(PoisonError::into_inner).write_all(line);
        if written.is_err() {
            self.close();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    pub(crate) fn wait<R: DeserializeOwned>(self) -> Result<R> {
        // The sender is dropped without an answer when the channel closes.
        let answer = self.answer.recv().map_err(|_| Error::Gone)?.map_err(Error::Refused)?;
        let call = self.call;
        serde_json::from_str(answer.get()).map_err(|source| Error::Answer { call, source })
    }
}

fn check_length(call: &'static str, line: &[u8], limits: ChannelLimits) -> Result<()> {
    let (bytes, bytes_max) = (line.len(), limits.line_bytes_max);
    if bytes > bytes_max { Err(Error::TooLarge { call, bytes, bytes_max }) } else { Ok(()) }
}

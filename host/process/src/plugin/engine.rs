//! Serves one guest: its process, its channel, its calls. One future does it all, and all state is
//! in the struct, so the future may be dropped and started again between the phases of a guest.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use st2_plugin::{GuestHost, GuestLog, HostError, Limits, LogSource};
use st2_protocol::{
    DISPATCH_ITEMS_MAX, DatastoreDeleted, DatastoreItems, DatastoreValue, DispatchItem, Dispatched,
    Done, ErrorCode, GuestCall, Incoming, LineError, Log, LogLevel, RequestId, RpcError, decode,
    encode_error, encode_request, encode_result,
};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};

use super::caller::{Answer, Command};
use super::channel::{self, Input, Output};
use crate::error::Result;
use crate::process::{ExitStatus, Process};

/// How the process of a guest ended, and what the guest had done to deserve it.
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) violation: Option<String>,
}

/// What a settled call of the guest gives to the channel: a finished line.
type Work = BoxFuture<'static, Vec<u8>>;

pub(crate) struct Engine {
    process: Process,
    input: Input,
    output: Output,
    commands: mpsc::Receiver<Command>,
    host: Arc<dyn GuestHost>,
    limits: Limits,
    next_id: RequestId,
    pending: HashMap<RequestId, oneshot::Sender<Answer>>,
    /// Calls being worked on; of dispatches only the first is, so they keep their order.
    work: FuturesUnordered<Work>,
    dispatch: Option<Work>,
    dispatches: VecDeque<(RequestId, Vec<DispatchItem>)>,
    status: Option<ExitStatus>,
    violation: Option<String>,
}

enum Event {
    Exited(Result<ExitStatus>),
    Filled,
    Flushed(std::io::Result<()>),
    Settled(Vec<u8>),
    Dispatched(Vec<u8>),
    Command(Option<Box<Command>>),
}

impl Engine {
    pub(crate) fn new(
        process: Process,
        stream: UnixStream,
        commands: mpsc::Receiver<Command>,
        host: Arc<dyn GuestHost>,
        limits: Limits,
    ) -> Self {
        let (input, output) = channel::split(stream, limits.line_bytes_max);
        Self {
            process,
            input,
            output,
            commands,
            host,
            limits,
            next_id: 0,
            pending: HashMap::new(),
            work: FuturesUnordered::new(),
            dispatch: None,
            dispatches: VecDeque::new(),
            status: None,
            violation: None,
        }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Serves the guest until its process has ended and everything it had asked for is settled.
    pub(crate) async fn serve(&mut self) -> Result<Outcome> {
        loop {
            if let Some(status) = self.status
                && self.is_settled()
            {
                // Whoever calls from now on learns at once that nobody is there.
                self.commands.close();
                while self.commands.try_recv().is_ok() {}
                return Ok(Outcome { status, violation: self.violation.take() });
            }
            let event = self.next_event().await;
            match event {
                Event::Exited(status) => {
                    self.status = Some(status?);
                    self.pending.clear();
                    self.output.give_up();
                }
                Event::Filled => self.take_lines(),
                // Nobody reads there any more; the exit of the process follows.
                Event::Flushed(Err(_)) => self.output.give_up(),
                Event::Flushed(Ok(())) => {}
                Event::Settled(line) => self.send(line),
                Event::Dispatched(line) => {
                    self.dispatch = None;
                    self.start_dispatch();
                    self.send(line);
                }
                Event::Command(command) => self.call(command),
            }
            // Lines that had to wait because too much was in flight.
            if self.may_take() {
                self.take_lines();
            }
        }
    }

    async fn next_event(&mut self) -> Event {
        let may_take = self.may_take();
        let is_up = self.status.is_none();
        tokio::select! {
            status = self.process.wait(), if is_up => Event::Exited(status),
            () = self.input.fill(), if may_take && !self.input.is_ended() => Event::Filled,
            flushed = self.output.flush(), if !self.output.is_empty() => Event::Flushed(flushed),
            Some(line) = self.work.next() => Event::Settled(line),
            line = settled(&mut self.dispatch) => Event::Dispatched(line),
            command = self.commands.recv(), if is_up && !self.output.is_full() => {
                Event::Command(command.map(Box::new))
            }
        }
    }

    /// After the exit: nothing more comes in, or is listened to, and nothing is being worked on.
    fn is_settled(&self) -> bool {
        (self.input.is_ended() || self.violation.is_some()) && self.in_flight() == 0
    }

    fn in_flight(&self) -> usize {
        self.work.len() + self.dispatches.len() + usize::from(self.dispatch.is_some())
    }

    fn may_take(&self) -> bool {
        self.violation.is_none()
            && !self.output.is_full()
            && self.in_flight() < self.limits.requests_in_flight_max as usize
    }

    fn take_lines(&mut self) {
        while self.may_take() {
            let decoded = match self.input.next_line() {
                Ok(Some(line)) => decode::<GuestCall>(line),
                Ok(None) => return,
                Err(too_long) => return self.violate(too_long.to_string()),
            };
            match decoded {
                Ok(message) => self.take(message),
                Err(error) => {
                    self.send_error(None, &error.answer());
                    if let LineError::NotJson(source) = error {
                        self.violate(format!("a line is not JSON: {source}"));
                    }
                }
            }
        }
    }

    fn take(&mut self, message: Incoming<GuestCall>) {
        match message {
            Incoming::Request { id, call: Ok(call) } => self.request(id, call),
            Incoming::Request { id, call: Err(error) } => self.send_error(Some(id), &error),
            Incoming::Notification { call: Ok(GuestCall::Log(log)) } => self.log(log),
            Incoming::Notification { call } => {
                let what = call.map_or_else(|error| error.message, |_| "no request id".to_owned());
                self.note(format!("a notification was ignored: {what}"));
            }
            Incoming::Answer { id, result } => match self.pending.remove(&id) {
                // Whoever asked may have given up.
                Some(reply) => drop(reply.send(result)),
                None if id < self.next_id => {}
                None => self.violate(format!("an answer to request {id}, which was never sent")),
            },
            Incoming::Complaint(error) => {
                self.note(format!("the guest could not read a message: {error}"));
            }
        }
    }

    fn request(&mut self, id: RequestId, call: GuestCall) {
        let (host, bytes_max) = (Arc::clone(&self.host), self.limits.line_bytes_max);
        match call {
            GuestCall::Dispatch(call) if call.items.len() > DISPATCH_ITEMS_MAX => {
                let message = format!("more than {DISPATCH_ITEMS_MAX} items in one dispatch");
                self.send_error(Some(id), &RpcError::new(ErrorCode::InvalidParams, message));
            }
            GuestCall::Dispatch(call) => {
                self.dispatches.push_back((id, call.items));
                self.start_dispatch();
            }
            GuestCall::Log(log) => {
                self.log(log);
                self.send(answer(id, Ok(Done {}), bytes_max));
            }
            call => self.work.push(Box::pin(datastore(host, id, call, bytes_max))),
        }
    }

    fn start_dispatch(&mut self) {
        if self.dispatch.is_some() {
            return;
        }
        if let Some((id, items)) = self.dispatches.pop_front() {
            let (host, bytes_max) = (Arc::clone(&self.host), self.limits.line_bytes_max);
            self.dispatch = Some(Box::pin(async move {
                let outcomes = host.dispatch(items).await;
                answer(id, outcomes.map(|outcomes| Dispatched { outcomes }), bytes_max)
            }));
        }
    }

    fn call(&mut self, command: Option<Box<Command>>) {
        let Some(command) = command else { return };
        let Command { call, reply } = *command;
        // One that gives up before its turn is not sent.
        if reply.is_closed() {
            return;
        }
        match encode_request(self.next_id, &call) {
            Ok(line) if line.len() <= self.limits.line_bytes_max => {
                self.pending.insert(self.next_id, reply);
                self.next_id += 1;
                self.output.push(line);
            }
            _ => {
                let error = RpcError::new(ErrorCode::TooLarge, "longer than a line may be");
                drop(reply.send(Err(error)));
            }
        }
    }

    fn send(&mut self, line: Vec<u8>) {
        if self.status.is_none() {
            self.output.push(line);
        }
    }

    fn send_error(&mut self, id: Option<RequestId>, error: &RpcError) {
        if let Ok(line) = encode_error(id, error) {
            self.send(line);
        }
    }

    fn log(&self, log: Log) {
        let source = LogSource::Logger(log.logger);
        self.host.log(GuestLog { level: log.level, source, message: log.message });
    }

    fn note(&self, message: String) {
        self.host.log(GuestLog { level: LogLevel::Warning, source: LogSource::Host, message });
    }

    fn violate(&mut self, reason: String) {
        self.violation = Some(reason);
        self.process.control().kill();
    }
}

async fn settled(work: &mut Option<Work>) -> Vec<u8> {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

async fn datastore(
    host: Arc<dyn GuestHost>,
    id: RequestId,
    call: GuestCall,
    bytes_max: usize,
) -> Vec<u8> {
    match call {
        GuestCall::DatastoreGet(call) => {
            let value = host.datastore_get(call).await;
            answer(id, value.map(|value| DatastoreValue { value }), bytes_max)
        }
        GuestCall::DatastoreSet(call) => {
            answer(id, host.datastore_set(call).await.map(|()| Done {}), bytes_max)
        }
        GuestCall::DatastoreList(call) => {
            let items = host.datastore_list(call).await;
            answer(id, items.map(|items| DatastoreItems { items }), bytes_max)
        }
        GuestCall::DatastoreDelete(call) => {
            let deleted = host.datastore_delete(call).await;
            answer(id, deleted.map(|deleted| DatastoreDeleted { deleted }), bytes_max)
        }
        GuestCall::Dispatch(_) | GuestCall::Log(_) => Vec::new(),
    }
}

fn answer<R: Serialize>(
    id: RequestId,
    result: std::result::Result<R, HostError>,
    bytes_max: usize,
) -> Vec<u8> {
    let line = match result {
        Ok(result) => encode_result(id, &result).ok().filter(|line| line.len() <= bytes_max),
        Err(error) => encode_error(Some(id), &error.into()).ok(),
    };
    line.unwrap_or_else(|| {
        let error = RpcError::new(ErrorCode::TooLarge, "the answer is longer than a line may be");
        encode_error(Some(id), &error).unwrap_or_default()
    })
}

//! The life of a guest: reads what the host sends and calls the sensor.
//!
//! Three threads: this one reads the channel and never blocks on the sensor, so `ping`, answers and
//! `cleanup` always get through; `calls` works on the other calls one after the other; `run` is
//! where a passive sensor stays.

use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use st2_protocol::{
    Done, ErrorCode, FD_VARIABLE, HostCall, Incoming, Initialize, Initialized, LINE_BYTES_MAX,
    LineBuffer, LineError, LineTooLong, PROTOCOL_VERSION, RequestId, RpcError, SensorKind, decode,
};

use crate::channel::Channel;
use crate::sensor::{PollingSensor, Sensor, SensorContext, SensorResult};
use crate::service::SensorService;
use crate::stop::StopSignal;

/// `EX_SOFTWARE` of sysexits: the host did not keep to the protocol.
const EXIT_PROTOCOL: u8 = 70;
const CALLS_WAITING_MAX: usize = 256;
/// How long `run` may take to notice that the host is gone.
const END_GRACE: Duration = Duration::from_secs(5);

/// Why a guest ended before its time.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Started by hand, or by something that is not the plugin host.
    #[error("{FD_VARIABLE} is not the number of an open socket: plugins are started by the host")]
    NoChannel,
    /// Reading the channel failed.
    #[error("cannot read the channel")]
    Read(#[source] io::Error),
    /// A thread could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The host sent a line that is not JSON.
    #[error("the host broke the protocol")]
    Line(#[source] LineError),
    /// The host sent a line above the limit.
    #[error("the host broke the protocol")]
    TooLong(#[source] LineTooLong),
    /// The host answered a request that was never sent.
    #[error("the host answered request {0}, which was never sent")]
    NeverAsked(RequestId),
}

/// Runs a sensor on the channel the host has handed to this process. To be returned from `main`.
pub fn serve(sensor: impl Sensor) -> ExitCode {
    exit(handed_channel().and_then(|channel| serve_on(channel, sensor)))
}

/// As [`serve`], for a polling sensor.
pub fn serve_polling(sensor: impl PollingSensor) -> ExitCode {
    exit(handed_channel().and_then(|channel| serve_polling_on(channel, sensor)))
}

/// Runs a sensor on the given channel until the host shuts it down or goes away.
///
/// # Errors
/// When the host breaks the protocol.
pub fn serve_on(channel: UnixStream, sensor: impl Sensor) -> Result<(), ServeError> {
    run_guest(channel, Guest::Passive(Arc::new(sensor)))
}

/// As [`serve_on`], for a polling sensor.
///
/// # Errors
/// When the host breaks the protocol.
pub fn serve_polling_on(channel: UnixStream, sensor: impl PollingSensor) -> Result<(), ServeError> {
    run_guest(channel, Guest::Polling(Arc::new(sensor)))
}

fn exit(served: Result<(), ServeError>) -> ExitCode {
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            // Nobody is left to hear if this fails.
            drop(io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes()));
            ExitCode::from(EXIT_PROTOCOL)
        }
    }
}

fn handed_channel() -> Result<UnixStream, ServeError> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let number = std::env::var(FD_VARIABLE).ok().and_then(|number| number.parse::<RawFd>().ok());
    let number = number.filter(|number| *number > 2).ok_or(ServeError::NoChannel)?;
    if TAKEN.swap(true, Ordering::AcqRel) {
        return Err(ServeError::NoChannel);
    }
    #[expect(unsafe_code, reason = "an inherited descriptor is known by its number only")]
    // SAFETY: the host opened this descriptor for us and nobody else in this process; the flag above
    // makes sure that it is taken once. A number that is not open fails in the check below.
    let channel = UnixStream::from(unsafe { OwnedFd::from_raw_fd(number) });
    match channel.peer_addr() {
        Ok(_) => Ok(channel),
        Err(_) => {
            // Not a socket, perhaps not even open: closing it is not ours to do.
            std::mem::forget(channel);
            Err(ServeError::NoChannel)
        }
    }
}

#[derive(Clone)]
enum Guest {
    Passive(Arc<dyn Sensor>),
    Polling(Arc<dyn PollingSensor>),
}

/// Calls the same method on either kind.
macro_rules! on_either {
    ($guest:expr, $method:ident($($argument:expr),*)) => {
        match $guest {
            Guest::Passive(sensor) => sensor.$method($($argument),*),
            Guest::Polling(sensor) => sensor.$method($($argument),*),
        }
    };
}

fn run_guest(stream: UnixStream, guest: Guest) -> Result<(), ServeError> {
    let writer = stream.try_clone().map_err(ServeError::Read)?;
    let channel = Arc::new(Channel::new(writer));
    let stop = StopSignal::new();
    let (calls, queue) = sync_channel(CALLS_WAITING_MAX);
    let worker = Worker {
        channel: Arc::clone(&channel),
        guest: guest.clone(),
        stop: stop.clone(),
        context: OnceLock::new(),
        run_ended: StopSignal::new(),
        is_running: AtomicBool::new(false),
    };
    let worker_ended = StopSignal::new();
    let ended = worker_ended.clone();
    spawn("calls", move || {
        worker.work(&queue);
        ended.stop();
    })?;
    let reader = Reader { channel: Arc::clone(&channel), guest, stop: stop.clone(), calls };
    let read = reader.read(stream);
    // The host is gone, or has said its last word: let the sensor end.
    stop.stop();
    channel.close();
    drop(reader);
    worker_ended.wait(END_GRACE);
    read
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), ServeError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body);
    // Not joined: a sensor that does not return must not keep the process alive.
    thread.map(drop).map_err(ServeError::Thread)
}

struct Reader {
    channel: Arc<Channel>,
    guest: Guest,
    stop: StopSignal,
    calls: SyncSender<(RequestId, HostCall)>,
}

impl Reader {
    fn read(&self, mut stream: UnixStream) -> Result<(), ServeError> {
        let mut buffer = LineBuffer::new(LINE_BYTES_MAX);
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let count = match stream.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(ServeError::Read(error)),
            };
            buffer.push(chunk.get(..count).unwrap_or_default());
            loop {
                buffer.set_line_bytes_max(self.channel.limits().line_bytes_max);
                let Some(line) = buffer.next_line().map_err(ServeError::TooLong)? else {
                    break;
                };
                if self.take(line)? {
                    return Ok(());
                }
            }
        }
    }

    /// True after the last message.
    fn take(&self, line: &[u8]) -> Result<bool, ServeError> {
        match decode::<HostCall>(line) {
            Ok(Incoming::Request { id, call: Ok(call) }) => return Ok(self.call(id, call)),
            Ok(Incoming::Request { id, call: Err(error) }) => {
                self.channel.answer(id, &Err::<Done, _>(error));
            }
            Ok(Incoming::Answer { id, result }) => {
                self.channel.settle(id, result).map_err(|_| ServeError::NeverAsked(id))?;
            }
            Ok(Incoming::Notification { .. } | Incoming::Complaint(_)) => {}
            Err(error @ LineError::NotAMessage { .. }) => self.channel.complain(&error.answer()),
            Err(error @ LineError::NotJson(_)) => {
                self.channel.complain(&error.answer());
                return Err(ServeError::Line(error));
            }
        }
        Ok(false)
    }

    fn call(&self, id: RequestId, call: HostCall) -> bool {
        match call {
            HostCall::Initialize(call) => self.channel.answer(id, &self.initialize(&call)),
            HostCall::Ping(_) => self.channel.answer(id, &Ok(Done {})),
            HostCall::Shutdown(_) => {
                self.stop.stop();
                self.channel.answer(id, &Ok(Done {}));
                return true;
            }
            call => {
                if matches!(call, HostCall::Cleanup(_)) {
                    self.stop.stop();
                }
                if self.calls.try_send((id, call)).is_err() {
                    let error = RpcError::new(ErrorCode::Internal, "too many calls are waiting");
                    self.channel.answer(id, &Err::<Done, _>(error));
                }
            }
        }
        false
    }

    fn initialize(&self, call: &Initialize) -> Result<Initialized, RpcError> {
        if !call.protocol_versions.contains(&PROTOCOL_VERSION) {
            let message = format!(
                "this guest speaks version {PROTOCOL_VERSION}, the host {:?}",
                call.protocol_versions
            );
            return Err(RpcError::new(ErrorCode::UnsupportedVersion, message));
        }
        self.channel.set_limits(call.limits);
        let sensor_kind = match self.guest {
            Guest::Passive(_) => SensorKind::Passive,
            Guest::Polling(_) => SensorKind::Polling,
        };
        let sdk = Some(concat!("st2-sdk ", env!("CARGO_PKG_VERSION")).to_owned());
        Ok(Initialized { protocol_version: PROTOCOL_VERSION, sensor_kind, sdk })
    }
}

/// Works on the calls that reach the sensor.
struct Worker {
    channel: Arc<Channel>,
    guest: Guest,
    stop: StopSignal,
    context: OnceLock<SensorContext>,
    run_ended: StopSignal,
    is_running: AtomicBool,
}

impl Worker {
    fn work(&self, queue: &Receiver<(RequestId, HostCall)>) {
        let mut is_clean = false;
        for (id, call) in queue {
            is_clean |= matches!(call, HostCall::Cleanup(_));
            if matches!(call, HostCall::Run(_)) {
                self.start_run(id);
            } else {
                let result = self.call(call);
                self.channel.answer(id, &result);
            }
        }
        // The channel has ended.
        if !is_clean {
            drop(self.cleanup());
        }
    }

    fn call(&self, call: HostCall) -> Result<Done, RpcError> {
        let guest = &self.guest;
        if let HostCall::Configure(call) = call {
            let service = SensorService::new(Arc::clone(&self.channel), self.stop.clone());
            let interval = call.poll_interval_ms.map(Duration::from_millis);
            let context = SensorContext::new(service, call.config, interval, self.stop.clone());
            let context = match self.context.set(context) {
                Ok(()) => self.context()?,
                Err(_) => return Err(out_of_order("configure was called before")),
            };
            return guarded(|| on_either!(guest, setup(context)));
        }
        if matches!(call, HostCall::Cleanup(_)) {
            return self.cleanup();
        }
        let context = self.context()?;
        match (call, guest) {
            (HostCall::AddTrigger(call), _) => {
                guarded(|| on_either!(guest, add_trigger(context, call.trigger)))
            }
            (HostCall::UpdateTrigger(call), _) => {
                guarded(|| on_either!(guest, update_trigger(context, call.trigger)))
            }
            (HostCall::RemoveTrigger(call), _) => {
                guarded(|| on_either!(guest, remove_trigger(context, call.trigger)))
            }
            (HostCall::Poll(_), Guest::Polling(sensor)) => guarded(|| sensor.poll(context)),
            (HostCall::Poll(_), Guest::Passive(_)) => Err(out_of_order("this sensor is passive")),
            (call, _) => Err(out_of_order(&format!("unexpected {call:?}"))),
        }
    }

    fn context(&self) -> Result<&SensorContext, RpcError> {
        self.context.get().ok_or_else(|| out_of_order("configure comes first"))
    }

    fn start_run(&self, id: RequestId) {
        if let Err(error) = self.try_start_run(id) {
            self.channel.answer(id, &Err::<Done, _>(error));
        }
    }

    fn try_start_run(&self, id: RequestId) -> Result<(), RpcError> {
        let context = self.context()?.clone();
        let Guest::Passive(sensor) = &self.guest else {
            return Err(out_of_order("this sensor is polled"));
        };
        if self.is_running.swap(true, Ordering::AcqRel) {
            return Err(out_of_order("run was called before"));
        }
        let (sensor, channel) = (Arc::clone(sensor), Arc::clone(&self.channel));
        let ended = self.run_ended.clone();
        let started = spawn("run", move || {
            let result = guarded(|| sensor.run(&context));
            ended.stop();
            channel.answer(id, &result);
        });
        started.map_err(|error| {
            self.run_ended.stop();
            RpcError::new(ErrorCode::Internal, error.to_string())
        })
    }

    /// Waits for `run` to notice the stop signal, then lets the sensor release what it holds.
    fn cleanup(&self) -> Result<Done, RpcError> {
        self.stop.stop();
        if self.is_running.load(Ordering::Acquire) {
            // The host loses its patience before we do.
            self.run_ended.wait(Duration::MAX);
        }
        match self.context.get() {
            Some(context) => guarded(|| on_either!(&self.guest, cleanup(context))),
            None => Ok(Done {}),
        }
    }
}

fn out_of_order(message: &str) -> RpcError {
    RpcError::new(ErrorCode::OutOfOrder, message)
}

/// Calls the author's code. An error and a panic become an error answer with all their words.
fn guarded(call: impl FnOnce() -> SensorResult) -> Result<Done, RpcError> {
    let message = match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => return Ok(Done {}),
        Ok(Err(error)) => {
            let mut message = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                message = format!("{message}: {cause}");
                source = cause.source();
            }
            message
        }
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            format!("the sensor panicked: {}", text.unwrap_or_default())
        }
    };
    Err(RpcError::new(ErrorCode::GuestFailed, message))
}

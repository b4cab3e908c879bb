//! The way to the guest for everybody who is not its engine.

use std::time::Duration;

use serde_json::value::RawValue;
use st2_model::ResourceRef;
use st2_plugin::{Error, Result};
use st2_protocol::{Call, HostCall, RpcError};
use tokio::sync::{mpsc, oneshot};

/// Calls of the host that wait to be sent.
pub(crate) const COMMANDS_MAX: usize = 64;

pub(crate) type Answer = std::result::Result<Box<RawValue>, RpcError>;

/// A call and where its answer goes.
pub(crate) struct Command {
    pub(crate) call: HostCall,
    pub(crate) reply: oneshot::Sender<Answer>,
}

/// Sends calls to the engine of one guest. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    sensor: ResourceRef,
    commands: mpsc::Sender<Command>,
}

impl Caller {
    pub(crate) fn new(sensor: ResourceRef) -> (Self, mpsc::Receiver<Command>) {
        let (commands, queue) = mpsc::channel(COMMANDS_MAX);
        (Self { sensor, commands }, queue)
    }

    /// Calls the guest and waits for the answer as long as it takes.
    pub(crate) async fn call(&self, call: HostCall) -> Result<Box<RawValue>> {
        let method = call.method();
        let (reply, answer) = oneshot::channel();
        let gone = || Error::Gone { sensor: self.sensor.clone() };
        self.commands.send(Command { call, reply }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?.map_err(|error| Error::GuestFailed {
            sensor: self.sensor.clone(),
            call: method,
            message: error.message,
        })
    }

    /// Calls the guest and waits for the answer for a limited time.
    pub(crate) async fn call_within(
        &self,
        timeout: Duration,
        call: HostCall,
    ) -> Result<Box<RawValue>> {
        let method = call.method();
        let answered = tokio::time::timeout(timeout, self.call(call)).await;
        answered.unwrap_or_else(|_| {
            Err(Error::NoAnswer { sensor: self.sensor.clone(), call: method, timeout })
        })
    }
}

//! What an author of a sensor implements.

use std::time::Duration;

use serde_json::{Map, Value};
use st2_protocol::Trigger;

use crate::service::SensorService;
use crate::stop::StopSignal;

/// What the methods of a sensor return. Any error type goes; its text and that of its sources reach
/// the operator.
pub type SensorResult = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What a sensor gets to work with. Cheap to clone.
#[derive(Clone)]
pub struct SensorContext {
    service: SensorService,
    config: std::sync::Arc<Map<String, Value>>,
    poll_interval: Option<Duration>,
    stop: StopSignal,
}

impl SensorContext {
    pub(crate) fn new(
        service: SensorService,
        config: Map<String, Value>,
        poll_interval: Option<Duration>,
        stop: StopSignal,
    ) -> Self {
        Self { service, config: config.into(), poll_interval, stop }
    }

    /// Dispatch, datastore, log.
    #[must_use]
    pub fn service(&self) -> &SensorService {
        &self.service
    }

    /// The pack's configuration; empty when it has none.
    #[must_use]
    pub fn config(&self) -> &Map<String, Value> {
        &self.config
    }

    /// Time between two polls, for polling sensors.
    #[must_use]
    pub fn poll_interval(&self) -> Option<Duration> {
        self.poll_interval
    }

    /// Set when the sensor shall return from `run` or `poll`.
    #[must_use]
    pub fn stop(&self) -> &StopSignal {
        &self.stop
    }
}

/// A sensor that decides itself when to look for news.
///
/// Order of calls: `setup` once; then `run` once, and the trigger methods any number of times, from
/// another thread than `run` and also before it; `cleanup` last, after `run` has returned. Every
/// method may block. A sensor that does not serve triggers one by one need not implement the
/// trigger methods.
pub trait Sensor: Send + Sync + 'static {
    /// Prepares the sensor. An error here ends the guest.
    ///
    /// # Errors
    /// When it cannot work with this configuration or in this place.
    fn setup(&self, context: &SensorContext) -> SensorResult {
        let _ = context;
        Ok(())
    }

    /// Looks for news until [`SensorContext::stop`] is set. Returning earlier ends the guest.
    ///
    /// # Errors
    /// When it cannot go on; the host starts it anew by its policy.
    fn run(&self, context: &SensorContext) -> SensorResult;

    /// Releases what the sensor holds outside its process.
    ///
    /// # Errors
    /// They are logged.
    fn cleanup(&self, context: &SensorContext) -> SensorResult {
        let _ = context;
        Ok(())
    }

    /// Starts to serve a trigger.
    ///
    /// # Errors
    /// They are logged; the sensor goes on with the other triggers.
    fn add_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        let _ = (context, trigger);
        Ok(())
    }

    /// The trigger with this id changed. Unless implemented: removed and added.
    ///
    /// # Errors
    /// As `add_trigger`.
    fn update_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        self.remove_trigger(context, trigger.clone())?;
        self.add_trigger(context, trigger)
    }

    /// Stops to serve a trigger.
    ///
    /// # Errors
    /// As `add_trigger`.
    fn remove_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        let _ = (context, trigger);
        Ok(())
    }
}

/// A sensor that the host asks for news, again and again, with a pause in between. The trigger
/// methods are never called while `poll` is running. Otherwise as [`Sensor`].
pub trait PollingSensor: Send + Sync + 'static {
    /// Prepares the sensor.
    ///
    /// # Errors
    /// As [`Sensor::setup`].
    fn setup(&self, context: &SensorContext) -> SensorResult {
        let _ = context;
        Ok(())
    }

    /// Looks for news once and returns.
    ///
    /// # Errors
    /// When it cannot go on; the host starts it anew by its policy.
    fn poll(&self, context: &SensorContext) -> SensorResult;

    /// Releases what the sensor holds.
    ///
    /// # Errors
    /// They are logged.
    fn cleanup(&self, context: &SensorContext) -> SensorResult {
        let _ = context;
        Ok(())
    }

    /// Starts to serve a trigger.
    ///
    /// # Errors
    /// As [`Sensor::add_trigger`].
    fn add_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        let _ = (context, trigger);
        Ok(())
    }

    /// The trigger with this id changed. Unless implemented: removed and added.
    ///
    /// # Errors
    /// As `add_trigger`.
    fn update_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        self.remove_trigger(context, trigger.clone())?;
        self.add_trigger(context, trigger)
    }

    /// Stops to serve a trigger.
    ///
    /// # Errors
    /// As `add_trigger`.
    fn remove_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        let _ = (context, trigger);
        Ok(())
    }
}

//! `linux.FileWatchSensor`: one [`Tail`] for each trigger, all advanced by one thread that sleeps
//! until a folder changes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use st2_sdk::{Error, LogLevel, Sensor, SensorContext, SensorResult, Trigger};

use crate::tail::{Tail, Turn};
use crate::watch::{Bell, Folders};

/// Files are looked at this often although nothing was noticed: some file systems tell nothing.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// Follows files and dispatches their lines. See the README of the pack.
#[derive(Default)]
pub struct FileWatchSensor {
    tails: Mutex<BTreeMap<String, SharedTail>>,
    bell: Bell,
}

type SharedTail = Arc<Mutex<Tail>>;

impl FileWatchSensor {
    fn tails(&self) -> MutexGuard<'_, BTreeMap<String, SharedTail>> {
        self.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One turn for each file. Tells whether there is more to do at once.
    fn advance(&self, tails: &[SharedTail], context: &SensorContext) -> st2_sdk::Result<Turn> {
        let mut turn = Turn::Done;
        for tail in tails {
            if context.stop().is_stopping() {
                return Ok(Turn::Done);
            }
            if lock(tail).advance(context.service())? == Turn::More {
                turn = Turn::More;
            }
        }
        Ok(turn)
    }
}

fn lock(tail: &SharedTail) -> MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sensor for FileWatchSensor {
    fn run(&self, context: &SensorContext) -> SensorResult {
        let bell = self.bell.clone();
        context.stop().on_stop(move || bell.ring());
        let (mut folders, error) = Folders::new(self.bell.clone());
        if let Some(error) = error {
            let text = format!("changes are looked for every {LOOK_PERIOD:?} only: {error}");
            context.service().log(LogLevel::Warning, text);
        }
        while !context.stop().is_stopping() {
            let tails: Vec<_> = self.tails().values().cloned().collect();
            let paths: Vec<_> = tails.iter().map(|tail| lock(tail).path().to_owned()).collect();
            folders.watch(paths.iter().map(PathBuf::as_path));
            // After the watches are set: what happens from here on rings the bell.
            match self.advance(&tails, context) {
                Ok(Turn::More) => {}
                Ok(Turn::Done) => self.bell.wait(LOOK_PERIOD),
                Err(Error::Stopping) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn add_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        let path = trigger.parameters.get("file_path").and_then(serde_json::Value::as_str);
        let path = path.filter(|path| !path.is_empty());
        let Some(path) = path.map(PathBuf::from) else {
            let text = format!("trigger {}: parameter file_path is missing", trigger.reference);
            return Err(text.into());
        };
        if !path.is_absolute() {
            let text = format!(
                "trigger {}: file_path {} is not absolute",
                trigger.reference,
                path.display()
            );
            return Err(text.into());
        }
        let tail = Tail::start(&trigger, path, context.service())?;
        self.tails().insert(trigger.id, Arc::new(Mutex::new(tail)));
        self.bell.ring();
        Ok(())
    }

    fn remove_trigger(&self, context: &SensorContext, trigger: Trigger) -> SensorResult {
        let removed = self.tails().remove(&trigger.id);
        if let Some(tail) = removed {
            // Waits for the turn this file may have right now.
            lock(&tail).remove(context.service())?;
        }
        Ok(())
    }
}

//! The sensor on real files, on its real channel, against the fake host of the sdk.
mod following;
mod reading;
mod restarts;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use st2_sdk::testing::{FakeHost, RunningGuest};
use st2_sdk::{DispatchItem, Trigger};

use crate::FileWatchSensor;

/// A folder with log files and a host.
struct Rig {
    folder: tempfile::TempDir,
    host: FakeHost,
}

impl Rig {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), host: FakeHost::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the sensor and lets it run.
    fn start(&self) -> RunningGuest {
        let guest = self.host.start(FileWatchSensor::default()).unwrap();
        guest.run();
        guest
    }

    fn start_with(&self, names: &[&str]) -> RunningGuest {
        let guest = self.start();
        for name in names {
            guest.add_trigger(self.trigger(name)).unwrap();
        }
        guest
    }

    fn trigger(&self, name: &str) -> Trigger {
        let path = self.path(name);
        let parameters = serde_json::json!({"file_path": path.to_str().unwrap()});
        Trigger {
            id: format!("id-{name}"),
            reference: format!("linux.{name}"),
            trigger_type: "linux.file_watch.line".to_owned(),
            parameters: parameters.as_object().unwrap().clone(),
            ..Trigger::default()
        }
    }

    /// The lines dispatched so far, after there are `count` of them.
    fn lines(&self, count: usize) -> Vec<String> {
        self.host.wait_for_items(count).iter().map(line).collect()
    }

    fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        append(&self.path(name), bytes);
    }
}

fn line(item: &DispatchItem) -> String {
    item.payload["line"].as_str().unwrap().to_owned()
}

fn append(path: &Path, bytes: impl AsRef<[u8]>) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(bytes.as_ref()).unwrap();
}

fn create(path: &Path, bytes: impl AsRef<[u8]>) {
    File::create(path).unwrap().write_all(bytes.as_ref()).unwrap();
}

//! Follows one file for one trigger: reads, dispatches, remembers.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use st2_sdk::{DispatchItem, DispatchOutcome, Error, LogLevel, SensorService, Trigger};

use crate::files::{Next, OpenFile};
use crate::lines::Line;
use crate::position::{Identity, Position};

/// Lines of one dispatch.
const BATCH_LINES_MAX: usize = 500;
/// Bytes of one dispatch, plus one line.
const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Chunks read before other files get their turn.
const CHUNKS_A_TURN: usize = 16;
/// Files followed at a time: the one rotated away last and the current one.
const FILES_MAX: usize = 2;

/// Result of calls on the host; an error ends the sensor or this turn.
type Result<T> = st2_sdk::Result<T>;

/// One trigger and its file.
pub(crate) struct Tail {
    reference: String,
    path: PathBuf,
    files: Vec<OpenFile>,
    /// The last complaint, so that it is not repeated with every look.
    complaint: Option<String>,
    is_removed: bool,
}

/// What is left to do after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The end of the file is reached.
    Done,
    /// There is more to read.
    More,
}

impl Tail {
    /// Starts to follow a file: where the trigger left off in an earlier life of the sensor, else at
    /// the end of the file. The position is stored on return, so nothing written from now on is
    /// missed.
    pub(crate) fn start(trigger: &Trigger, path: PathBuf, service: &SensorService) -> Result<Self> {
        let reference = trigger.reference.clone();
        let mut tail =
            Self { reference, path, files: Vec::new(), complaint: None, is_removed: false };
        let stored = service.get_value(&tail.key())?;
        let position = stored.and_then(|text| serde_json::from_str::<Position>(&text).ok());
        match position {
            Some(position) => tail.resume(&position, service),
            None => match OpenFile::open_at_end(&tail.path) {
                Ok(file) => tail.files.push(file),
                // It is read from its beginning when it appears.
                Err(error) => tail.complain(&error, service),
            },
        }
        tail.save(service)?;
        Ok(tail)
    }

    fn resume(&mut self, position: &Position, service: &SensorService) {
        for file in &position.files {
            match OpenFile::reopen(&self.path, file) {
                Ok(Some(file)) => self.files.push(file),
                Ok(None) => {
                    let text = "was rotated away while nobody watched; lines may be missing";
                    service.log(LogLevel::Warning, format!("{}: {text}", self.path.display()));
                }
                Err(error) => self.complain(&error, service),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets the file; nothing is dispatched or stored for it any more.
    pub(crate) fn remove(&mut self, service: &SensorService) -> Result<()> {
        self.is_removed = true;
        self.files.clear();
        service.delete_value(&self.key()).map(drop)
    }

    /// Dispatches what is new, up to a limit, so that no file keeps others waiting.
    pub(crate) fn advance(&mut self, service: &SensorService) -> Result<Turn> {
        if self.is_removed {
            return Ok(Turn::Done);
        }
        let mut chunks = 0;
        loop {
            for index in 0..self.files.len() {
                while self.read(index, service)? {
                    chunks += 1;
                    if chunks >= CHUNKS_A_TURN {
                        return Ok(Turn::More);
                    }
                }
            }
            if !self.follow(service)? {
                return Ok(Turn::Done);
            }
        }
    }

    /// Dispatches one chunk of a file. True when there may be more.
    fn read(&mut self, index: usize, service: &SensorService) -> Result<bool> {
        let Some(file) = self.files.get_mut(index) else { return Ok(false) };
        match file.read() {
            Ok(Next::Lines(lines)) => {
                self.dispatch(index, &lines, service)?;
                Ok(true)
            }
            Ok(Next::End) => Ok(false),
            Ok(Next::Replaced) => self.restart(index, service),
            Err(error) => {
                self.complain(&error, service);
                Ok(false)
            }
        }
    }

    fn restart(&mut self, index: usize, service: &SensorService) -> Result<bool> {
        self.flush(index, service)?;
        let restarted = self.files.get_mut(index).map(OpenFile::restart).transpose();
        if let Err(error) = restarted {
            self.complain(&error, service);
            return Ok(false);
        }
        self.save(service)?;
        Ok(true)
    }

    /// Looks what the name stands for now. True when there may be more to read.
    fn follow(&mut self, service: &SensorService) -> Result<bool> {
        let identity = match std::fs::metadata(&self.path) {
            Ok(metadata) => Identity::of(&metadata),
            Err(error) => {
                self.complain(&error, service);
                return Ok(false);
            }
        };
        match self.files.last() {
            Some(file) if file.identity() == identity => {
                self.complaint = None;
                Ok(false)
            }
            _ => self.open_next(service),
        }
    }

    fn open_next(&mut self, service: &SensorService) -> Result<bool> {
        let previous = self.files.iter().map(|file| file.settled().generation).max();
        let next = match OpenFile::open_at_start(&self.path, previous) {
            Ok(next) => next,
            Err(error) => {
                self.complain(&error, service);
                return Ok(false);
            }
        };
        // Renamed back: the same file again, which is followed already.
        if let Some(known) = self.files.iter().position(|file| file.identity() == next.identity()) {
            let file = self.files.remove(known);
            self.files.push(file);
            return Ok(true);
        }
        while self.files.len() >= FILES_MAX {
            self.flush(0, service)?;
            self.files.remove(0);
        }
        self.files.push(next);
        self.complaint = None;
        self.save(service)?;
        Ok(true)
    }

    fn flush(&mut self, index: usize, service: &SensorService) -> Result<()> {
        match self.files.get_mut(index).and_then(OpenFile::flush) {
            Some(line) => self.dispatch(index, &[line], service),
            None => Ok(()),
        }
    }

    fn dispatch(&mut self, index: usize, lines: &[Line], service: &SensorService) -> Result<()> {
        let mut rest = lines;
        while !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_length(rest));
            self.dispatch_batch(index, batch, service)?;
            rest = later;
        }
        Ok(())
    }

    fn dispatch_batch(
        &mut self,
        index: usize,
        lines: &[Line],
        service: &SensorService,
    ) -> Result<()> {
        let Some(file) = self.files.get(index) else { return Ok(()) };
        let items = lines.iter().map(|line| self.item(file, line)).collect();
        match service.dispatch_batch(items) {
            Ok(outcomes) => self.report(&outcomes, service),
            // Cannot happen with paths of sane length; half as many lines are half as long.
            Err(Error::TooLarge { .. }) if lines.len() > 1 => {
                let (first, second) = lines.split_at(lines.len() / 2);
                self.dispatch_batch(index, first, service)?;
                return self.dispatch_batch(index, second, service);
            }
            Err(error @ Error::TooLarge { .. }) => {
                service.log(LogLevel::Error, format!("{}: {error}", self.path.display()));
            }
            Err(error) => return Err(error),
        }
        for line in lines.iter().filter(|line| line.is_cut) {
            let text = format!(
                "{}: the line at offset {} has {} bytes and was cut",
                self.path.display(),
                line.start,
                line.end - line.start
            );
            service.log(LogLevel::Warning, text);
        }
        if let (Some(file), Some(last)) = (self.files.get_mut(index), lines.last()) {
            file.settle(last);
        }
        self.save(service)
    }

    fn item(&self, file: &OpenFile, line: &Line) -> DispatchItem {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        let mut payload = Map::new();
        payload.insert("file_path".to_owned(), self.path.to_string_lossy().into());
        payload.insert("file_name".to_owned(), name.to_string_lossy().into());
        payload.insert("line".to_owned(), line.text.clone().into());
        if line.is_cut {
            payload.insert("truncated".to_owned(), Value::Bool(true));
        }
        let trigger = self.reference.clone();
        DispatchItem { trigger, payload, trace_tag: None, dedupe_key: Some(file.key(line)) }
    }

    fn report(&self, outcomes: &[DispatchOutcome], service: &SensorService) {
        for outcome in outcomes {
            if let DispatchOutcome::Refused { reason } = outcome {
                let text = format!("{}: a line was refused: {reason}", self.path.display());
                service.log(LogLevel::Error, text);
            }
        }
    }

    fn save(&self, service: &SensorService) -> Result<()> {
        let position = Position { files: self.files.iter().map(OpenFile::settled).collect() };
        let text = serde_json::to_string(&position);
        let text = text.map_err(|source| Error::Answer { call: "datastore_set", source })?;
        service.set_value(&self.key(), &text)
    }

    /// A trigger reference is unique and outlives the sensor's process.
    fn key(&self) -> String {
        format!("position.{}", self.reference)
    }

    fn complain(&mut self, error: &io::Error, service: &SensorService) {
        let text = error.to_string();
        if self.complaint.as_ref() != Some(&text) {
            let level = match error.kind() {
                io::ErrorKind::NotFound => LogLevel::Info,
                _ => LogLevel::Warning,
            };
            service.log(level, format!("{}: {text}", self.path.display()));
            self.complaint = Some(text);
        }
    }
}

/// How many of the lines go into one dispatch: at least one.
fn batch_length(lines: &[Line]) -> usize {
    let mut bytes = 0;
    let fitting = lines.iter().take(BATCH_LINES_MAX).take_while(|line| {
        let fits = bytes < BATCH_BYTES_MAX;
        bytes += line.text.len();
        fits
    });
    fitting.count().max(1)
}

//! Standard output and error of a guest, as log records.

use std::sync::Arc;

use st2_plugin::{GuestHost, GuestLog, LogSource};
use st2_protocol::LogLevel;

use crate::lines::LineSplitter;
use crate::spec::Stream;

/// Turns chunks into records; what is left without a line end is given out when it is dropped.
pub(crate) struct LogTap {
    host: Arc<dyn GuestHost>,
    stdout: LineSplitter,
    stderr: LineSplitter,
}

impl LogTap {
    pub(crate) fn new(host: Arc<dyn GuestHost>, line_bytes_max: usize) -> Self {
        let (stdout, stderr) =
            (LineSplitter::new(line_bytes_max), LineSplitter::new(line_bytes_max));
        Self { host, stdout, stderr }
    }

    pub(crate) fn push(&mut self, stream: Stream, chunk: &[u8]) {
        let host = &self.host;
        match stream {
            Stream::Stdout => self.stdout.push(chunk, |line| emit(host, LogSource::Stdout, line)),
            Stream::Stderr => self.stderr.push(chunk, |line| emit(host, LogSource::Stderr, line)),
        }
    }
}

impl Drop for LogTap {
    fn drop(&mut self) {
        let host = &self.host;
        self.stdout.flush(|line| emit(host, LogSource::Stdout, line));
        self.stderr.flush(|line| emit(host, LogSource::Stderr, line));
    }
}

fn emit(host: &Arc<dyn GuestHost>, source: LogSource, line: &str) {
    host.log(GuestLog { level: LogLevel::Info, source, message: line.to_owned() });
}

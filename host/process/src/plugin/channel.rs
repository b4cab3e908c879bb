//! The host's end of the socket: lines in, bytes out, both bounded.

use std::collections::VecDeque;
use std::io;

use st2_protocol::{LineBuffer, LineTooLong};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

const CHUNK_BYTES: usize = 64 * 1024;

/// With so much unwritten the guest's calls are no longer read and ours no longer sent.
const UNWRITTEN_BYTES_MAX: usize = 1024 * 1024;

/// Reads lines. A cancelled `fill` loses nothing.
pub(crate) struct Input {
    half: OwnedReadHalf,
    buffer: LineBuffer,
    chunk: Vec<u8>,
    is_ended: bool,
}

/// Writes lines. A cancelled `flush` loses nothing.
pub(crate) struct Output {
    half: OwnedWriteHalf,
    lines: VecDeque<Vec<u8>>,
    /// Bytes of the first line that are written.
    written: usize,
    unwritten: usize,
}

pub(crate) fn split(stream: UnixStream, line_bytes_max: usize) -> (Input, Output) {
    let (reader, writer) = stream.into_split();
    let buffer = LineBuffer::new(line_bytes_max);
    let input = Input { half: reader, buffer, chunk: vec![0; CHUNK_BYTES], is_ended: false };
    (input, Output { half: writer, lines: VecDeque::new(), written: 0, unwritten: 0 })
}

impl Input {
    /// True when the guest has closed its end.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Waits for bytes.
    pub(crate) async fn fill(&mut self) {
        match self.half.read(&mut self.chunk).await {
            // Reset by a guest that was killed: the same as its end.
            Ok(0) | Err(_) => self.is_ended = true,
            Ok(count) => self.buffer.push(self.chunk.get(..count).unwrap_or_default()),
        }
    }

    /// The next line that has arrived.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        self.buffer.next_line()
    }
}

impl Output {
    pub(crate) fn push(&mut self, line: Vec<u8>) {
        self.unwritten += line.len();
        self.lines.push_back(line);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.unwritten >= UNWRITTEN_BYTES_MAX
    }

    /// Writes some of what is waiting.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        let Some(line) = self.lines.front() else { return Ok(()) };
        let count = self.half.write(line.get(self.written..).unwrap_or_default()).await?;
        self.written += count;
        self.unwritten = self.unwritten.saturating_sub(count);
        if self.written >= line.len() {
            self.written = 0;
            self.lines.pop_front();
        }
        Ok(())
    }

    /// Forgets what can no longer be written.
    pub(crate) fn give_up(&mut self) {
        self.lines.clear();
        self.unwritten = 0;
        self.written = 0;
    }
}

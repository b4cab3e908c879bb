//! From bytes to lines, with a limit.

/// A line reached the limit without an end. The rest of the stream cannot be understood any more:
/// the reader must close the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than the limit of {line_bytes_max} bytes")]
pub struct LineTooLong {
    /// The limit, line end included.
    pub line_bytes_max: usize,
}

/// Collects bytes as they arrive and gives out complete lines. Holds at most one line and the bytes
/// of the last [`push`](Self::push).
#[derive(Debug)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    /// Start of the next line in `bytes`.
    start: usize,
    /// Everything before this index is known to hold no line end.
    searched: usize,
    line_bytes_max: usize,
}

impl LineBuffer {
    /// An empty buffer that refuses lines above `line_bytes_max` bytes, line end included.
    #[must_use]
    pub fn new(line_bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, searched: 0, line_bytes_max }
    }

    /// Changes the limit, for the lines that follow.
    pub fn set_line_bytes_max(&mut self, line_bytes_max: usize) {
        self.line_bytes_max = line_bytes_max;
    }

    /// Adds bytes read from the channel.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next complete line without its line end, `None` when more bytes are needed. Empty lines
    /// are skipped.
    ///
    /// # Errors
    /// When the line is longer than the limit, also before its end has arrived.
    pub fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        loop {
            let unsearched = self.bytes.get(self.searched..).unwrap_or_default();
            let found = unsearched.iter().position(|byte| *byte == b'\n');
            let end = found.map_or(self.bytes.len(), |offset| self.searched + offset + 1);
            if end - self.start > self.line_bytes_max {
                return Err(LineTooLong { line_bytes_max: self.line_bytes_max });
            }
            self.searched = end;
            if found.is_none() {
                return Ok(None);
            }
            let start = std::mem::replace(&mut self.start, end);
            let line = start..end - 1;
            if line.is_empty() {
                continue;
            }
            return Ok(self.bytes.get(line));
        }
    }

    /// True when the stream ended in the middle of a line.
    #[must_use]
    pub fn has_partial_line(&self) -> bool {
        self.start < self.bytes.len()
    }
}

//! From bytes of a file to lines with their offsets.

/// Longest line that is dispatched whole. Written as JSON with every byte escaped it still fits
/// into one message of the plugin protocol.
pub const LINE_BYTES_MAX: usize = 512 * 1024;

/// A complete line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Text without line end.
    pub(crate) text: String,
    /// Offset of its first byte.
    pub(crate) start: u64,
    /// Offset after its line end.
    pub(crate) end: u64,
    /// Whether the text is only the beginning.
    pub(crate) is_cut: bool,
}

/// Cuts a stream of bytes into lines. Holds at most [`LINE_BYTES_MAX`] bytes.
#[derive(Debug)]
pub(crate) struct LineReader {
    kept: Vec<u8>,
    dropped: u64,
    /// Offset of the first byte of the unfinished line.
    start: u64,
    line_bytes_max: usize,
}

impl LineReader {
    /// A reader whose first byte stands at `offset` of the file.
    pub(crate) fn new(offset: u64, line_bytes_max: usize) -> Self {
        Self { kept: Vec::new(), dropped: 0, start: offset, line_bytes_max }
    }

    /// Offset of the next byte to push.
    pub(crate) fn offset(&self) -> u64 {
        self.start + self.kept.len() as u64 + self.dropped
    }

    /// Takes bytes and adds the lines they complete to `lines`.
    pub(crate) fn push(&mut self, chunk: &[u8], lines: &mut Vec<Line>) {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let (body, is_complete) = match piece.strip_suffix(b"\n") {
                Some(body) => (body, true),
                None => (piece, false),
            };
            let room = self.line_bytes_max.saturating_sub(self.kept.len());
            let (kept, dropped) = body.split_at(body.len().min(room));
            self.kept.extend_from_slice(kept);
            self.dropped += dropped.len() as u64;
            if is_complete {
                lines.push(self.take(1));
            }
        }
    }

    /// Takes the unfinished line for a line, because its file goes away.
    pub(crate) fn flush(&mut self) -> Option<Line> {
        (self.offset() > self.start).then(|| self.take(0))
    }

    fn take(&mut self, line_end_bytes: u64) -> Line {
        let end = self.offset() + line_end_bytes;
        let is_cut = self.dropped > 0;
        // The carriage return before a dropped rest is no line end.
        let body = if is_cut { None } else { self.kept.strip_suffix(b"\r") };
        let text = String::from_utf8_lossy(body.unwrap_or(&self.kept)).into_owned();
        let line = Line { text, start: self.start, end, is_cut };
        self.kept.clear();
        // One long line must not hold its memory for ever.
        self.kept.shrink_to(64 * 1024);
        self.dropped = 0;
        self.start = end;
        line
    }
}

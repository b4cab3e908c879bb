//! Cuts a stream of chunks into lines of bounded length, for logs.

/// Collects bytes and gives out whole lines without their line end. A line longer than the limit is
/// cut at the limit, the rest of it is dropped and counted, so memory stays bounded whatever a guest
/// prints. Bytes that are not UTF-8 are shown as the replacement character.
#[derive(Debug)]
pub struct LineSplitter {
    pending: Vec<u8>,
    line_bytes_max: usize,
    dropped_bytes: u64,
}

impl LineSplitter {
    /// A splitter that cuts lines at `line_bytes_max` bytes.
    #[must_use]
    pub fn new(line_bytes_max: usize) -> Self {
        Self { pending: Vec::new(), line_bytes_max, dropped_bytes: 0 }
    }

    /// Takes a chunk and calls `each` for every line it completes.
    pub fn push(&mut self, chunk: &[u8], mut each: impl FnMut(&str)) {
        let mut pieces = chunk.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            let room = self.line_bytes_max.saturating_sub(self.pending.len());
            let (kept, dropped) = piece.split_at(piece.len().min(room));
            self.pending.extend_from_slice(kept);
            self.dropped_bytes += dropped.len() as u64;
            if pieces.peek().is_some() {
                self.finish(&mut each);
            }
        }
    }

    /// Gives out what is left when the stream has ended without a line end.
    pub fn flush(&mut self, mut each: impl FnMut(&str)) {
        if !self.pending.is_empty() || self.dropped_bytes > 0 {
            self.finish(&mut each);
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(&str)) {
        let line = self.pending.strip_suffix(b"\r").unwrap_or(&self.pending);
        let text = String::from_utf8_lossy(line);
        if self.dropped_bytes == 0 {
            each(&text);
        } else {
            each(&format!("{text} [{} more bytes dropped]", self.dropped_bytes));
        }
        self.pending.clear();
        self.dropped_bytes = 0;
    }
}

//! Output on its way from a guest to the store: written without waiting, taken in batches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use st2_model::OutputStream;
use tokio::sync::Notify;

/// Some output of one stream, as many writes as came together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The stream.
    pub stream: OutputStream,
    /// The text.
    pub text: String,
}

#[derive(Default)]
struct Buffer {
    pieces: VecDeque<Piece>,
    bytes: usize,
    dropped_bytes: u64,
    is_closed: bool,
}

struct Shared {
    buffer: Mutex<Buffer>,
    arrived: Notify,
    bytes_max: usize,
    batch_bytes: usize,
}

impl Shared {
    fn buffer<T>(&self, with: impl FnOnce(&mut Buffer) -> T) -> T {
        with(&mut self.buffer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes what a guest prints. Never waits: when the store is slower than the guest, output beyond
/// the bound is left out of the stream and a note says how much. What the result holds is the
/// runner's business and not touched by this.
pub struct Output {
    shared: Option<Arc<Shared>>,
}

/// The reading end.
pub struct Outputs {
    shared: Arc<Shared>,
}

/// Two ends of a stream of output that holds at most `bytes_max`; a batch is taken as soon as it
/// has `batch_bytes`.
#[must_use]
pub fn output(bytes_max: usize, batch_bytes: usize) -> (Output, Outputs) {
    let shared = Arc::new(Shared {
        buffer: Mutex::default(),
        arrived: Notify::new(),
        bytes_max,
        batch_bytes,
    });
    let reader = Outputs { shared: Arc::clone(&shared) };
    let writer = Output { shared: Some(shared) };
    (writer, reader)
}

impl Output {
    /// Output that nobody wants.
    #[must_use]
    pub const fn discard() -> Self {
        Self { shared: None }
    }

    /// Appends text, whole lines with their newlines where the guest prints lines.
    pub fn write(&self, stream: OutputStream, text: &str) {
        let Some(shared) = &self.shared else {
            return;
        };
        if text.is_empty() {
            return;
        }
        let wakes = shared.buffer(|buffer| {
            if buffer.bytes + text.len() > shared.bytes_max {
                buffer.dropped_bytes += text.len() as u64;
                return false;
            }
            let was = buffer.bytes;
            buffer.bytes += text.len();
            match buffer.pieces.back_mut() {
                Some(last) if last.stream == stream => last.text.push_str(text),
                _ => buffer.pieces.push_back(Piece { stream, text: text.to_owned() }),
            }
            was == 0 || (was < shared.batch_bytes && buffer.bytes >= shared.batch_bytes)
        });
        if wakes {
            shared.arrived.notify_one();
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.buffer(|buffer| buffer.is_closed = true);
            shared.arrived.notify_one();
        }
    }
}

impl Outputs {
    /// The next batch: what has come within `patience` of its first byte, or as soon as there is
    /// enough of it. `None` when the writer is gone and everything was taken.
    pub async fn next(&mut self, patience: Duration) -> Option<Vec<Piece>> {
        loop {
            let (is_empty, is_closed) =
                self.shared.buffer(|buffer| (buffer.pieces.is_empty(), buffer.is_closed));
            match (is_empty, is_closed) {
                (true, true) => return None,
                (true, false) => self.shared.arrived.notified().await,
                (false, _) => break,
            }
        }
        // More of the same usually follows at once.
        let full = async {
            while !self.is_full_or_closed() {
                self.shared.arrived.notified().await;
            }
        };
        // Either way what is there is taken.
        drop(tokio::time::timeout(patience, full).await);
        Some(self.take())
    }

    fn is_full_or_closed(&self) -> bool {
        let enough = self.shared.batch_bytes;
        self.shared.buffer(|buffer| buffer.is_closed || buffer.bytes >= enough)
    }

    fn take(&mut self) -> Vec<Piece> {
        self.shared.buffer(|buffer| {
            buffer.bytes = 0;
            let mut pieces: Vec<Piece> = std::mem::take(&mut buffer.pieces).into();
            if buffer.dropped_bytes > 0 {
                pieces.push(Piece {
                    stream: OutputStream::Output,
                    text: format!(
                        "[{} bytes of output came too fast and are not shown here]\n",
                        buffer.dropped_bytes
                    ),
                });
                buffer.dropped_bytes = 0;
            }
            pieces
        })
    }
}

//! What a command prints: kept for the result, up to a bound, and passed on line by line.

use std::sync::{Arc, Mutex, PoisonError};

use st2_model::OutputStream;
use st2_process::Stream;
use st2_runner::Output;

use crate::secrets::Secrets;

/// A line longer than this is passed on in pieces.
const LINE_BYTES_MAX: usize = 16 * 1024;

#[derive(Default)]
struct Captured {
    kept: Vec<u8>,
    dropped_bytes: u64,
    /// What has not been passed on yet: the line that is being printed.
    pending: Vec<u8>,
}

impl Captured {
    fn keep(&mut self, chunk: &[u8], bytes_max: usize) {
        let room = bytes_max.saturating_sub(self.kept.len());
        let (kept, dropped) = chunk.split_at(chunk.len().min(room));
        self.kept.extend_from_slice(kept);
        self.dropped_bytes += dropped.len() as u64;
    }

    /// Takes the whole lines among what has not been passed on; all of it when it is too long for
    /// one line.
    fn lines(&mut self) -> Vec<u8> {
        let end = match self.pending.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if self.pending.len() > LINE_BYTES_MAX => whole_characters(&self.pending),
            None => 0,
        };
        self.pending.drain(..end).collect()
    }

    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.kept).into_owned();
        if self.dropped_bytes > 0 {
            let note = format!("\n[{} more bytes of output were dropped]", self.dropped_bytes);
            text.push_str(&note);
        }
        text
    }
}

/// Length of the part that does not end within a character. Bytes that are no UTF-8 at all count
/// as characters of their own.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to().max(1),
        Err(_) => bytes.len(),
    }
}

struct State {
    stdout: Captured,
    stderr: Captured,
    output: Output,
}

/// Takes the output of one command. Clones share what was captured.
#[derive(Clone)]
pub(crate) struct Capture {
    state: Arc<Mutex<State>>,
    secrets: Arc<Secrets>,
    bytes_max: usize,
}

impl Capture {
    /// Keeps at most `bytes_max` of each stream.
    pub(crate) fn new(output: Output, secrets: Secrets, bytes_max: usize) -> Self {
        let state = State { stdout: Captured::default(), stderr: Captured::default(), output };
        Self { state: Arc::new(Mutex::new(state)), secrets: Arc::new(secrets), bytes_max }
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn push(&self, stream: Stream, chunk: &[u8]) {
        self.state(|state| {
            let captured = match stream {
                Stream::Stdout => &mut state.stdout,
                Stream::Stderr => &mut state.stderr,
            };
            captured.keep(chunk, self.bytes_max);
            captured.pending.extend_from_slice(chunk);
            let lines = captured.lines();
            self.pass_on(&state.output, stream, &lines);
        });
    }

    fn pass_on(&self, output: &Output, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let stream = match stream {
            Stream::Stdout => OutputStream::Stdout,
            Stream::Stderr => OutputStream::Stderr,
        };
        output.write(stream, &self.secrets.mask(&text));
    }

    /// Passes on what is left and returns both streams whole, secrets masked.
    pub(crate) fn finish(&self) -> (String, String) {
        self.state(|state| {
            let (out, err) = (std::mem::take(&mut state.stdout), std::mem::take(&mut state.stderr));
            self.pass_on(&state.output, Stream::Stdout, &out.pending);
            self.pass_on(&state.output, Stream::Stderr, &err.pending);
            state.output = Output::discard();
            (
                self.secrets.mask(&out.text()).into_owned(),
                self.secrets.mask(&err.text()).into_owned(),
            )
        })
    }
}

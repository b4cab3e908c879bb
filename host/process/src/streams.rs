//! The three standard streams of a running process, driven by whoever waits for it.

use std::io;
use std::os::fd::OwnedFd;

use tokio::net::unix::pipe;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::spec::{Output, Stream};

const CHUNK_BYTES: usize = 64 * 1024;

/// Parent ends of the pipes, as they come from the thread that starts processes.
#[derive(Default)]
pub(crate) struct Pipes {
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: Option<OwnedFd>,
}

/// Moves input to and output from the process. All state lives here and every step is one
/// non-blocking call, so a cancelled `wait` loses nothing.
pub(crate) struct Streams {
    stdin: Option<(pipe::Sender, Zeroizing<Vec<u8>>, usize)>,
    stdout: Option<pipe::Receiver>,
    stderr: Option<pipe::Receiver>,
    output: Option<Output>,
    buffer: Vec<u8>,
}

enum Ready {
    Stdin,
    Output(Stream),
}

impl Streams {
    pub(crate) fn new(
        pipes: Pipes,
        input: Zeroizing<Vec<u8>>,
        output: Option<Output>,
    ) -> Result<Self> {
        let receiver = |fd: Option<OwnedFd>| {
            let receiver = fd.map(pipe::Receiver::from_owned_fd).transpose();
            receiver.map_err(Error::system("watch the output of a process"))
        };
        let sender = pipes.stdin.map(pipe::Sender::from_owned_fd).transpose();
        let sender = sender.map_err(Error::system("watch the input of a process"))?;
        Ok(Self {
            stdin: sender.map(|sender| (sender, input, 0)),
            stdout: receiver(pipes.stdout)?,
            stderr: receiver(pipes.stderr)?,
            output,
            buffer: vec![0; CHUNK_BYTES],
        })
    }

    /// True when both outputs have reached their end. Input does not count: nobody may read it.
    pub(crate) fn is_drained(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// True when there is nothing left to move in any direction.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_drained() && self.stdin.is_none()
    }

    /// Gives up what has not been read or written.
    pub(crate) fn close(&mut self) {
        self.stdin = None;
        self.stdout = None;
        self.stderr = None;
    }

    /// Waits until one stream can move and moves one chunk. Never ready when idle.
    pub(crate) async fn step(&mut self) {
        let ready = tokio::select! {
            () = readable(self.stdout.as_ref()) => Ready::Output(Stream::Stdout),
            () = readable(self.stderr.as_ref()) => Ready::Output(Stream::Stderr),
            () = writable(self.stdin.as_ref().map(|(sender, ..)| sender)) => Ready::Stdin,
        };
        match ready {
            Ready::Stdin => self.feed(),
            Ready::Output(stream) => self.read(stream),
        }
    }

    fn feed(&mut self) {
        let Some((sender, bytes, written)) = self.stdin.as_mut() else {
            return;
        };
        let rest = bytes.get(*written..).unwrap_or_default();
        let done = rest.is_empty()
            || match sender.try_write(rest) {
                Ok(count) => {
                    *written += count;
                    *written >= bytes.len()
                }
                // The process closed its input: what it does not want to read is not our concern.
                Err(error) => error.kind() != io::ErrorKind::WouldBlock,
            };
        if done {
            self.stdin = None;
        }
    }

    fn read(&mut self, stream: Stream) {
        let receiver = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let Some(pipe) = receiver.as_ref() else {
            return;
        };
        match pipe.try_read(&mut self.buffer) {
            Ok(0) => *receiver = None,
            Ok(count) => {
                if let (Some(output), Some(chunk)) =
                    (self.output.as_mut(), self.buffer.get(..count))
                {
                    output(stream, chunk);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => *receiver = None,
        }
    }
}

async fn readable(pipe: Option<&pipe::Receiver>) {
    match pipe {
        // An error shows again in the read that follows and ends the stream there.
        Some(pipe) => drop(pipe.readable().await),
        None => std::future::pending().await,
    }
}

async fn writable(pipe: Option<&pipe::Sender>) {
    match pipe {
        Some(pipe) => drop(pipe.writable().await),
        None => std::future::pending().await,
    }
}

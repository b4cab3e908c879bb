//! One open file: where it stands, what comes next, and whether it is still the same content.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::lines::{LINE_BYTES_MAX, Line, LineReader};
use crate::position::{FilePosition, HEAD_BYTES_MAX, Head, Identity, generation};

const CHUNK_BYTES: usize = 64 * 1024;

/// What comes next in a file.
pub(crate) enum Next {
    /// The lines that one chunk completes, perhaps none.
    Lines(Vec<Line>),
    /// Nothing for now.
    End,
    /// The content was replaced: what was read is no longer there.
    Replaced,
}

/// A file being followed. It stays open when it is renamed or deleted.
pub(crate) struct OpenFile {
    file: File,
    /// Position after the last line that is stored.
    settled: FilePosition,
    reader: LineReader,
}

impl OpenFile {
    /// Opens a file nothing is known about, at its end.
    pub(crate) fn open_at_end(path: &Path) -> io::Result<Self> {
        let (file, metadata) = open(path)?;
        Self::at(file, &metadata, generation(&metadata, None), metadata.len())
    }

    /// Opens a file that took the place of one with the `previous` generation, at its beginning.
    pub(crate) fn open_at_start(path: &Path, previous: Option<u64>) -> io::Result<Self> {
        let (file, metadata) = open(path)?;
        Self::at(file, &metadata, generation(&metadata, previous), 0)
    }

    /// Opens a file at a stored position: under its name, or under another one in the same folder.
    /// `None` when it is gone.
    pub(crate) fn reopen(path: &Path, position: &FilePosition) -> io::Result<Option<Self>> {
        let Some(found) = find(path, position.identity) else { return Ok(None) };
        let (file, metadata) = open(&found)?;
        let mut open = Self::at(file, &metadata, position.generation, position.offset)?;
        open.settled.head = position.head;
        if open.is_replaced()? {
            open.restart()?;
        }
        Ok(Some(open))
    }

    fn at(file: File, metadata: &Metadata, generation: u64, offset: u64) -> io::Result<Self> {
        let identity = Identity::of(metadata);
        let reader = LineReader::new(offset, LINE_BYTES_MAX);
        let settled = FilePosition { identity, generation, offset, head: Head::default() };
        let mut open = Self { file, settled, reader };
        open.note_head()?;
        Ok(open)
    }

    pub(crate) fn settled(&self) -> FilePosition {
        self.settled
    }

    pub(crate) fn identity(&self) -> Identity {
        self.settled.identity
    }

    /// What makes a line of this file unlike every other one, ever.
    pub(crate) fn key(&self, line: &Line) -> String {
        let FilePosition { identity, generation, .. } = self.settled;
        format!("{}:{}:{generation}:{}", identity.device, identity.inode, line.start)
    }

    /// The lines up to `line` are stored.
    pub(crate) fn settle(&mut self, line: &Line) {
        self.settled.offset = line.end;
    }

    /// Reads one chunk, after looking whether it continues what was read before.
    pub(crate) fn read(&mut self) -> io::Result<Next> {
        if self.is_replaced()? {
            return Ok(Next::Replaced);
        }
        let mut chunk = vec![0; CHUNK_BYTES];
        let count = self.file.read_at(&mut chunk, self.reader.offset())?;
        if count == 0 {
            return Ok(Next::End);
        }
        let mut lines = Vec::new();
        self.reader.push(chunk.get(..count).unwrap_or_default(), &mut lines);
        self.note_head()?;
        Ok(Next::Lines(lines))
    }

    /// The line that will never get its end, because the file goes away.
    pub(crate) fn flush(&mut self) -> Option<Line> {
        self.reader.flush()
    }

    /// True when there is other content now than what was read: shorter, or another beginning.
    fn is_replaced(&self) -> io::Result<bool> {
        let length = self.file.metadata()?.len();
        let head = self.settled.head;
        Ok(length < self.reader.offset() || self.head(head.head_bytes)? != head)
    }

    /// Goes to the beginning, under a new generation, because the content was replaced.
    pub(crate) fn restart(&mut self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        self.settled.generation = generation(&metadata, Some(self.settled.generation));
        self.settled.offset = 0;
        self.settled.head = Head::default();
        self.reader = LineReader::new(0, LINE_BYTES_MAX);
        Ok(())
    }

    /// Lets the checksum cover as much of the beginning as has been read.
    fn note_head(&mut self) -> io::Result<()> {
        let covered = self.reader.offset().min(HEAD_BYTES_MAX);
        if self.settled.head.head_bytes < covered {
            self.settled.head = self.head(covered)?;
        }
        Ok(())
    }

    fn head(&self, bytes: u64) -> io::Result<Head> {
        let mut head = vec![0; usize::try_from(bytes.min(HEAD_BYTES_MAX)).unwrap_or_default()];
        let mut filled = 0;
        while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        head.truncate(filled);
        Ok(Head::of(&head))
    }
}

/// Opens regular files only: opening a pipe would block, and a device has no end.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let not_regular = || io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
    if !std::fs::metadata(path)?.is_file() {
        return Err(not_regular());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok((file, metadata)) } else { Err(not_regular()) }
}

/// Where the file with this identity is now.
fn find(path: &Path, identity: Identity) -> Option<PathBuf> {
    let is_it = |path: &Path| {
        std::fs::metadata(path).is_ok_and(|metadata| Identity::of(&metadata) == identity)
    };
    if is_it(path) {
        return Some(path.to_owned());
    }
    // Links point to where rotation takes place.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let entries = std::fs::read_dir(path.parent()?).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| is_it(path))
}

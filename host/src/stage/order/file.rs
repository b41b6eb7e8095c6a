//! A file of rows that wait: a mark, then frames, each behind its length.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh64::Xxh64;

use super::chunk::{Chunk, FrameKey};
use super::gather::gather;
use super::{OrderError, OrderSegment, layout};
use crate::checkpoint::sync_folder;
use crate::record::{Batch, Schema};

/// What the file begins with; the digit is the version of what follows.
const MARK: &[u8; 8] = b"mrorder1";
const LENGTH_BYTES: usize = 8;
/// What a frame holds at most, so that a large batch is not in memory once more as a whole.
const FRAME_ROWS: usize = 8_192;
const BUFFER_BYTES: usize = 1 << 20;

/// Writes the rows of `chunks` that wait, in order of arrival, to the file `name`, durably.
pub(super) fn write<'a>(
    folder: &Path,
    name: &str,
    chunks: impl Iterator<Item = &'a Chunk>,
) -> Result<OrderSegment, OrderError> {
    let mut writer = Writer::create(folder.join(format!("{name}.tmp")))?;
    let mut frame = Frame::default();
    for chunk in chunks {
        let mut positions = chunk.waiting();
        while !positions.is_empty() {
            if frame.key.as_ref().is_some_and(|key| !key.fits(chunk, positions.start)) {
                writer.append(&mut frame)?;
            }
            let end = positions.end.min(positions.start + FRAME_ROWS - frame.rows);
            let end = chunk.end_of_origin(positions.start, end);
            frame.add(chunk, positions.start..end);
            positions.start = end;
            if frame.rows == FRAME_ROWS {
                writer.append(&mut frame)?;
            }
        }
    }
    writer.append(&mut frame)?;
    writer.seal(folder, name)
}

/// Rows for the next frame, which have in common what a batch has.
#[derive(Default)]
struct Frame<'a> {
    key: Option<FrameKey>,
    parts: Vec<(&'a Chunk, Range<usize>)>,
    rows: usize,
}

impl<'a> Frame<'a> {
    fn add(&mut self, chunk: &'a Chunk, positions: Range<usize>) {
        self.key.get_or_insert_with(|| chunk.frame_key(positions.start));
        self.rows += positions.len();
        self.parts.push((chunk, positions));
    }
}

struct Writer {
    path: PathBuf,
    out: BufWriter<Hashed>,
    rows: u64,
}

/// A file that hashes and counts what it is given.
struct Hashed {
    file: File,
    hash: Xxh64,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Writer {
    fn create(path: PathBuf) -> Result<Self, OrderError> {
        let file = File::create(&path).map_err(OrderError::io("create", &path))?;
        let hashed = Hashed { file, hash: Xxh64::new(0), bytes: 0 };
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, hashed);
        out.write_all(MARK).map_err(OrderError::io("write", &path))?;
        Ok(Self { path, out, rows: 0 })
    }

    /// Writes the frame, unless it is empty, and empties it.
    fn append(&mut self, frame: &mut Frame<'_>) -> Result<(), OrderError> {
        let Some(key) = frame.key.take() else { return Ok(()) };
        let bytes = layout::encode(key.batch.input, &gather(&frame.parts)).map_err(|source| {
            OrderError::Encode { path: self.path.clone(), source: Box::new(source) }
        })?;
        self.out
            .write_all(&(bytes.len() as u64).to_le_bytes())
            .and_then(|()| self.out.write_all(&bytes))
            .map_err(OrderError::io("write", &self.path))?;
        self.rows += frame.rows as u64;
        frame.parts.clear();
        frame.rows = 0;
        Ok(())
    }

    fn seal(self, folder: &Path, name: &str) -> Result<OrderSegment, OrderError> {
        let Self { path, out, rows } = self;
        let Hashed { file, hash, bytes } =
            out.into_inner().map_err(|error| OrderError::io("write", &path)(error.into_error()))?;
        file.sync_all().map_err(OrderError::io("sync", &path))?;
        fs::rename(&path, folder.join(name)).map_err(OrderError::io("rename", &path))?;
        sync_folder(folder).map_err(OrderError::io("sync", folder))?;
        Ok(OrderSegment { file: name.to_owned(), rows, bytes, checksum: hex(&hash) })
    }
}

fn hex(hash: &Xxh64) -> String {
    format!("{:016x}", hash.digest())
}

/// The batches of a file, in order.
pub(super) struct Reader {
    path: PathBuf,
    input: BufReader<File>,
    /// Bytes that are not yet read.
    left: u64,
    /// Rows that are not yet read.
    rows_left: u64,
}

impl Reader {
    /// Opens a file after checking every byte of it: a damaged length in it must not make anybody
    /// ask for that much memory.
    pub(super) fn open(folder: &Path, segment: &OrderSegment) -> Result<Self, OrderError> {
        let path = folder.join(&segment.file);
        let mut file = File::open(&path).map_err(OrderError::io("open", &path))?;
        let problem = damage(&mut file, segment).map_err(OrderError::io("read", &path))?;
        if let Some(problem) = problem {
            return Err(OrderError::damaged(&path, problem));
        }
        file.rewind().map_err(OrderError::io("read", &path))?;
        let input = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut reader = Self { path, input, left: segment.bytes, rows_left: segment.rows };
        let mut mark = [0; MARK.len()];
        reader.read(&mut mark)?;
        if mark != *MARK {
            return Err(reader.damaged("it does not begin as such a file does"));
        }
        Ok(reader)
    }

    /// The next batch, with its input.
    pub(super) fn next(
        &mut self,
        schemas: &[Arc<Schema>],
    ) -> Result<Option<(usize, Batch)>, OrderError> {
        if self.left == 0 {
            return match self.rows_left {
                0 => Ok(None),
                missing => Err(self.damaged(format!("{missing} rows are missing"))),
            };
        }
        let mut length = [0; LENGTH_BYTES];
        self.read(&mut length)?;
        let length = u64::from_le_bytes(length);
        let Some(length) = usize::try_from(length).ok().filter(|_| length <= self.left) else {
            let left = self.left;
            return Err(self.damaged(format!("a frame of {length} bytes, where {left} are left")));
        };
        let mut frame = vec![0; length];
        self.read(&mut frame)?;
        let (input, batch) = layout::decode(&self.path, frame, schemas)?;
        let Some(rows_left) = self.rows_left.checked_sub(batch.rows as u64) else {
            return Err(self.damaged("it has more rows than were written"));
        };
        self.rows_left = rows_left;
        Ok(Some((input, batch)))
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), OrderError> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            return Err(self.damaged("it ends within a frame"));
        };
        self.input.read_exact(bytes).map_err(OrderError::io("read", &self.path))?;
        self.left = left;
        Ok(())
    }

    fn damaged(&self, problem: impl Into<String>) -> OrderError {
        OrderError::damaged(&self.path, problem)
    }
}

/// What is wrong with the file, if anything.
fn damage(file: &mut File, segment: &OrderSegment) -> io::Result<Option<String>> {
    let length = file.metadata()?.len();
    if length != segment.bytes {
        return Ok(Some(format!("{length} bytes where {} were written", segment.bytes)));
    }
    let mut hash = Xxh64::new(0);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    Ok((hex(&hash) != segment.checksum).then(|| "the checksum differs".to_owned()))
}

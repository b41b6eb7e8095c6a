//! A file of JSON lines, read once from beginning to end.
//!
//! *Invariants*: a position lies between two lines, and exactly the lines behind it have not been
//! handed out; what was read before a restart is known again by its beginning, and by the line end
//! before the position; a line that was taken without its newline is the last one ever read.
//! *Not here*: lines into rows (`lines`).

mod position;

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use memchr::memchr;

use self::position::{Beginning, FilePosition};
use super::lines::{ChunkBuffer, Filled, LineDecoder};
use super::{Budget, Next, Source, SourceConfig, SourceError};
use crate::format::MAX_INPUT_BYTES;
use crate::record::Position;
use crate::telemetry::Clock;

/// The file that a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// Where it is.
    pub path: PathBuf,
    /// The path as the user wrote it, for messages and as the origin of rows.
    pub display: String,
}

/// How much of a file is held and done at once, in bytes.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// A read.
    chunk: usize,
    /// A line of this length or more is rejected unread.
    line: usize,
    /// What one call passes over of such a line.
    skip: usize,
}

const SIZES: Sizes = Sizes { chunk: 1 << 20, line: 16 << 20, skip: 64 << 20 };

/// A line that is too long, while it is being passed over.
#[derive(Debug)]
struct Skip {
    bytes: usize,
    beginning: Beginning,
    input: String,
}

/// Reads a file's lines.
#[derive(Debug)]
pub(super) struct FileSource {
    file: File,
    display: String,
    /// Of the file, when it was opened.
    length: u64,
    /// From the position to the end, when it was opened.
    left: u64,
    sizes: Sizes,
    buffer: ChunkBuffer,
    lines: LineDecoder,
    offset: u64,
    beginning: Beginning,
    unterminated: bool,
    ended: bool,
    skip: Option<Skip>,
}

impl FileSource {
    /// Opens the file at `position`, or at its start.
    pub(super) fn open(
        source: &SourceConfig,
        config: &FileConfig,
        position: Option<&Position>,
        clock: Clock,
    ) -> Result<Self, SourceError> {
        Self::open_sized(source, config, position, clock, SIZES)
    }

    fn open_sized(
        source: &SourceConfig,
        config: &FileConfig,
        position: Option<&Position>,
        clock: Clock,
        sizes: Sizes,
    ) -> Result<Self, SourceError> {
        let failed = |error| SourceError::Read { input: config.display.clone(), source: error };
        // Looked at before it is opened: opening a pipe would wait for its writer.
        look(config)?;
        let file = File::open(&config.path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut opened = Self {
            length,
            left: length,
            file,
            display: config.display.clone(),
            sizes,
            buffer: ChunkBuffer::new(sizes.chunk, sizes.line),
            lines: LineDecoder::new(source, &config.display, clock)?,
            offset: 0,
            beginning: Beginning::default(),
            unterminated: false,
            ended: false,
            skip: None,
        };
        if let Some(Position(value)) = position {
            let position: FilePosition =
                serde_json::from_value(value.clone()).map_err(|error| SourceError::Position {
                    source_name: source.name.clone(),
                    source: error,
                })?;
            opened.resume(position)?;
            opened.file.seek(SeekFrom::Start(opened.offset)).map_err(failed)?;
        }
        Ok(opened)
    }

    /// Checks that the file is still the one that `position` was in, and takes it up there.
    fn resume(&mut self, position: FilePosition) -> Result<(), SourceError> {
        let input = || self.display.clone();
        let failed = |source| SourceError::Read { input: input(), source };
        let behind_line = self.is_behind_line(&position).map_err(failed)?;
        let FilePosition { offset, line, hash, hashed, unterminated } = position;
        if self.length < offset {
            return Err(SourceError::Shorter { input: input(), offset, length: self.length });
        }
        let beginning = Beginning::read(&self.file, hashed).map_err(failed)?;
        if beginning.hash() != hash || !behind_line {
            return Err(SourceError::Changed { input: input(), line });
        }
        if unterminated && self.length > offset {
            let whole = self.is_line_end(offset).map_err(failed)?;
            return Err(SourceError::LineWentOn { input: input(), line, whole });
        }
        self.lines.seek(line);
        self.offset = offset;
        self.left = self.length - offset;
        self.beginning = beginning;
        self.unterminated = unterminated;
        // Not read again, so that growth from here on is found by the next start.
        self.ended = unterminated;
        Ok(())
    }

    /// Whether a line ends right before `position`, as it did when the position was taken.
    fn is_behind_line(&self, position: &FilePosition) -> io::Result<bool> {
        // Before the first line there is nothing, or the file's byte order mark.
        if position.unterminated || position.line == 0 || position.offset == 0 {
            return Ok(true);
        }
        let mut last = [0];
        let read = self.file.read_at(&mut last, position.offset - 1)?;
        Ok(read == 0 || last == *b"\n")
    }

    /// Whether a line end stands at `offset`.
    fn is_line_end(&self, offset: u64) -> io::Result<bool> {
        let mut next = [0; 2];
        let read = self.file.read_at(&mut next, offset)?;
        Ok(next[..read].starts_with(b"\n") || next[..read] == *b"\r\n")
    }

    /// Says at once that the last line was taken without its end: should the file grow, the next
    /// start halts.
    fn warn_of_open_end(&self) {
        if self.unterminated {
            tracing::warn!(
                input = self.display,
                line = self.lines.lines(),
                "the last line has no line end and is taken as it stands; if the file grows, it cannot be \
                 resumed",
            );
        }
    }

    fn fill(&mut self) -> Result<Filled, SourceError> {
        self.buffer
            .fill(&mut self.file)
            .map_err(|source| SourceError::Read { input: self.display.clone(), source })
    }

    fn consume(&mut self, bytes: usize) {
        self.beginning.extend(&self.buffer.rest()[..bytes]);
        self.buffer.consume(bytes);
        self.offset += bytes as u64;
    }

    /// At the end of the file: what is left is a line without its newline.
    fn end(&mut self, budget: &Budget) -> Next {
        if !self.buffer.rest().is_empty() {
            let before = self.lines.lines();
            let step = self.lines.decode(self.buffer.rest(), budget);
            if step.bytes == 0 {
                return Next::Rows(self.lines.finish());
            }
            self.unterminated = self.lines.lines() > before;
            self.consume(step.bytes);
            self.warn_of_open_end();
        }
        self.ended = true;
        if self.lines.is_empty() { Next::Finished } else { Next::Rows(self.lines.finish()) }
    }

    /// Passes over a line that is too long, a part of it each call; once it is behind, it comes as
    /// rejected. Until then the position stays in front of it.
    fn skip_line(&mut self) -> Result<Next, SourceError> {
        let mut skip = self.skip.take().unwrap_or_else(|| Skip {
            bytes: 0,
            beginning: self.beginning.clone(),
            input: excerpt(self.buffer.rest()),
        });
        let enough = skip.bytes.saturating_add(self.sizes.skip);
        loop {
            let rest = self.buffer.rest();
            let newline = memchr(b'\n', rest);
            let passed = newline.map_or(rest.len(), |end| end + 1);
            skip.beginning.extend(&rest[..passed]);
            skip.bytes = skip.bytes.saturating_add(passed);
            self.buffer.consume(passed);
            if newline.is_some() {
                break;
            }
            if skip.bytes >= enough {
                self.skip = Some(skip);
                return Ok(Next::Idle);
            }
            if self.fill()? == Filled::End {
                (self.ended, self.unterminated) = (true, true);
                break;
            }
        }
        self.offset += skip.bytes as u64;
        self.beginning = skip.beginning;
        let length = skip.bytes - usize::from(!self.unterminated);
        let reason =
            format!("expected a line of less than {} bytes, found {length}", self.sizes.line);
        let rejected = self.lines.reject_line(skip.bytes, reason, skip.input);
        self.warn_of_open_end();
        Ok(Next::Rows(rejected))
    }
}

impl Source for FileSource {
    fn next(&mut self, budget: &Budget) -> Result<Next, SourceError> {
        if self.skip.is_some() {
            return self.skip_line();
        }
        while !self.ended {
            let step = self.lines.decode(self.buffer.lines(), budget);
            self.consume(step.bytes);
            if step.full {
                return Ok(Next::Rows(self.lines.finish()));
            }
            match self.fill()? {
                Filled::More => {}
                Filled::End => return Ok(self.end(budget)),
                Filled::TooLong if self.lines.is_empty() => return self.skip_line(),
                Filled::TooLong => return Ok(Next::Rows(self.lines.finish())),
            }
        }
        Ok(Next::Finished)
    }

    fn position(&self) -> Position {
        let position = FilePosition {
            offset: self.offset,
            line: self.lines.lines(),
            hash: self.beginning.hash(),
            hashed: self.beginning.length(),
            unterminated: self.unterminated,
        };
        Position(serde_json::to_value(position).expect("numbers and text are JSON"))
    }

    fn acknowledge(&mut self, _position: &Position) -> Result<(), SourceError> {
        Ok(())
    }

    fn total_bytes(&self) -> Option<u64> {
        Some(self.left)
    }
}

/// Whether there is a file to read, without opening it.
pub(super) fn look(config: &FileConfig) -> Result<(), SourceError> {
    let input = || config.display.clone();
    match fs::metadata(&config.path) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(SourceError::NotAFile { input: input() }),
        Err(source) => Err(SourceError::Read { input: input(), source }),
    }
}

/// The beginning of a line as text, for the dead letter of a line that is not kept.
fn excerpt(line: &[u8]) -> String {
    let most = MAX_INPUT_BYTES - '…'.len_utf8();
    let mut text = String::from_utf8_lossy(&line[..most.min(line.len())]).into_owned();
    text.truncate(text.floor_char_boundary(most));
    text.push('…');
    text
}

#[cfg(test)]
mod tests;

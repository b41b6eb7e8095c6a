//! Files, read once from the first line of the first to the last line of the last.
//!
//! *Invariants*: all files are one partition, in a stable order, and the major part of the source
//! sequence counts their lines on from file to file; a batch is of one file; a position lies between
//! two records, and exactly the records behind it have not been handed out; what was read before a
//! restart is known again by its beginning, and by the line end before the position.
//! *Not here*: records into rows (`lines`).
//!
//! | file | holds |
//! |---|---|
//! | `list` | patterns, the files that match, their order |
//! | `compression` | a file's content as a stream |
//! | `reader` | one file, from record to record |
//! | `position` | what a checkpoint keeps, and how a file is known again |
//! | `resume` | what a restart finds |

mod compression;
mod list;
mod position;
mod reader;
mod resume;

use std::collections::VecDeque;

pub use compression::Compression;
pub use list::{PathPattern, PatternError};

use self::list::{Listed, list};
use self::position::{FilesPosition, Finished, Open};
use self::reader::{FileReader, Sizes};
use super::lines::{ChunkBuffer, LineDecoder};
use super::{Budget, Next, Source, SourceConfig, SourceError};
use crate::format::RecordFormat;
use crate::record::Position;
use crate::telemetry::Clock;

/// The files that a source reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConfig {
    /// Paths and patterns, in the order in which they are read; at least one.
    pub paths: Vec<PathPattern>,
    /// How the files are written.
    pub format: RecordFormat,
    /// How they are compressed.
    pub compression: Compression,
}

const SIZES: Sizes = Sizes { chunk: 1 << 20, line: 16 << 20, skip: 64 << 20 };

/// What a look at a file reads at once, in bytes.
const LOOK_BYTES: usize = 64 << 10;

/// Reads the records of files.
#[derive(Debug)]
pub(super) struct FileSource {
    config: FileConfig,
    sizes: Sizes,
    lines: LineDecoder,
    finished: Vec<Finished>,
    /// Lines of the finished files.
    before: u64,
    /// The file that is being read, or was the last to be; `None`: those that were read are gone.
    reader: Option<FileReader>,
    /// The files behind it.
    queue: VecDeque<Listed>,
    /// Bytes on the disk to read, when it was opened.
    left: u64,
    /// Bytes of the open file that were handed out, as the disk counts.
    handed: u64,
    /// Bytes of earlier files that no batch has brought.
    owed: u64,
}

impl FileSource {
    /// Opens the files at `position`, or at their start.
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
        let mut opened = Self {
            config: config.clone(),
            sizes,
            lines: LineDecoder::new(source, "", clock)?,
            finished: Vec::new(),
            before: 0,
            reader: None,
            queue: VecDeque::new(),
            left: 0,
            handed: 0,
            owed: 0,
        };
        match position {
            None => {
                opened.queue = list(&config.paths, |_| false)?.into();
                opened.advance()?;
            }
            Some(position) => {
                let position = FilesPosition::read(position).map_err(|error| {
                    SourceError::Position { source_name: source.name.clone(), source: error }
                })?;
                opened.resume(position)?;
            }
        }
        opened.handed = opened.reader.as_ref().map_or(0, FileReader::disk_bytes);
        opened.left = opened.bytes_left()?;
        Ok(opened)
    }

    /// Takes the files up where `position` was.
    fn resume(&mut self, position: FilesPosition) -> Result<(), SourceError> {
        let (patterns, compression) = (&self.config.paths, self.config.compression);
        let had = |pattern: &PathPattern| position.names().any(|name| pattern.owns(name));
        let found = resume::tell_apart(list(patterns, had)?, &position, patterns)?;
        for (file, index) in &found.finished {
            resume::check_finished(file, &position.finished[*index], compression)?;
        }
        let gone = position.finished.len() - found.finished.len();
        if gone > 0 {
            tracing::info!(gone, "files that were read are no longer there");
        }
        self.finished = resume::remembered(position.finished, &found.finished, patterns);
        self.before = position.before;
        self.queue = found.new;
        match (position.open, found.open) {
            (None, _) => {}
            (Some(open), Some(file)) => {
                let mut reader = self.begin(&file)?;
                reader.resume(&open.place, &mut self.lines)?;
                self.reader = Some(reader);
            }
            (Some(Open { file, place }), None) => {
                let input = file.unwrap_or_default();
                let Some(bytes) = place.ended else {
                    return Err(SourceError::Gone { input, line: place.line });
                };
                tracing::info!(input, "a file that was read is no longer there");
                self.finished.push(Finished::new(input, bytes, &place));
                self.before += place.line;
            }
        }
        if self.reader.is_none() {
            self.advance()?;
        }
        Ok(())
    }

    /// Opens a file at its beginning, behind those that are finished.
    fn begin(&mut self, file: &Listed) -> Result<FileReader, SourceError> {
        let buffer = match self.reader.take() {
            Some(reader) => reader.into_buffer(),
            None => ChunkBuffer::new(self.sizes.chunk, self.sizes.line),
        };
        self.lines.begin_input(&file.name, self.before);
        FileReader::open(file, &self.config, self.sizes, buffer)
    }

    /// Goes on to the next file, if there is one; the rows of the last one must have been taken.
    fn advance(&mut self) -> Result<(), SourceError> {
        let Some(file) = self.queue.pop_front() else { return Ok(()) };
        if let Some(reader) = &self.reader {
            let finished = reader.finished(&self.lines);
            self.before += finished.lines;
            self.owed += finished.bytes.saturating_sub(self.handed);
            self.handed = 0;
            self.finished.push(finished);
        }
        let mut reader = self.begin(&file)?;
        reader.read_header(&mut self.lines)?;
        self.reader = Some(reader);
        Ok(())
    }

    /// Bytes on the disk that were read since the last batch.
    fn bytes_of_batch(&mut self) -> usize {
        let read = self.reader.as_ref().map_or(0, FileReader::disk_bytes);
        let bytes = read.saturating_sub(self.handed) + std::mem::take(&mut self.owed);
        self.handed = read;
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    fn bytes_left(&self) -> Result<u64, SourceError> {
        let open = self
            .reader
            .as_ref()
            .filter(|reader| !reader.ended)
            .map_or(0, |reader| reader.stream.length().saturating_sub(reader.disk_bytes()));
        self.queue.iter().try_fold(open, |left, file| {
            let metadata = std::fs::metadata(&file.path)
                .map_err(|source| SourceError::Read { input: file.name.clone(), source })?;
            Ok(left + metadata.len())
        })
    }
}

impl Source for FileSource {
    fn next(&mut self, budget: &Budget) -> Result<Next, SourceError> {
        while let Some(reader) = &mut self.reader {
            match reader.next(&mut self.lines, budget)? {
                Next::Rows(rows) => {
                    let bytes = self.bytes_of_batch();
                    return Ok(Next::Rows(super::SourceBatch { bytes, ..rows }));
                }
                Next::Idle => return Ok(Next::Idle),
                Next::Finished if self.queue.is_empty() => break,
                Next::Finished => self.advance()?,
            }
        }
        Ok(Next::Finished)
    }

    fn position(&self) -> Position {
        let open = self.reader.as_ref().map(|reader| Open {
            file: Some(reader.stream.name().to_owned()),
            place: reader.position(&self.lines),
        });
        FilesPosition::new(self.finished.clone(), self.before, open).write()
    }

    fn acknowledge(&mut self, _position: &Position) -> Result<(), SourceError> {
        Ok(())
    }

    fn total_bytes(&self) -> Option<u64> {
        Some(self.left)
    }
}

/// Whether there are files to read, and each is what it is said to be.
pub(super) fn look(source: &SourceConfig, config: &FileConfig) -> Result<(), SourceError> {
    let files = list(&config.paths, |_| false)?;
    let mut lines = LineDecoder::new(source, "", Clock::System)?;
    let sizes = Sizes { chunk: LOOK_BYTES, ..SIZES };
    files.iter().try_for_each(|file| reader::look(file, config, sizes, &mut lines))
}

#[cfg(test)]
mod tests;

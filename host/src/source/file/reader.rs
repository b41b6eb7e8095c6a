//! One file, read from its beginning or from where a checkpoint left it.
//!
//! *Invariants*: a place lies between two records, and exactly the records behind it have not been
//! handed out; a line that was taken without its newline is the last one ever read; an error of the
//! input comes behind the rows before it.
//! *Not here*: which file is next (`mod`), whether it is still the one that was read (`resume`).

use memchr::memchr_iter;

use super::compression::{Compression, Stream};
use super::list::Listed;
use super::position::{Beginning, FilePosition, Finished};
use crate::format::{MAX_INPUT_BYTES, RecordEnds, RecordFormat};
use crate::source::lines::{ChunkBuffer, Ends, Filled, LineDecoder};
use crate::source::{Budget, FileConfig, Next, SourceError};

/// How much of a file is held and done at once, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// A read.
    pub(super) chunk: usize,
    /// A record of this length or more is rejected unread.
    pub(super) line: usize,
    /// What one call passes over of such a record.
    pub(super) skip: usize,
}

/// A record that is too long, while it is being passed over.
#[derive(Debug)]
struct Skip {
    bytes: usize,
    newlines: u64,
    beginning: Beginning,
    ends: Ends,
    input: String,
}

/// Reads one file's records.
#[derive(Debug)]
pub(super) struct FileReader {
    pub(super) stream: Stream,
    format: RecordFormat,
    sizes: Sizes,
    pub(super) buffer: ChunkBuffer,
    pub(super) offset: u64,
    pub(super) beginning: Beginning,
    pub(super) unterminated: bool,
    pub(super) ended: bool,
    skip: Option<Skip>,
    /// What comes when the rows before it are handed out.
    failed: Option<SourceError>,
}

impl FileReader {
    /// Opens a file and stands in front of its first byte.
    pub(super) fn open(
        file: &Listed,
        config: &FileConfig,
        sizes: Sizes,
        mut buffer: ChunkBuffer,
    ) -> Result<Self, SourceError> {
        let stream = Stream::open(file, config.compression)?;
        buffer.restart(match &config.format {
            RecordFormat::Csv(options) => Ends::Csv(RecordEnds::new(options.delimiter)),
            RecordFormat::Json | RecordFormat::DebeziumJson { .. } => Ends::Lines,
        });
        Ok(Self {
            stream,
            format: config.format.clone(),
            sizes,
            buffer,
            offset: 0,
            beginning: Beginning::default(),
            unterminated: false,
            ended: false,
            skip: None,
            failed: None,
        })
    }

    /// Reads the header, where the format has one, and stands behind it. A file of no bytes needs
    /// none: it may still be written.
    pub(super) fn read_header(&mut self, lines: &mut LineDecoder) -> Result<(), SourceError> {
        if !matches!(&self.format, RecordFormat::Csv(options) if options.header) {
            return Ok(());
        }
        let input = |reader: &Self| reader.stream.name().to_owned();
        let beginning = loop {
            match self.fill()? {
                _ if !self.buffer.records().is_empty() => break self.buffer.records(),
                Filled::More => {}
                Filled::End => break self.buffer.rest(),
                Filled::TooLong => {
                    let most = self.sizes.line;
                    return Err(SourceError::HeaderTooLong { input: input(self), most });
                }
            }
        };
        if beginning.is_empty() {
            return Ok(());
        }
        let bytes = lines
            .read_header(beginning)
            .map_err(|reason| SourceError::Header { input: input(self), reason })?;
        self.unterminated = !self.buffer.rest()[..bytes].ends_with(b"\n");
        self.consume(bytes);
        Ok(())
    }

    /// Stands at a byte of the file, behind `lines` lines, where a record begins. What is before it
    /// has been read, or need not be.
    pub(super) fn stand_at(&mut self, offset: u64) -> Result<(), SourceError> {
        self.stream.seek(offset)?;
        self.offset = offset;
        self.buffer.restart(match &self.format {
            RecordFormat::Csv(options) => Ends::Csv(RecordEnds::between_records(options.delimiter)),
            RecordFormat::Json | RecordFormat::DebeziumJson { .. } => Ends::Lines,
        });
        Ok(())
    }

    /// The next rows, or the file's end.
    pub(super) fn next(
        &mut self,
        lines: &mut LineDecoder,
        budget: &Budget,
    ) -> Result<Next, SourceError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.skip.is_some() {
            return self.skip_record(lines);
        }
        while !self.ended {
            let step = lines.decode(self.buffer.records(), budget);
            self.consume(step.bytes);
            if step.full {
                return Ok(Next::Rows(lines.finish()));
            }
            match self.fill() {
                Ok(Filled::More) => {}
                Ok(Filled::End) => return Ok(self.end(lines, budget)),
                Ok(Filled::TooLong) if lines.is_empty() => return self.skip_record(lines),
                Ok(Filled::TooLong) => return Ok(Next::Rows(lines.finish())),
                Err(error) if lines.is_empty() => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    return Ok(Next::Rows(lines.finish()));
                }
            }
        }
        Ok(Next::Finished)
    }

    /// Where it has come to.
    pub(super) fn position(&self, lines: &LineDecoder) -> FilePosition {
        FilePosition {
            offset: self.offset,
            line: lines.lines(),
            hash: self.beginning.hash(),
            hashed: self.beginning.length(),
            unterminated: self.unterminated,
            ended: self.ended.then(|| self.disk_bytes()),
        }
    }

    /// What is kept of it once it is read.
    pub(super) fn finished(&self, lines: &LineDecoder) -> Finished {
        let name = self.stream.name().to_owned();
        Finished::new(name, self.disk_bytes(), &self.position(lines))
    }

    /// How many of its bytes on the disk are read.
    pub(super) fn disk_bytes(&self) -> u64 {
        match self.stream.plain() {
            Some(_) => self.offset,
            // A file that was resumed at its end has only its beginning read.
            None if self.ended => self.stream.read_bytes().max(self.stream.length()),
            None => self.stream.read_bytes(),
        }
    }

    /// The buffer, for the next file.
    pub(super) fn into_buffer(self) -> ChunkBuffer {
        self.buffer
    }

    pub(super) fn fill(&mut self) -> Result<Filled, SourceError> {
        let behind = self.offset + self.buffer.rest().len() as u64;
        self.buffer.fill(&mut self.stream).map_err(|source| self.stream.error(source, behind))
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.beginning.extend(&self.buffer.rest()[..bytes]);
        self.buffer.consume(bytes);
        self.offset += bytes as u64;
    }

    /// At the end of the file: what is left is a record without its newline.
    fn end(&mut self, lines: &mut LineDecoder, budget: &Budget) -> Next {
        if !self.buffer.rest().is_empty() {
            let before = lines.lines();
            let step = lines.decode(self.buffer.rest(), budget);
            if step.bytes == 0 {
                return Next::Rows(lines.finish());
            }
            self.unterminated = lines.lines() > before;
            self.consume(step.bytes);
        }
        self.close(lines);
        if lines.is_empty() { Next::Finished } else { Next::Rows(lines.finish()) }
    }

    /// Says at once that the last line was taken without its end: should the file grow, the next
    /// start halts.
    fn close(&mut self, lines: &LineDecoder) {
        self.ended = true;
        if self.unterminated {
            tracing::warn!(
                input = self.stream.name(),
                line = lines.lines(),
                "the last line has no line end and is taken as it stands; if the file grows, it cannot be \
                 resumed",
            );
        }
    }

    /// Passes over a record that is too long, a part of it each call; once it is behind, it comes as
    /// rejected. Until then the place stays in front of it.
    fn skip_record(&mut self, lines: &mut LineDecoder) -> Result<Next, SourceError> {
        let mut skip = self.skip.take().unwrap_or_else(|| self.begin_skip());
        let enough = skip.bytes.saturating_add(self.sizes.skip);
        loop {
            let rest = self.buffer.rest();
            // What was there when the skip began has been searched for the end already.
            let end = if skip.bytes == 0 { None } else { skip.ends.first(rest) };
            let passed = end.unwrap_or(rest.len());
            skip.beginning.extend(&rest[..passed]);
            skip.newlines += memchr_iter(b'\n', &rest[..passed]).count() as u64;
            skip.bytes = skip.bytes.saturating_add(passed);
            self.buffer.consume(passed);
            if end.is_some() {
                break;
            }
            if skip.bytes >= enough {
                self.skip = Some(skip);
                return Ok(Next::Idle);
            }
            if self.fill()? == Filled::End {
                self.unterminated = true;
                break;
            }
        }
        self.offset += skip.bytes as u64;
        let (what, hint) = match &skip.ends {
            Ends::Lines => ("line", ""),
            Ends::Csv(_) => ("record", " (a quote may have been left open)"),
        };
        self.beginning = skip.beginning;
        let length = skip.bytes - usize::from(!self.unterminated);
        let most = self.sizes.line;
        let reason = format!("expected a {what} of less than {most} bytes, found {length}{hint}");
        let behind = lines.lines() + skip.newlines + u64::from(self.unterminated);
        let rejected = lines.reject_line(skip.bytes, reason, skip.input);
        lines.seek(behind);
        if self.unterminated {
            self.close(lines);
        }
        Ok(Next::Rows(rejected))
    }

    fn begin_skip(&self) -> Skip {
        Skip {
            bytes: 0,
            newlines: 0,
            beginning: self.beginning.clone(),
            ends: self.buffer.ends().clone(),
            input: excerpt(self.buffer.rest()),
        }
    }
}

/// Whether a file is as its name and the settings say, and its header as the columns want it.
pub(super) fn look(
    file: &Listed,
    config: &FileConfig,
    sizes: Sizes,
    lines: &mut LineDecoder,
) -> Result<(), SourceError> {
    let buffer = ChunkBuffer::new(sizes.chunk, sizes.line);
    FileReader::open(file, config, sizes, buffer)?.read_header(lines)
}

/// Opens a file that was read to its end, and reads what it is known by.
pub(super) fn beginning_of(
    file: &Listed,
    compression: Compression,
    bytes: u64,
) -> Result<(u64, Beginning), SourceError> {
    let mut stream = Stream::open(file, compression)?;
    let beginning =
        Beginning::read(&mut stream, bytes).map_err(|source| stream.error(source, 0))?;
    Ok((stream.length(), beginning))
}

/// The beginning of a record as text, for the dead letter of a record that is not kept.
fn excerpt(record: &[u8]) -> String {
    let most = MAX_INPUT_BYTES - '…'.len_utf8();
    let mut text = String::from_utf8_lossy(&record[..most.min(record.len())]).into_owned();
    text.truncate(text.floor_char_boundary(most));
    text.push('…');
    text
}

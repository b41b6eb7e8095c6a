//! The half that takes rows: appends them as lines, and makes them durable when asked.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;

use super::{FileFormat, FileHandle, Output};
use crate::record::{Batch, Epoch};
use crate::sink::growing::{refuse_change, refuse_partial};
use crate::sink::{Prepared, Refusal, Sink, SinkError};

/// Bytes of lines that are collected before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// What refuses a row, in the words of the refusal.
const LINES: &str = "a file of lines";

pub(super) struct FileSink {
    output: Output,
    format: FileFormat,
    /// Opened at the first need, which comes after recovery has cut the file to its length.
    file: Option<File>,
    /// Bytes that the file has once `lines` are written.
    length: u64,
    /// Lines that are not written yet.
    lines: Vec<u8>,
}

impl FileSink {
    /// A sink that goes on at `length`; an empty file begins with `header`.
    pub(super) fn new(output: Output, length: u64, format: FileFormat, header: Vec<u8>) -> Self {
        let lines = if length == 0 { header } else { Vec::new() };
        Self { output, format, file: None, length: length + lines.len() as u64, lines }
    }

    /// Opens the file where it is not yet, such that every write goes to its end: if others cut or
    /// wrote to it, its length tells.
    fn ensure_open(&mut self) -> Result<(), SinkError> {
        if self.file.is_none() {
            self.file = Some(self.open()?);
        }
        Ok(())
    }

    fn open(&self) -> Result<File, SinkError> {
        let file = match OpenOptions::new().append(true).open(&self.output.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(self.output.missing()),
            Err(error) => return Err(self.output.failed("open")(error)),
        };
        let found = file.metadata().map_err(self.output.failed("look at"))?.len();
        self.expect(self.length - self.lines.len() as u64, found)?;
        Ok(file)
    }

    fn expect(&self, expected: u64, found: u64) -> Result<(), SinkError> {
        if found == expected {
            return Ok(());
        }
        Err(SinkError::FileChanged {
            sink: self.output.sink.clone(),
            path: self.output.path.clone(),
            expected,
            found,
        })
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.ensure_open()?;
        let file = self.file.as_mut().expect("it was opened just now");
        file.write_all(&self.lines).map_err(self.output.failed("write"))?;
        self.lines.clear();
        Ok(())
    }

    /// That the file is still the one of that name, and has what was written and nothing else.
    fn check_whole(&self, file: &File) -> Result<(), SinkError> {
        let ours = file.metadata().map_err(self.output.failed("look at"))?;
        let is_same = fs::metadata(&self.output.path)
            .is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino()));
        if !is_same {
            return Err(SinkError::OutputReplaced {
                sink: self.output.sink.clone(),
                path: self.output.path.clone(),
            });
        }
        self.expect(self.length, ours.len())
    }
}

impl Sink for FileSink {
    fn write(&mut self, batch: &Batch) -> Result<Vec<Refusal>, SinkError> {
        let mut refused = Vec::new();
        // Cloned for the loop, in which the sink's other fields change: small, and once a batch.
        let format = self.format.clone();
        let has_partial = matches!(format, FileFormat::Csv(_))
            && batch.columns.iter().any(|column| column.unchanged.is_some());
        let rows = format.rows(batch);
        for row in 0..batch.rows {
            let refusal = refuse_change(batch, row, LINES).or_else(|| {
                has_partial.then(|| refuse_partial(batch, row, "a line of CSV")).flatten()
            });
            if let Some(refusal) = refusal {
                refused.push(refusal);
                continue;
            }
            let start = self.lines.len();
            rows.write(&mut self.lines, row);
            self.length += (self.lines.len() - start) as u64;
            if self.lines.len() >= BUFFER_BYTES {
                self.flush()?;
            }
        }
        Ok(refused)
    }

    fn prepare(&mut self, _: Epoch) -> Result<Prepared, SinkError> {
        self.flush()?;
        let file = self.file.as_ref().expect("flushing opens it");
        file.sync_all().map_err(self.output.failed("sync"))?;
        self.check_whole(file)?;
        let handle = FileHandle { length: self.length }.write();
        Ok(Prepared { handle, refused: Vec::new() })
    }
}

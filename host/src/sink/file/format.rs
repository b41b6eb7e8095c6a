//! What stands in the file: JSON lines, or CSV with or without a line of names at its start.

use std::fs::File;
use std::io::{ErrorKind, Read};

use super::Output;
use crate::record::{Batch, CsvRows, CsvStyle, Schema, write_csv_names, write_row};
use crate::sink::SinkError;

/// How rows are written as lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// A JSON object on each line.
    Json,
    /// Fields told apart by a delimiter.
    Csv(CsvConfig),
}

/// The settings of CSV.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvConfig {
    /// How fields are written.
    pub style: CsvStyle,
    /// Whether the columns' names are the first line of an empty file.
    pub header: bool,
}

/// Bytes of a file's first line that are shown where it is not the expected one.
const SHOWN_BYTES: u64 = 1024;

impl FileFormat {
    /// The line of names that an empty file begins with, with its end; empty where there is none.
    pub(super) fn header(&self, schema: &Schema) -> Vec<u8> {
        let mut line = Vec::new();
        if let Self::Csv(CsvConfig { style, header: true }) = self {
            write_csv_names(&mut line, style, schema);
            line.push(b'\n');
        }
        line
    }

    /// Checks that a file which has lines begins with the header that this format would give it.
    /// One that is not there is passed over: the committer says what that means.
    pub(super) fn check_header(&self, output: &Output, schema: &Schema) -> Result<(), SinkError> {
        let expected = self.header(schema);
        let Some(expected) = expected.strip_suffix(b"\n") else { return Ok(()) };
        let mut file = match File::open(&output.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(output.failed("open")(error)),
        };
        let limit = SHOWN_BYTES.max(expected.len() as u64 + 2);
        let mut found = Vec::new();
        file.by_ref().take(limit).read_to_end(&mut found).map_err(output.failed("read"))?;
        let rest = found.strip_prefix(expected);
        if rest.is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n")) {
            return Ok(());
        }
        let end = found.iter().position(|byte| *byte == b'\n').unwrap_or(found.len());
        let first = found[..end].strip_suffix(b"\r").unwrap_or(&found[..end]);
        Err(SinkError::OtherHeader {
            sink: output.sink.clone(),
            path: output.path.clone(),
            found: String::from_utf8_lossy(first).into_owned(),
            expected: String::from_utf8_lossy(expected).into_owned(),
        })
    }

    /// The rows of a batch, ready to be written.
    pub(super) fn rows<'a>(&'a self, batch: &'a Batch) -> Rows<'a> {
        match self {
            Self::Json => Rows::Json(batch),
            Self::Csv(csv) => Rows::Csv(CsvRows::of(batch, &csv.style)),
        }
    }
}

/// A batch's rows in one of the formats.
pub(super) enum Rows<'a> {
    Json(&'a Batch),
    Csv(CsvRows<'a>),
}

impl Rows<'_> {
    /// Appends row `row` as a line, with its end.
    pub(super) fn write(&self, out: &mut Vec<u8>, row: usize) {
        match self {
            Self::Json(batch) => {
                write_row(out, batch, row);
                out.push(b'\n');
            }
            Self::Csv(rows) => rows.write(out, row),
        }
    }
}

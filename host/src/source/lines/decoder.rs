//! The decoders of the formats, behind one face.
//!
//! *Not here*: what a format is (`format`), what a source adds to its rows (`decode`).

use arrow_array::ArrayRef;

use crate::format::{
    ChangeFact, ColumnSpec, CsvDecoder, DebeziumDecoder, Decoded, HeaderError, JsonDecoder, Limits,
    Progress, RecordFormat, RowReject,
};
use crate::record::{Before, Column, Operation, Operations};

/// Rows as a decoder hands them over.
pub(super) struct Rows {
    /// One for each column that is read from the record.
    pub columns: Vec<Column>,
    /// One for each fact that was asked for; without changes there are none.
    pub facts: Vec<ArrayRef>,
    pub operations: Operations,
    /// Of the columns that are read from the record.
    pub before: Option<Before>,
    /// Each row's line.
    pub lines: Vec<i64>,
    pub rejects: Vec<RowReject>,
    pub rows: usize,
}

/// The decoder of a format.
#[derive(Debug)]
pub(super) enum Decoder {
    Json(Box<JsonDecoder>),
    Debezium(Box<DebeziumDecoder>),
    Csv(Box<CsvDecoder>),
}

impl Decoder {
    pub(super) fn new(
        format: &RecordFormat,
        columns: Vec<ColumnSpec>,
        facts: Vec<(ChangeFact, ColumnSpec)>,
    ) -> Self {
        match format {
            RecordFormat::Json => Self::Json(Box::new(JsonDecoder::new(columns))),
            RecordFormat::DebeziumJson { tables } => {
                let decoder = DebeziumDecoder::new(columns, facts).of_tables(tables.clone());
                Self::Debezium(Box::new(decoder))
            }
            RecordFormat::Csv(options) => {
                Self::Csv(Box::new(CsvDecoder::new(columns, options.clone())))
            }
        }
    }

    /// Whether each line is a record, so that an input may be cut at any line end.
    pub(super) fn is_of_lines(&self) -> bool {
        !matches!(self, Self::Csv(_))
    }

    pub(super) fn seek(&mut self, line: u64) {
        match self {
            Self::Json(decoder) => decoder.seek(line),
            Self::Debezium(decoder) => decoder.seek(line),
            Self::Csv(decoder) => decoder.seek(line),
        }
    }

    pub(super) fn next_line(&self) -> u64 {
        match self {
            Self::Json(decoder) => decoder.next_line(),
            Self::Debezium(decoder) => decoder.next_line(),
            Self::Csv(decoder) => decoder.next_line(),
        }
    }

    /// Reads the header of an input whose format has one; how many bytes it took.
    pub(super) fn read_header(&mut self, beginning: &[u8]) -> Result<usize, HeaderError> {
        match self {
            Self::Json(_) | Self::Debezium(_) => Ok(0),
            Self::Csv(decoder) => decoder.read_header(beginning),
        }
    }

    pub(super) fn decode_chunk(&mut self, chunk: &[u8], limits: Limits) -> Progress {
        match self {
            Self::Json(decoder) => decoder.decode_chunk(chunk, limits),
            Self::Debezium(decoder) => decoder.decode_chunk(chunk, limits),
            Self::Csv(decoder) => decoder.decode_chunk(chunk, limits),
        }
    }

    pub(super) fn finish(&mut self) -> Rows {
        match self {
            Self::Json(decoder) => inserts(decoder.finish()),
            Self::Csv(decoder) => inserts(decoder.finish()),
            Self::Debezium(decoder) => {
                let changes = decoder.finish();
                Rows {
                    columns: changes.columns,
                    facts: changes.facts,
                    operations: Operations::Each(changes.operations),
                    before: changes.before,
                    lines: changes.lines,
                    rejects: changes.rejects,
                    rows: changes.rows,
                }
            }
        }
    }
}

fn inserts(decoded: Decoded) -> Rows {
    Rows {
        columns: decoded.columns.into_iter().map(Column::from).collect(),
        facts: Vec::new(),
        operations: Operations::All(Operation::Insert),
        before: None,
        lines: decoded.lines,
        rejects: decoded.rejects,
        rows: decoded.rows,
    }
}

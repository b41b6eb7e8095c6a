//! Whole lines into batches: the decoder's columns, the metadata columns between them, what goes
//! with each row, and a dead letter for each line that is no row.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    Array, ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow_buffer::ScalarBuffer;
use memchr::{memchr, memrchr};

use super::decoder::{Decoder, Rows};
use crate::format::{
    ChangeFact, ColumnSpec, HeaderError, Limits, RecordFormat, RowReject, TimeUnit,
};
use crate::record::{Batch, Before, Column, DataType, DeadLetter, RowMeta, Schema};
use crate::source::{Budget, ColumnOrigin, MetaColumn, SourceBatch, SourceConfig, SourceError};
use crate::telemetry::Clock;

/// How far a chunk was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct Step {
    /// Bytes that were read.
    pub bytes: usize,
    /// Whether the batch is full: take it with [`LineDecoder::finish`].
    pub full: bool,
}

/// Where a column's values come from.
#[derive(Clone, Copy, Debug)]
enum Filling {
    /// The next of the decoder's columns.
    Decoded,
    /// The next of the decoder's facts.
    Fact,
    /// What the source knows itself.
    Known(MetaColumn),
}

/// Makes batches of one source's lines.
#[derive(Debug)]
pub(in crate::source) struct LineDecoder {
    decoder: Decoder,
    source: String,
    origin: Arc<str>,
    /// Lines of the inputs before this one.
    before: i64,
    schema: Arc<Schema>,
    /// By column.
    filled: Vec<Filling>,
    event_time: Option<usize>,
    clock: Clock,
    /// Bytes of the batch so far.
    bytes: usize,
}

impl LineDecoder {
    /// A decoder in front of the first line of `origin`, which is the source's word for its input.
    pub(in crate::source) fn new(
        config: &SourceConfig,
        origin: &str,
        clock: Clock,
    ) -> Result<Self, SourceError> {
        let format = config.kind.format();
        let (mut specs, mut facts, mut filled) = (Vec::new(), Vec::new(), Vec::new());
        for column in &config.columns {
            let spec = |path: &[String], unit: Option<TimeUnit>| ColumnSpec {
                name: Arc::clone(&column.name),
                path: path.to_vec(),
                data_type: column.data_type,
                unit,
                required: column.required,
                key: column.key,
            };
            match &column.origin {
                ColumnOrigin::Path(path) => {
                    filled.push(Filling::Decoded);
                    specs.push(spec(path, column.unit));
                }
                ColumnOrigin::Meta(meta) => match fact(*meta, format) {
                    Some(fact) => {
                        filled.push(Filling::Fact);
                        facts.push((fact, spec(&[], None)));
                    }
                    None => filled.push(Filling::Known(*meta)),
                },
            }
        }
        Ok(Self {
            decoder: Decoder::new(format, specs, facts),
            source: config.name.clone(),
            origin: origin.into(),
            before: 0,
            schema: Arc::new(config.schema()),
            filled,
            event_time: event_time(config)?,
            clock,
            bytes: 0,
        })
    }

    /// Stands in front of the first line of another input, which comes behind inputs of `before`
    /// lines; the batch so far must have been taken.
    pub(in crate::source) fn begin_input(&mut self, origin: &str, before: u64) {
        self.origin = origin.into();
        self.before = before.cast_signed();
        self.decoder.seek(1);
    }

    /// Reads the header at the beginning of an input whose format has one; `beginning` holds at
    /// least all of it. How many bytes it took.
    pub(in crate::source) fn read_header(
        &mut self,
        beginning: &[u8],
    ) -> Result<usize, HeaderError> {
        self.decoder.read_header(beginning)
    }

    /// Goes to the line that has `lines` lines before it.
    pub(in crate::source) fn seek(&mut self, lines: u64) {
        self.decoder.seek(lines + 1);
    }

    /// How many lines there are before the next one.
    pub(in crate::source) fn lines(&self) -> u64 {
        self.decoder.next_line() - 1
    }

    /// Whether nothing was read since the last batch.
    pub(in crate::source) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Reads records until the chunk ends or the batch is full. The chunk holds whole records; only
    /// the input's last one may lack its newline.
    pub(in crate::source) fn decode(&mut self, chunk: &[u8], budget: &Budget) -> Step {
        let most = budget.bytes.max(1);
        let fitting = match chunk.get(..most.saturating_sub(self.bytes)) {
            None => chunk,
            // Where records may have lines in them, the decoder itself keeps to the limit.
            Some(_) if !self.decoder.is_of_lines() => chunk,
            Some(head) => match memrchr(b'\n', head) {
                Some(last) => &chunk[..=last],
                None if self.bytes > 0 => &[],
                // One line may exceed the budget.
                None => memchr(b'\n', chunk).map_or(chunk, |end| &chunk[..=end]),
            },
        };
        let progress =
            self.decoder.decode_chunk(fitting, Limits { rows: budget.rows, bytes: budget.bytes });
        self.bytes += progress.bytes;
        let full = progress.full || progress.bytes < chunk.len() || self.bytes >= most;
        Step { bytes: progress.bytes, full }
    }

    /// Hands over the batch and begins the next one.
    pub(in crate::source) fn finish(&mut self) -> SourceBatch {
        let Rows { columns, facts, operations, before, lines, rejects, rows } =
            self.decoder.finish();
        let now = self.clock.now();
        let lines: ScalarBuffer<i64> = lines.into();
        let majors = match self.before {
            0 => lines.clone(),
            before => lines.iter().map(|line| before + line).collect::<Vec<i64>>().into(),
        };
        let mut facts = facts.into_iter();
        let columns = self.filled_with(columns, |filled| match filled {
            Filling::Known(meta) => self.meta_column(meta, &lines, now).into(),
            _ => facts.next().expect("the decoder makes an array for each fact").into(),
        });
        // What is known of a change stands in both of its images.
        let before = before.map(|Before { present, columns: images }| {
            let mut own = columns.iter().zip(&self.filled);
            let columns = self.filled_with(images, |_| {
                own.by_ref()
                    .find(|(_, filled)| !matches!(filled, Filling::Decoded))
                    .map(|(column, _)| column.clone())
                    .expect("the row has the same columns")
            });
            Before { present, columns }
        });
        let event_times = self.event_time.map(|index| {
            let times = columns[index].values.as_primitive::<TimestampMicrosecondType>();
            (times.values().clone(), times.nulls().cloned())
        });
        let meta = RowMeta {
            origin: Arc::clone(&self.origin),
            operations,
            event_times,
            processing_times: vec![now; rows].into(),
            majors,
            minors: None,
            base: self.before,
            mixed: None,
            late: None,
        };
        SourceBatch {
            batch: Batch {
                schema: Arc::clone(&self.schema),
                columns,
                meta: Arc::new(meta),
                rows,
                selection: None,
                before,
            },
            rejected: rejects.into_iter().map(|reject| self.letter(reject, now)).collect(),
            partition: 0,
            bytes: std::mem::take(&mut self.bytes),
        }
    }

    /// Passes one line of `bytes` bytes that was never read, and hands it over as rejected; the
    /// batch so far must have been taken.
    pub(in crate::source) fn reject_line(
        &mut self,
        bytes: usize,
        reason: String,
        input: String,
    ) -> SourceBatch {
        let line = self.decoder.next_line();
        self.decoder.seek(line + 1);
        self.bytes += bytes;
        let mut batch = self.finish();
        let reject = RowReject { line, reason, column: None, input };
        batch.rejected.push(self.letter(reject, self.clock.now()));
        batch
    }

    /// The decoder's columns in their places, with those of `other` between.
    fn filled_with(
        &self,
        decoded: Vec<Column>,
        mut other: impl FnMut(Filling) -> Column,
    ) -> Vec<Column> {
        let mut decoded = decoded.into_iter();
        let fill = |filled: &Filling| match filled {
            Filling::Decoded => decoded.next().expect("the decoder makes a column for each path"),
            filled => other(*filled),
        };
        self.filled.iter().map(fill).collect()
    }

    fn meta_column(&self, meta: MetaColumn, lines: &ScalarBuffer<i64>, now: i64) -> ArrayRef {
        let rows = lines.len();
        match meta {
            MetaColumn::Timestamp => Arc::new(TimestampMicrosecondArray::from_value(now, rows)),
            MetaColumn::File => {
                Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&*self.origin, rows)))
            }
            MetaColumn::Line => Arc::new(Int64Array::new(lines.clone(), None)),
            // Only changes have them, and there they are facts: the configuration sees to it.
            MetaColumn::Lsn | MetaColumn::Table => new_null_array(&meta.data_type().arrow(), rows),
        }
    }

    fn letter(&self, reject: RowReject, time: i64) -> DeadLetter {
        DeadLetter {
            time,
            stage: self.source.clone(),
            reason: reject.reason,
            column: reject.column,
            position: format!("{}:{}", self.origin, reject.line),
            sequence: (self.before + reject.line.cast_signed(), 0),
            ordinal: 0,
            artifact: None,
            input: reject.input,
        }
    }
}

/// What a format that knows more of its changes than the source does has for a column.
fn fact(meta: MetaColumn, format: &RecordFormat) -> Option<ChangeFact> {
    match (meta, format) {
        (MetaColumn::Timestamp, RecordFormat::DebeziumJson { .. }) => Some(ChangeFact::Timestamp),
        (MetaColumn::Lsn, RecordFormat::DebeziumJson { .. }) => Some(ChangeFact::Lsn),
        (MetaColumn::Table, RecordFormat::DebeziumJson { .. }) => Some(ChangeFact::Table),
        _ => None,
    }
}

/// The index of the event time's column.
fn event_time(config: &SourceConfig) -> Result<Option<usize>, SourceError> {
    let Some(event_time) = &config.event_time else { return Ok(None) };
    config
        .columns
        .iter()
        .position(|column| {
            column.name == event_time.column && column.data_type == DataType::Timestamp
        })
        .map(Some)
        .ok_or_else(|| SourceError::EventTime {
            source_name: config.name.clone(),
            column: event_time.column.to_string(),
        })
}

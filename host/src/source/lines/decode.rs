//! Whole lines into batches: the decoder's columns, the metadata columns between them, what goes
//! with each row, and a dead letter for each line that is no row.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow_buffer::ScalarBuffer;
use memchr::{memchr, memrchr};

use crate::format::{ColumnSpec, JsonDecoder, Limits, RowReject};
use crate::record::{Batch, Column, DataType, DeadLetter, Operation, Operations, RowMeta, Schema};
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

/// Makes batches of one source's lines.
#[derive(Debug)]
pub(in crate::source) struct LineDecoder {
    decoder: JsonDecoder,
    source: String,
    origin: Arc<str>,
    schema: Arc<Schema>,
    /// By column: the metadata that it holds; `None`: the next of the decoder's columns.
    metas: Vec<Option<MetaColumn>>,
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
        let mut specs = Vec::new();
        let mut metas = Vec::new();
        for column in &config.columns {
            match &column.origin {
                ColumnOrigin::Meta(meta) => metas.push(Some(*meta)),
                ColumnOrigin::Path(path) => {
                    metas.push(None);
                    specs.push(ColumnSpec {
                        name: Arc::clone(&column.name),
                        path: path.clone(),
                        data_type: column.data_type,
                        unit: column.unit,
                        required: column.required,
                        key: column.key,
                    });
                }
            }
        }
        Ok(Self {
            decoder: JsonDecoder::new(specs),
            source: config.name.clone(),
            origin: origin.into(),
            schema: Arc::new(config.schema()),
            metas,
            event_time: event_time(config)?,
            clock,
            bytes: 0,
        })
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

    /// Reads lines until the chunk ends or the batch is full. The chunk holds whole lines; only the
    /// input's last line may lack its newline.
    pub(in crate::source) fn decode(&mut self, chunk: &[u8], budget: &Budget) -> Step {
        let most = budget.bytes.max(1);
        let fitting = match chunk.get(..most.saturating_sub(self.bytes)) {
            None => chunk,
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
        let decoded = self.decoder.finish();
        let (rows, now) = (decoded.rows, self.clock.now());
        let majors: ScalarBuffer<i64> = decoded.lines.into();
        let mut decoded_columns = decoded.columns.into_iter();
        let columns: Vec<Column> = self
            .metas
            .iter()
            .map(|meta| match meta {
                Some(meta) => self.meta_column(*meta, &majors, now),
                None => decoded_columns.next().expect("the decoder makes a column for each path"),
            })
            .map(Column::from)
            .collect();
        let event_times = self.event_time.map(|index| {
            let times = columns[index].values.as_primitive::<TimestampMicrosecondType>();
            (times.values().clone(), times.nulls().cloned())
        });
        let meta = RowMeta {
            origin: Arc::clone(&self.origin),
            operations: Operations::All(Operation::Insert),
            event_times,
            processing_times: vec![now; rows].into(),
            majors,
            minors: None,
            base: 0,
            late: None,
        };
        SourceBatch {
            batch: Batch {
                schema: Arc::clone(&self.schema),
                columns,
                meta: Arc::new(meta),
                rows,
                selection: None,
                before: None,
            },
            rejected: decoded.rejects.into_iter().map(|reject| self.letter(reject, now)).collect(),
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

    fn meta_column(&self, meta: MetaColumn, lines: &ScalarBuffer<i64>, now: i64) -> ArrayRef {
        let rows = lines.len();
        match meta {
            MetaColumn::Timestamp => Arc::new(TimestampMicrosecondArray::from_value(now, rows)),
            MetaColumn::File => {
                Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&*self.origin, rows)))
            }
            MetaColumn::Line => Arc::new(Int64Array::new(lines.clone(), None)),
        }
    }

    fn letter(&self, reject: RowReject, time: i64) -> DeadLetter {
        DeadLetter {
            time,
            stage: self.source.clone(),
            reason: reject.reason,
            column: reject.column,
            position: format!("{}:{}", self.origin, reject.line),
            sequence: (reject.line.cast_signed(), 0),
            ordinal: 0,
            artifact: None,
            input: reject.input,
        }
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

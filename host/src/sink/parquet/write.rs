//! The half that takes rows: appends them to a hidden part, and completes it when asked.

use std::fs::{self, File};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::layout::Layout;
use super::{Output, ParquetCompression, ParquetConfig, ParquetHandle, Part, PartError};
use crate::record::{Batch, Epoch, Schema};
use crate::sink::growing::{refuse_change, refuse_partial};
use crate::sink::{Prepared, Refusal, Sink, SinkError};

/// Bytes of memory that a row group may take before it is written, however few its rows.
const GROUP_BYTES: usize = 128 << 20;

/// Bytes of a part from which on a checkpoint should come: what a part's footer will say of its row
/// groups is held in memory until then.
const PART_BYTES: usize = 1 << 30;

/// What refuses a row, in the words of the refusal.
const FILES: &str = "a folder of Parquet files";

pub(super) struct ParquetSink {
    output: Output,
    layout: Layout,
    properties: WriterProperties,
    /// The part that rows go to; `None` until an epoch has a row, so that an idle sink makes no
    /// files.
    open: Option<OpenPart>,
}

struct OpenPart {
    writer: ArrowWriter<File>,
    rows: u64,
}

impl ParquetSink {
    pub(super) fn new(
        output: Output,
        config: &ParquetConfig,
        schema: &Schema,
    ) -> Result<Self, SinkError> {
        let layout = Layout::of(schema).map_err(|source| PartError::Write {
            sink: output.sink.clone(),
            action: "lay out the columns of Parquet files in",
            path: output.folder.clone(),
            source,
        })?;
        let compression = match config.compression {
            ParquetCompression::Zstd => Compression::ZSTD(ZstdLevel::default()),
            ParquetCompression::None => Compression::UNCOMPRESSED,
        };
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(config.row_group_rows.max(1)))
            .build();
        Ok(Self { output, layout, properties, open: None })
    }

    /// Starts a part. There is no file of its name: recovery has removed what a dead run left.
    fn create(&self) -> Result<OpenPart, SinkError> {
        let path = self.output.unfinished();
        let file =
            File::create_new(&path).map_err(SinkError::io(&self.output.sink, "create", &path))?;
        let options = ArrowWriterOptions::new()
            .with_properties(self.properties.clone())
            .with_skip_arrow_metadata(true)
            .with_parquet_schema(self.layout.parquet.clone());
        let columns = Arc::clone(&self.layout.arrow);
        let writer = ArrowWriter::try_new_with_options(file, columns, options)
            .map_err(|source| self.failed(source))?;
        Ok(OpenPart { writer, rows: 0 })
    }

    fn append(&mut self, batch: &Batch) -> Result<(), SinkError> {
        if batch.rows == 0 {
            return Ok(());
        }
        let encoded = self.layout.encode(batch).map_err(|source| SinkError::BatchMismatch {
            sink: self.output.sink.clone(),
            source: Box::new(source),
        })?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.create()?,
        };
        open.append(&encoded).map_err(|source| self.failed(source))?;
        self.open = Some(open);
        Ok(())
    }

    fn failed(&self, source: ParquetError) -> SinkError {
        let (sink, path) = (self.output.sink.clone(), self.output.unfinished());
        PartError::Write { sink, action: "write", path, source }.into()
    }

    /// Completes a part, durably, as that of `epoch`.
    fn seal(&self, open: OpenPart, epoch: Epoch) -> Result<Part, SinkError> {
        let OpenPart { mut writer, rows } = open;
        writer.finish().map_err(|source| self.failed(source))?;
        let (sink, path) = (&self.output.sink, self.output.unfinished());
        let file = writer.inner();
        file.sync_all().map_err(SinkError::io(sink, "sync", &path))?;
        let bytes = file.metadata().map_err(SinkError::io(sink, "look at", &path))?.len();
        fs::rename(&path, self.output.prepared(epoch))
            .map_err(SinkError::io(sink, "rename", &path))?;
        self.output.sync()?;
        Ok(Part { file: self.output.visible_name(epoch), rows, bytes })
    }
}

impl OpenPart {
    fn append(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        self.writer.write(batch)?;
        self.rows += batch.num_rows() as u64;
        if self.writer.memory_size() >= GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }
}

/// The rows that cannot be taken, and, if there are any, the indices of those that can.
fn refused(batch: &Batch) -> (Vec<Refusal>, Option<Vec<u32>>) {
    let is_whole = batch.columns.iter().all(|column| column.unchanged.is_none());
    if is_whole && batch.only_inserts() {
        return (Vec::new(), None);
    }
    let mut refused = Vec::new();
    let mut taken = Vec::with_capacity(batch.rows);
    for row in 0..batch.rows {
        match refuse_change(batch, row, FILES).or_else(|| refuse_partial(batch, row, FILES)) {
            Some(refusal) => refused.push(refusal),
            None => taken.push(u32::try_from(row).expect("a batch is small")),
        }
    }
    let taken = (!refused.is_empty()).then_some(taken);
    (refused, taken)
}

impl Sink for ParquetSink {
    fn write(&mut self, batch: &Batch) -> Result<Vec<Refusal>, SinkError> {
        let (refused, taken) = refused(batch);
        match taken {
            None => self.append(batch)?,
            Some(taken) => self.append(&batch.take(&taken))?,
        }
        Ok(refused)
    }

    fn prepare(&mut self, epoch: Epoch) -> Result<Prepared, SinkError> {
        let part = match self.open.take() {
            Some(open) => Some(self.seal(open, epoch)?),
            None => None,
        };
        let handle = ParquetHandle { epoch, part }.write();
        Ok(Prepared { handle, refused: Vec::new() })
    }

    fn wants_barrier(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.writer.bytes_written() >= PART_BYTES)
    }
}

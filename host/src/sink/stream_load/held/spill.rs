//! Batches that are out of memory: frames of a file, one Arrow stream each.
//!
//! *Invariants*: the file loses its name as soon as it is open, so that it goes with the process.
//! *Not here*: rows that have to outlive the process (`segment`).

use std::fs::{self, File};
use std::io::Cursor;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, UInt8Type, UInt32Type};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, Int32Array, Int64Array, RecordBatch, UInt8Array, UInt32Array,
};
use arrow_buffer::ScalarBuffer;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use crate::record::{Batch, Column, MixedOrigins, Operation, Operations, RowMeta, Schema};
use crate::sink::SinkError;

/// Tells the files of one process apart, for as long as they have a name.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// The origins of a batch of several, each with what to take off the majors of its rows.
type Places = Arc<[(Arc<str>, i64)]>;

/// Where a batch is in the file, and what is not in the columns there.
#[derive(Debug)]
pub(super) struct Frame {
    offset: u64,
    length: usize,
    origin: Arc<str>,
    base: i64,
    places: Option<Places>,
}

/// The file.
pub(super) struct Spill {
    sink: String,
    path: PathBuf,
    file: File,
    schema: Arc<Schema>,
    arrow: SchemaRef,
    end: u64,
}

impl Spill {
    /// Makes the file in a folder that exists.
    pub(super) fn create(
        sink: &str,
        folder: &Path,
        schema: &Arc<Schema>,
    ) -> Result<Self, SinkError> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("held-{}-{number}.tmp", std::process::id()));
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(SinkError::io(sink, "create", &path))?;
        fs::remove_file(&path).map_err(SinkError::io(sink, "remove", &path))?;
        Ok(Self {
            sink: sink.to_owned(),
            path,
            file,
            schema: Arc::clone(schema),
            arrow: arrow_schema(schema),
            end: 0,
        })
    }

    /// Appends a batch.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<Frame, SinkError> {
        let bytes = self.encode(batch).map_err(|source| self.failed("write", source))?;
        self.file
            .write_all_at(&bytes, self.end)
            .map_err(SinkError::io(&self.sink, "write", &self.path))?;
        let meta = &batch.meta;
        let frame = Frame {
            offset: self.end,
            length: bytes.len(),
            origin: Arc::clone(&meta.origin),
            base: meta.base,
            places: meta.mixed.as_ref().map(|mixed| Arc::clone(&mixed.places)),
        };
        self.end += bytes.len() as u64;
        Ok(frame)
    }

    /// Reads a batch back.
    pub(super) fn read(&self, frame: &Frame) -> Result<Batch, SinkError> {
        let mut bytes = vec![0; frame.length];
        self.file
            .read_exact_at(&mut bytes, frame.offset)
            .map_err(SinkError::io(&self.sink, "read", &self.path))?;
        self.decode(bytes, frame).map_err(|source| self.failed("read", source))
    }

    /// Bytes in the file.
    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.end).unwrap_or(usize::MAX)
    }

    /// What went wrong with the rows themselves.
    fn failed(&self, action: &'static str, source: ArrowError) -> SinkError {
        failed(&self.sink, action, &self.path, source)
    }

    fn encode(&self, batch: &Batch) -> Result<Vec<u8>, ArrowError> {
        let (meta, rows) = (&batch.meta, batch.rows);
        let minors = meta.minors.clone().unwrap_or_else(|| vec![0; rows].into());
        let places = match &meta.mixed {
            Some(mixed) => mixed.rows.clone(),
            None => vec![0; rows].into(),
        };
        let hidden: [ArrayRef; HIDDEN] = [
            Arc::new(UInt8Array::new(meta.operations.codes(rows), None)),
            Arc::new(Int64Array::new(meta.processing_times.clone(), None)),
            Arc::new(Int64Array::new(meta.majors.clone(), None)),
            Arc::new(Int32Array::new(minors, None)),
            Arc::new(UInt32Array::new(places, None)),
        ];
        let columns =
            batch.columns.iter().map(|column| Arc::clone(&column.values)).chain(hidden).collect();
        let record = RecordBatch::try_new(Arc::clone(&self.arrow), columns)?;
        let mut stream = StreamWriter::try_new(Vec::new(), &self.arrow)?;
        stream.write(&record)?;
        stream.into_inner()
    }

    fn decode(&self, bytes: Vec<u8>, frame: &Frame) -> Result<Batch, ArrowError> {
        let damaged = || ArrowError::IpcError("a frame is not what was written".to_owned());
        let mut stream = StreamReader::try_new(Cursor::new(bytes), None)?;
        let record = stream.next().ok_or_else(damaged)??;
        let visible = self.schema.fields.len();
        if record.schema().fields() != self.arrow.fields() {
            return Err(damaged());
        }
        let codes = values::<UInt8Type>(&record, visible);
        let places = values::<UInt32Type>(&record, visible + 4);
        let is_known = |place: &u32| {
            frame.places.as_ref().is_none_or(|places| (*place as usize) < places.len())
        };
        if codes.iter().any(|code| Operation::from_code(*code).is_none())
            || !places.iter().all(is_known)
        {
            return Err(damaged());
        }
        let minors = values::<Int32Type>(&record, visible + 3);
        let meta = RowMeta {
            origin: Arc::clone(&frame.origin),
            operations: operations(codes),
            event_times: None,
            processing_times: values::<Int64Type>(&record, visible + 1),
            majors: values::<Int64Type>(&record, visible + 2),
            minors: minors.iter().any(|minor| *minor != 0).then_some(minors),
            base: frame.base,
            mixed: frame.places.clone().map(|of| MixedOrigins { places: of, rows: places }),
            late: None,
        };
        Ok(Batch {
            schema: Arc::clone(&self.schema),
            columns: record.columns()[..visible]
                .iter()
                .map(|values| Column::from(Arc::clone(values)))
                .collect(),
            meta: Arc::new(meta),
            rows: record.num_rows(),
            selection: None,
            before: None,
        })
    }
}

/// The error of rows that cannot be put together, written or read.
pub(super) fn failed(
    sink: &str,
    action: &'static str,
    path: &Path,
    source: ArrowError,
) -> SinkError {
    let (sink, path) = (sink.to_owned(), path.to_owned());
    SinkError::Segment { sink, action, path, source: Box::new(source) }
}

const HIDDEN: usize = 5;

/// Every column of the input may be null here, since an unchanged value is a null even where the
/// input has none.
fn arrow_schema(schema: &Schema) -> SchemaRef {
    let hidden = [
        ("_millrace_operation", DataType::UInt8),
        ("_millrace_processing_time", DataType::Int64),
        ("_millrace_major", DataType::Int64),
        ("_millrace_minor", DataType::Int32),
        ("_millrace_place", DataType::UInt32),
    ];
    let fields: Vec<Field> = schema
        .fields
        .iter()
        .map(|field| Field::new(&*field.name, field.data_type.arrow(), true))
        .chain(hidden.map(|(name, data_type)| Field::new(name, data_type, false)))
        .collect();
    Arc::new(arrow_schema::Schema::new(fields))
}

/// The values of a hidden column, whose type has been checked.
fn values<T: ArrowPrimitiveType>(record: &RecordBatch, index: usize) -> ScalarBuffer<T::Native> {
    record.column(index).as_primitive::<T>().values().clone()
}

fn operations(codes: ScalarBuffer<u8>) -> Operations {
    match codes.split_first() {
        Some((first, rest)) if rest.iter().all(|code| code == first) => {
            Operations::All(Operation::from_code(*first).expect("codes have been checked"))
        }
        _ => Operations::Each(codes),
    }
}

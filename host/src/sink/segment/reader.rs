//! The read half: a sealed segment, checked whole and then read batch by batch.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, UInt8Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, Int32Array, Int64Array, RecordBatch, UInt8Array,
};
use arrow_ipc::reader::StreamReader;
use sha2::{Digest, Sha256};

use super::{Sealed, layout};
use crate::record::{Operation, Schema};
use crate::sink::SinkError;

const READ_BYTES: usize = 1 << 20;

/// The batches of a sealed segment, in order.
pub(in crate::sink) struct SegmentReader {
    sink: String,
    path: PathBuf,
    /// Columns of the input; the hidden ones follow.
    columns: usize,
    stream: StreamReader<BufReader<File>>,
}

impl SegmentReader {
    /// Opens a segment that was written with `schema`, after checking every byte of it: a damaged
    /// length in it must not make anybody ask for that much memory.
    pub(in crate::sink) fn open(
        sink: &str,
        folder: &Path,
        sealed: &Sealed,
        schema: &Schema,
    ) -> Result<Self, SinkError> {
        let path = folder.join(&sealed.file);
        let mut file = File::open(&path).map_err(SinkError::io(sink, "open", &path))?;
        if let Some(problem) =
            damage(&mut file, sealed).map_err(SinkError::io(sink, "read", &path))?
        {
            return Err(SinkError::SegmentDamaged { sink: sink.to_owned(), path, problem });
        }
        file.rewind().map_err(SinkError::io(sink, "read", &path))?;
        let stream = StreamReader::try_new(BufReader::with_capacity(READ_BYTES, file), None)
            .map_err(|source| SinkError::Segment {
                sink: sink.to_owned(),
                action: "read",
                path: path.clone(),
                source: Box::new(source),
            })?;
        if !layout::same_columns(&stream.schema(), &layout::arrow_schema(schema)) {
            let problem = "they have other columns than the sink's input has now; start once with \
                           the pipeline as it was, so that they are committed"
                .to_owned();
            return Err(SinkError::SegmentDamaged { sink: sink.to_owned(), path, problem });
        }
        Ok(Self { sink: sink.to_owned(), path, columns: schema.fields.len(), stream })
    }
}

/// What is wrong with the file, if anything.
fn damage(file: &mut File, sealed: &Sealed) -> std::io::Result<Option<String>> {
    let length = file.metadata()?.len();
    if length != sealed.bytes {
        return Ok(Some(format!("{length} bytes where {} were written", sealed.bytes)));
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    let intact = format!("{:x}", hash.finalize()) == sealed.sha256;
    Ok((!intact).then(|| "the checksum differs".to_owned()))
}

impl Iterator for SegmentReader {
    type Item = Result<SegmentRows, SinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.stream.next()?;
        Some(batch.map(|batch| SegmentRows::new(batch, self.columns)).map_err(|source| {
            SinkError::Segment {
                sink: self.sink.clone(),
                action: "read",
                path: self.path.clone(),
                source: Box::new(source),
            }
        }))
    }
}

/// One batch of a segment.
pub(in crate::sink) struct SegmentRows {
    batch: RecordBatch,
    columns: usize,
    operations: UInt8Array,
    majors: Int64Array,
    minors: Int32Array,
    unchanged: FixedSizeBinaryArray,
}

impl SegmentRows {
    fn new(batch: RecordBatch, columns: usize) -> Self {
        Self {
            operations: batch.column(columns).as_primitive::<UInt8Type>().clone(),
            majors: batch.column(columns + 1).as_primitive::<Int64Type>().clone(),
            minors: batch.column(columns + 2).as_primitive::<Int32Type>().clone(),
            unchanged: batch.column(columns + 3).as_fixed_size_binary().clone(),
            columns,
            batch,
        }
    }

    /// How many rows there are.
    pub(in crate::sink) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// The input's columns.
    pub(in crate::sink) fn columns(&self) -> &[ArrayRef] {
        &self.batch.columns()[..self.columns]
    }

    /// What a row's change did.
    pub(in crate::sink) fn operation(&self, row: usize) -> Operation {
        Operation::from_code(self.operations.value(row)).expect("a sink wrote the code")
    }

    /// A row's source sequence.
    pub(in crate::sink) fn sequence(&self, row: usize) -> (i64, i32) {
        (self.majors.value(row), self.minors.value(row))
    }

    /// The columns that are unchanged in a row; `None` where all have their value.
    pub(in crate::sink) fn unchanged(&self, row: usize) -> Option<Unchanged<'_>> {
        self.unchanged.is_valid(row).then(|| Unchanged(self.unchanged.value(row)))
    }
}

/// Which columns of a row are unchanged, and so unknown.
#[derive(Clone, Copy)]
pub(in crate::sink) struct Unchanged<'a>(&'a [u8]);

impl Unchanged<'_> {
    /// Whether a column, by its index in the input's schema, is unchanged.
    pub(in crate::sink) fn has(self, column: usize) -> bool {
        layout::is_unchanged(self.0, column)
    }
}

//! The write half: batches into the open segment, then sealed under the epoch's name.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};
use sha2::{Digest, Sha256};

use super::{Sealed, UNSEALED, file_name, layout};
use crate::checkpoint::sync_folder;
use crate::record::{Batch, Epoch, Schema};
use crate::sink::SinkError;

/// Writes one segment after another, each from its first row on.
pub(in crate::sink) struct SegmentWriter {
    sink: String,
    folder: PathBuf,
    schema: SchemaRef,
    /// The segment that rows go to; `None` until an epoch has a row, so that an idle sink makes no
    /// files.
    open: Option<Open>,
}

struct Open {
    stream: StreamWriter<BufWriter<Hashed>>,
    rows: u64,
}

/// A file that hashes and counts what it is given.
struct Hashed {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SegmentWriter {
    /// A writer of segments for batches of `schema` into `folder`, which exists.
    pub(in crate::sink) fn new(sink: &str, folder: PathBuf, schema: &Schema) -> Self {
        Self { sink: sink.to_owned(), folder, schema: layout::arrow_schema(schema), open: None }
    }

    /// Appends a batch whose rows are all alive.
    pub(in crate::sink) fn append(&mut self, batch: &Batch) -> Result<(), SinkError> {
        if batch.rows == 0 {
            return Ok(());
        }
        let encoded = layout::encode(batch, &self.schema).map_err(|source| {
            SinkError::BatchMismatch { sink: self.sink.clone(), source: Box::new(source) }
        })?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.create()?,
        };
        open.stream.write(&encoded).map_err(|source| self.failed(source))?;
        open.rows += batch.rows as u64;
        self.open = Some(open);
        Ok(())
    }

    /// Bytes of the open segment.
    pub(in crate::sink) fn bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.stream.get_ref().get_ref().bytes)
    }

    /// Makes the open segment durable as that of `epoch`; `None` where the epoch has no rows.
    pub(in crate::sink) fn seal(&mut self, epoch: Epoch) -> Result<Option<Sealed>, SinkError> {
        let Some(open) = self.open.take() else { return Ok(None) };
        let rows = open.rows;
        let path = self.folder.join(UNSEALED);
        let buffered = open.stream.into_inner().map_err(|source| self.failed(source))?;
        let Hashed { file, hash, bytes } = buffered
            .into_inner()
            .map_err(|error| SinkError::io(&self.sink, "write", &path)(error.into_error()))?;
        file.sync_all().map_err(SinkError::io(&self.sink, "sync", &path))?;
        let name = file_name(epoch);
        fs::rename(&path, self.folder.join(&name))
            .map_err(SinkError::io(&self.sink, "rename", &path))?;
        sync_folder(&self.folder).map_err(SinkError::io(&self.sink, "sync", &self.folder))?;
        Ok(Some(Sealed { file: name, rows, bytes, sha256: format!("{:x}", hash.finalize()) }))
    }

    fn create(&self) -> Result<Open, SinkError> {
        let path = self.folder.join(UNSEALED);
        let file = File::create(&path).map_err(SinkError::io(&self.sink, "create", &path))?;
        let hashed = Hashed { file, hash: Sha256::new(), bytes: 0 };
        let stream = StreamWriter::try_new_buffered(hashed, &self.schema)
            .map_err(|source| self.failed(source))?;
        Ok(Open { stream, rows: 0 })
    }

    fn failed(&self, source: ArrowError) -> SinkError {
        SinkError::Segment {
            sink: self.sink.clone(),
            action: "write",
            path: self.folder.join(UNSEALED),
            source: Box::new(source),
        }
    }
}

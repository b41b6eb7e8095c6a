//! The sink against real folders, crashes being simulated by opening both halves again.

mod recovery;
mod types;

use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use super::*;
use crate::record::{
    Batch, Column, DataType, Epoch, Field, Operation, Operations, RowMeta, Schema,
};
use crate::sink::Committed;
use crate::telemetry::Clock;

struct Place {
    _folder: TempDir,
    config: ParquetConfig,
    context: SinkContext,
}

impl Place {
    fn new() -> Self {
        Self::with(vec![Field::new("id", DataType::Text, true)])
    }

    fn with(fields: Vec<Field>) -> Self {
        let folder = TempDir::new().unwrap();
        let config = ParquetConfig {
            path: folder.path().join("out/rows"),
            if_exists: IfExists::Error,
            row_group_rows: 1000,
            compression: ParquetCompression::Zstd,
        };
        let context = SinkContext {
            pipeline: "p".to_owned(),
            sink: "s".to_owned(),
            incarnation: "one".to_owned(),
            segments: folder.path().to_owned(),
            schema: Arc::new(Schema::new(fields)),
            clock: Clock::default(),
            counters: Arc::default(),
        };
        Self { _folder: folder, config, context }
    }

    fn initialise(&self) -> Result<Handle, SinkError> {
        initialise(&self.config, &self.context)
    }

    fn open(&self, last: &Handle) -> OpenSink {
        open(&self.config, &self.context, last).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Opens as a restart does.
    fn recover(&self, last: &Handle) -> OpenSink {
        let mut open = self.open(last);
        assert_eq!(open.committer.commit(last).unwrap(), Committed::Done);
        open.committer.discard_beyond(last).unwrap();
        open
    }

    fn start(&self) -> OpenSink {
        self.recover(&self.initialise().unwrap())
    }

    fn batch_of(&self, columns: Vec<ArrayRef>) -> Batch {
        let rows = columns.first().map_or(0, |values| values.len());
        Batch {
            schema: Arc::clone(&self.context.schema),
            columns: columns.into_iter().map(Column::from).collect(),
            meta: Arc::new(RowMeta::plain("test", Operations::All(Operation::Insert), rows)),
            rows,
            selection: None,
            before: None,
        }
    }

    fn batch(&self, ids: &[&str]) -> Batch {
        self.batch_of(vec![Arc::new(StringArray::from(ids.to_vec())) as ArrayRef])
    }

    /// The names in the folder, in order.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.config.path).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }

    fn path(&self, name: &str) -> PathBuf {
        self.config.path.join(name)
    }

    /// The ids of all parts that a reader of the folder sees, in the order of their names.
    fn ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for name in self.names().iter().filter(|name| name.starts_with("part-")) {
            for batch in read(&self.path(name)) {
                let texts = batch.column(0).as_string::<i32>();
                ids.extend(texts.iter().map(|id| id.unwrap().to_owned()));
            }
        }
        ids
    }
}

fn read(path: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    reader.build().unwrap().map(|batch| batch.unwrap()).collect()
}

fn prepare(open: &mut OpenSink, epoch: Epoch, batch: &Batch) -> Handle {
    assert!(open.sink.write(batch).unwrap().is_empty());
    open.sink.prepare(epoch).unwrap().handle
}

fn commit(open: &mut OpenSink, handle: &Handle) {
    assert_eq!(open.committer.commit(handle).unwrap(), Committed::Done);
}

fn visible(incarnation: &str, epoch: Epoch) -> String {
    format!("part-{incarnation}-{epoch:020}.parquet")
}

fn prepared(incarnation: &str, epoch: Epoch) -> String {
    format!(".millrace-{incarnation}-{epoch:020}.parquet.prepared")
}

#[track_caller]
fn part_error(error: SinkError) -> PartError {
    match error {
        SinkError::Part(error) => *error,
        other => panic!("an error of parts: {other}"),
    }
}

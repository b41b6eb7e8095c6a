//! The sink against real databases, crashes being simulated by opening both halves again.

mod changes;
mod recovery;
mod tables;
mod values;

use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::{ArrayRef, Decimal64Array, StringArray};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::record::{Batch, Column, DataType, Field, Operation, Operations, RowMeta};
use crate::sink::{Committed, Prepared};
use crate::telemetry::Clock;

/// A folder with a database and a store's segments, and how the sink is set up.
struct Place {
    folder: TempDir,
    config: SqliteConfig,
    context: SinkContext,
}

/// One change of the small table: operation, id, amount in cents, major.
type Change<'a> = (Operation, &'a str, Option<i64>, i64);

impl Place {
    fn new(mode: WriteMode) -> Self {
        let schema = Schema {
            key: vec![0],
            ..Schema::new(vec![
                Field::new("id", DataType::Text, false),
                Field::new("amount", DataType::Decimal { precision: 18, scale: 2 }, true),
            ])
        };
        Self::with_schema(mode, schema)
    }

    fn with_schema(mode: WriteMode, schema: Schema) -> Self {
        let folder = TempDir::new().unwrap();
        let segments = folder.path().join("segments");
        fs::create_dir(&segments).unwrap();
        let key = schema.key.iter().map(|index| Arc::clone(&schema.fields[*index].name)).collect();
        Self {
            config: SqliteConfig {
                path: folder.path().join("out/test.db"),
                table: "wagers".to_owned(),
                mode,
                key,
                if_exists: IfExists::Error,
                on_delete: ChangePolicy::DeadLetter,
                on_update: ChangePolicy::DeadLetter,
            },
            context: SinkContext {
                pipeline: "p".to_owned(),
                sink: "s".to_owned(),
                incarnation: "one".to_owned(),
                segments,
                schema: Arc::new(schema),
                clock: Clock::default(),
                counters: Arc::default(),
            },
            folder,
        }
    }

    fn initialise(&self) -> Result<Handle, SinkError> {
        initialise(&self.config, &self.context)
    }

    fn open(&self, last: &Handle) -> OpenSink {
        open(&self.config, &self.context, last).unwrap_or_else(|error| panic!("{error}"))
    }

    fn open_error(&self, last: &Handle) -> SinkError {
        open(&self.config, &self.context, last).err().expect("a refusal")
    }

    fn database(&self) -> Connection {
        Connection::open(&self.config.path).unwrap()
    }

    fn batch(&self, changes: &[Change<'_>]) -> Batch {
        let ids: StringArray = changes.iter().map(|change| Some(change.1)).collect();
        let amounts: Decimal64Array = changes.iter().map(|change| change.2).collect();
        let amounts = amounts.with_precision_and_scale(18, 2).unwrap();
        let columns: [ArrayRef; 2] = [Arc::new(ids), Arc::new(amounts)];
        let operations: Vec<u8> = changes.iter().map(|change| change.0 as u8).collect();
        let majors: Vec<i64> = changes.iter().map(|change| change.3).collect();
        batch(&self.context.schema, &columns, Operations::Each(operations.into()), majors)
    }

    /// The small table as `id=amount`, by id.
    fn rows(&self) -> Vec<String> {
        self.texts("SELECT id || '=' || coalesce(amount, '-') FROM wagers ORDER BY id")
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        let connection = self.database();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn segments(&self) -> usize {
        fs::read_dir(&self.context.segments).unwrap().count()
    }

    /// The database as a copy, which must not be open.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.folder.path().join(name);
        fs::copy(&self.config.path, &copy).unwrap();
        copy
    }

    fn put_back(&self, copy: &Path) {
        fs::copy(copy, &self.config.path).unwrap();
    }
}

fn batch(
    schema: &Arc<Schema>,
    columns: &[ArrayRef],
    operations: Operations,
    majors: Vec<i64>,
) -> Batch {
    let rows = majors.len();
    Batch {
        schema: Arc::clone(schema),
        columns: columns.iter().map(|array| Column::from(Arc::clone(array))).collect(),
        meta: Arc::new(RowMeta {
            origin: "test".into(),
            operations,
            event_times: None,
            processing_times: vec![0; rows].into(),
            majors: majors.into(),
            minors: None,
            base: 0,
            mixed: None,
            late: None,
        }),
        rows,
        selection: None,
        before: None,
    }
}

/// Writes and prepares one epoch.
fn prepare(open: &mut OpenSink, epoch: Epoch, batch: &Batch) -> Handle {
    assert!(open.sink.write(batch).unwrap().is_empty());
    let Prepared { handle, refused } = open.sink.prepare(epoch).unwrap();
    assert!(refused.is_empty());
    handle
}

/// Writes, prepares, commits and confirms one epoch.
fn pass(open: &mut OpenSink, epoch: Epoch, batch: &Batch) -> Handle {
    let handle = prepare(open, epoch, batch);
    assert_eq!(open.committer.commit(&handle).unwrap(), Committed::Done);
    open.committer.confirmed(&handle).unwrap();
    handle
}

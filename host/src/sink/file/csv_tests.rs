//! The sink as CSV: the header is as provisional as rows are, and never stands over other columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_buffer::BooleanBuffer;
use tempfile::TempDir;

use super::*;
use crate::record::{
    Batch, Column, CsvStyle, DataType, Epoch, Field, Operation, Operations, RowMeta, Schema,
};
use crate::sink::Committed;
use crate::telemetry::Clock;

struct Place {
    _folder: TempDir,
    config: FileConfig,
    context: SinkContext,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let csv = CsvConfig { style: CsvStyle::DEFAULT, header: true };
        let config = FileConfig {
            path: folder.path().join("rows.csv"),
            if_exists: IfExists::Error,
            format: FileFormat::Csv(csv),
        };
        let context = SinkContext {
            pipeline: "p".to_owned(),
            sink: "s".to_owned(),
            incarnation: "one".to_owned(),
            segments: folder.path().to_owned(),
            schema: schema(&["id", "a,b"]),
            clock: Clock::default(),
            counters: Arc::default(),
        };
        Self { _folder: folder, config, context }
    }

    fn recover(&self, last: &Handle) -> OpenSink {
        let mut open = open(&self.config, &self.context, last).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(open.committer.commit(last).unwrap(), Committed::Done);
        open.committer.discard_beyond(last).unwrap();
        open
    }

    fn begin(&self) -> Handle {
        initialise(&self.config, &self.context).unwrap_or_else(|error| panic!("{error}"))
    }

    fn batch(&self, ids: &[&str]) -> Batch {
        let rows = ids.len();
        let ids = Arc::new(StringArray::from(ids.to_vec())) as ArrayRef;
        let nulls = Arc::new(StringArray::new_null(rows)) as ArrayRef;
        Batch {
            schema: Arc::clone(&self.context.schema),
            columns: vec![Column::from(ids), Column::from(nulls)],
            meta: Arc::new(RowMeta::plain("test", Operations::All(Operation::Insert), rows)),
            rows,
            selection: None,
            before: None,
        }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.config.path).unwrap()
    }
}

fn schema(names: &[&str]) -> Arc<Schema> {
    Arc::new(Schema::new(names.iter().map(|name| Field::new(name, DataType::Text, true)).collect()))
}

fn prepare(open: &mut OpenSink, epoch: Epoch, batch: &Batch) -> Handle {
    assert!(open.sink.write(batch).unwrap().is_empty());
    open.sink.prepare(epoch).unwrap().handle
}

const HEADER: &str = "id,\"a,b\"\n";

#[test]
fn the_header_is_written_once_and_counts_as_rows_do() {
    let place = Place::new();
    let start = place.begin();
    assert_eq!(start.0["length"], 0);
    assert_eq!(place.text(), "");
    // Neither the header nor the row is in a checkpoint: both go, and come again.
    prepare(&mut place.recover(&start), 1, &place.batch(&["lost"]));
    assert_eq!(place.text(), format!("{HEADER}lost,\n"));
    assert_eq!(place.begin(), start);
    assert_eq!(place.text(), "");
    prepare(&mut place.recover(&start), 1, &place.batch(&["lost"]));

    let mut open = place.recover(&start);
    assert_eq!(place.text(), "");
    let first = open.sink.prepare(1).unwrap().handle;
    assert_eq!(first.0["length"], HEADER.len(), "an epoch without rows has the header, too");
    let second = prepare(&mut open, 2, &place.batch(&["a", "", "\""]));
    prepare(&mut open, 3, &place.batch(&["lost"]));
    drop(open);
    let mut open = place.recover(&second);
    let third = prepare(&mut open, 3, &place.batch(&["b"]));
    drop(open);
    place.recover(&third);
    assert_eq!(place.text(), format!("{HEADER}a,\n\"\",\n\"\"\"\",\nb,\n"));
    place.recover(&first);
    assert_eq!(place.text(), HEADER);
}

#[test]
fn rows_follow_the_same_header_and_no_other() {
    let mut place = Place::new();
    place.config.if_exists = IfExists::Append;
    for found in ["id,\"a,b\"\nx,y\n", "id,\"a,b\"\r\nx,y\r\n"] {
        fs::write(&place.config.path, found).unwrap();
        let handle = prepare(&mut place.recover(&place.begin()), 1, &place.batch(&["z"]));
        assert_eq!(place.text(), format!("{found}z,\n"));
        fs::remove_file(note::path(&Output::new(&place.config, &place.context))).unwrap();
        assert_eq!(handle.0["length"], place.text().len());
    }
    for found in ["id,b\nx,y\n", "id,\"a,b\",c\nx,y,z\n", "x\n"] {
        fs::write(&place.config.path, found).unwrap();
        let error = initialise(&place.config, &place.context).unwrap_err();
        assert!(matches!(error, SinkError::OtherHeader { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(found.lines().next().unwrap()), "{text}");
        assert!(text.contains("id,\"a,b\""), "{text}");
        assert_eq!(place.text(), found, "nothing is touched");
    }
    let FileFormat::Csv(csv) = &mut place.config.format else { panic!("it is CSV") };
    csv.header = false;
    prepare(&mut place.recover(&place.begin()), 1, &place.batch(&["z"]));
    assert_eq!(place.text(), "x\nz,\n");
}

#[test]
fn columns_that_changed_since_the_last_run_are_named() {
    let mut place = Place::new();
    let first = prepare(&mut place.recover(&place.begin()), 1, &place.batch(&["a"]));
    place.context.schema = schema(&["id", "c"]);
    let error = open(&place.config, &place.context, &first).err().expect("a refusal");
    let text = error.to_string();
    assert!(text.contains("`id,\"a,b\"`") && text.contains("`id,c`"), "{text}");
}

#[test]
fn a_file_that_is_gone_or_short_is_named_as_that() {
    let place = Place::new();
    let first = prepare(&mut place.recover(&place.begin()), 1, &place.batch(&["a"]));
    fs::write(&place.config.path, "id\n").unwrap();
    let mut opened = open(&place.config, &place.context, &first).unwrap_or_else(|e| panic!("{e}"));
    let error = opened.committer.commit(&first).unwrap_err();
    assert!(matches!(error, SinkError::FileTooShort { .. }), "{error}");
    fs::remove_file(&place.config.path).unwrap();
    let mut opened = open(&place.config, &place.context, &first).unwrap_or_else(|e| panic!("{e}"));
    let error = opened.committer.commit(&first).unwrap_err();
    assert!(matches!(error, SinkError::OutputMissing { .. }), "{error}");
}

#[test]
fn changes_and_rows_that_are_not_whole_are_refused() {
    let place = Place::new();
    let mut open = place.recover(&place.begin());
    let mut batch = place.batch(&["a", "b", "c"]);
    let mut meta = RowMeta::clone(&batch.meta);
    let operations = [Operation::Insert, Operation::Delete, Operation::Read];
    meta.operations = Operations::Each(operations.map(|code| code as u8).to_vec().into());
    batch.meta = Arc::new(meta);
    batch.columns[1].unchanged = Some(BooleanBuffer::from(vec![false, false, true]));
    let refused = open.sink.write(&batch).unwrap();
    assert_eq!(refused.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(refused[1].column.as_deref(), Some("a,b"));
    open.sink.prepare(1).unwrap();
    assert_eq!(place.text(), format!("{HEADER}a,\n"));
}

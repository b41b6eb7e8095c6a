//! The sink against real files, crashes being simulated by opening both halves again.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use tempfile::TempDir;

use super::*;
use crate::record::{
    Batch, Column, DataType, Epoch, Field, Operation, Operations, RowMeta, Schema,
};
use crate::sink::Committed;
use crate::telemetry::Clock;

struct Place {
    folder: TempDir,
    config: FileConfig,
    context: SinkContext,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let config = FileConfig {
            path: folder.path().join("out/rows.jsonl"),
            if_exists: IfExists::Error,
            format: FileFormat::Json,
        };
        let context = SinkContext {
            pipeline: "p".to_owned(),
            sink: "s".to_owned(),
            incarnation: "one".to_owned(),
            segments: folder.path().to_owned(),
            schema: Arc::new(Schema::new(vec![Field::new("id", DataType::Text, true)])),
            clock: Clock::default(),
            counters: Arc::default(),
        };
        Self { folder, config, context }
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

    fn batch(&self, ids: &[&str]) -> Batch {
        let rows = ids.len();
        Batch {
            schema: Arc::clone(&self.context.schema),
            columns: vec![Column::from(Arc::new(StringArray::from(ids.to_vec())) as ArrayRef)],
            meta: Arc::new(RowMeta::plain("test", Operations::All(Operation::Insert), rows)),
            rows,
            selection: None,
            before: None,
        }
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.config.path).unwrap()
    }

    fn note_path(&self) -> PathBuf {
        note::path(&Output::new(&self.config, &self.context))
    }

    fn note(&self) -> Note {
        Note::read(&Output::new(&self.config, &self.context)).unwrap().unwrap()
    }

    /// Writes to the file as another program would.
    fn meddle(&self, text: &str) {
        let mut file = OpenOptions::new().append(true).open(&self.config.path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}

fn prepare(open: &mut OpenSink, epoch: Epoch, batch: &Batch) -> Handle {
    assert!(open.sink.write(batch).unwrap().is_empty());
    open.sink.prepare(epoch).unwrap().handle
}

#[test]
fn rows_are_lines_and_the_note_says_how_far_they_are_final() {
    let place = Place::new();
    let mut open = place.recover(&place.initialise().unwrap());
    assert_eq!(place.note().length, 0);
    let handle = prepare(&mut open, 1, &place.batch(&["a\0", "b"]));
    assert_eq!(place.text(), "{\"id\":\"a\\u0000\"}\n{\"id\":\"b\"}\n");
    assert_eq!(place.note().length, 0);
    assert_eq!(open.committer.commit(&handle).unwrap(), Committed::Done);
    assert_eq!(open.committer.commit(&handle).unwrap(), Committed::Done);
    open.committer.confirmed(&handle).unwrap();
    assert_eq!(place.note().length, place.text().len() as u64);
    assert_eq!(handle.0["length"], place.text().len());
    let same = open.sink.prepare(2).unwrap().handle;
    assert_eq!(same, handle);
}

#[test]
fn long_batches_are_written_in_pieces() {
    let place = Place::new();
    let mut open = place.recover(&place.initialise().unwrap());
    let long = "x".repeat(100_000);
    let handle = prepare(&mut open, 1, &place.batch(&[long.as_str(); 7]));
    assert_eq!(place.text().lines().count(), 7);
    assert_eq!(handle.0["length"], place.text().len());
}

#[test]
fn a_crash_between_any_two_steps_loses_and_doubles_nothing() {
    let place = Place::new();
    let start = place.initialise().unwrap();
    assert_eq!(place.initialise().unwrap(), start, "a crash before epoch 0 is stored");

    // Prepared, but the checkpoint was not stored; nor was the first one, where the sink is new.
    let mut open = place.recover(&start);
    prepare(&mut open, 1, &place.batch(&["lost"]));
    drop(open);
    assert_eq!(place.initialise().unwrap(), start);
    let mut open = place.recover(&start);
    prepare(&mut open, 1, &place.batch(&["lost"]));
    drop(open);

    // Stored, but not committed; the next epoch's rows are in the file, the last one cut.
    let mut open = place.recover(&start);
    assert_eq!(place.text(), "");
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    prepare(&mut open, 2, &place.batch(&["lost"]));
    place.meddle("{\"id\":\"lo");
    drop(open);

    // Committed, but not confirmed.
    let mut open = place.recover(&first);
    assert_eq!(place.text(), "{\"id\":\"a\"}\n");
    assert_eq!(place.note().length, place.text().len() as u64);
    let second = prepare(&mut open, 2, &place.batch(&["b"]));
    open.committer.commit(&second).unwrap();
    drop(open);

    place.recover(&second);
    assert_eq!(place.text(), "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
    // The whole epoch is given up because of another sink: the file goes back.
    place.recover(&first);
    assert_eq!(place.text(), "{\"id\":\"a\"}\n");
}

#[test]
fn a_file_that_others_change_during_the_run_halts() {
    let place = Place::new();
    let mut open = place.recover(&place.initialise().unwrap());
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    place.meddle("mine\n");
    let error = open.sink.prepare(2).unwrap_err();
    assert!(matches!(error, SinkError::FileChanged { expected: 11, found: 16, .. }), "{error}");

    let mut open = place.recover(&first);
    open.sink.write(&place.batch(&["b"])).unwrap();
    fs::write(&place.config.path, "").unwrap();
    let error = open.sink.prepare(2).unwrap_err();
    assert!(matches!(error, SinkError::FileChanged { .. }), "{error}");
}

#[test]
fn a_file_that_is_moved_away_during_the_run_halts() {
    let place = Place::new();
    let mut open = place.recover(&place.initialise().unwrap());
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    fs::rename(&place.config.path, place.folder.path().join("rotated")).unwrap();
    let error = open.sink.prepare(2).unwrap_err();
    assert!(matches!(error, SinkError::OutputReplaced { .. }), "{error}");
    let error = open.committer.commit(&first).unwrap_err();
    assert!(matches!(error, SinkError::OutputMissing { .. }), "{error}");
}

#[test]
fn a_file_shorter_than_its_handle_halts() {
    let place = Place::new();
    let start = place.initialise().unwrap();
    let mut open = place.recover(&start);
    let first = prepare(&mut open, 1, &place.batch(&["a", "b"]));
    open.committer.commit(&first).unwrap();
    drop(open);

    fs::write(&place.config.path, "{\"id\":\"a\"}\n").unwrap();
    let mut open = place.open(&first);
    for error in [
        open.committer.commit(&first).unwrap_err(),
        open.committer.discard_beyond(&first).unwrap_err(),
    ] {
        assert!(matches!(error, SinkError::FileTooShort { expected: 22, found: 11, .. }));
        assert!(error.to_string().contains("put the longer one back"), "{error}");
    }
    fs::remove_file(&place.config.path).unwrap();
    let error = open.committer.discard_beyond(&first).unwrap_err();
    assert!(matches!(error, SinkError::OutputMissing { .. }), "{error}");
    // Nothing was in it at epoch 0, so that nothing is missing.
    let mut open = place.recover(&start);
    prepare(&mut open, 1, &place.batch(&["c"]));
    assert_eq!(place.text(), "{\"id\":\"c\"}\n");
}

#[test]
fn a_new_store_obeys_if_exists() {
    let mut place = Place::new();
    let mut open = place.recover(&place.initialise().unwrap());
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    open.committer.commit(&first).unwrap();
    drop(open);

    place.context.incarnation = "two".to_owned();
    let error = place.initialise().unwrap_err();
    assert!(matches!(error, SinkError::OutputNotEmpty { .. }), "{error}");

    place.config.if_exists = IfExists::Append;
    let start = place.initialise().unwrap();
    let mut open = place.recover(&start);
    let second = prepare(&mut open, 1, &place.batch(&["b"]));
    open.committer.commit(&second).unwrap();
    drop(open);
    assert_eq!(place.text(), "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");

    // The first store would cut the second one's rows.
    place.context.incarnation = "one".to_owned();
    let error = open_error(&place, &first);
    assert!(matches!(error, SinkError::OtherStore { .. }), "{error}");

    place.context.incarnation = "three".to_owned();
    place.meddle("half a line");
    fs::remove_file(place.note_path()).unwrap();
    let error = place.initialise().unwrap_err();
    assert!(matches!(error, SinkError::UnfinishedLine { .. }), "{error}");
    place.config.if_exists = IfExists::Replace;
    place.recover(&place.initialise().unwrap());
    assert_eq!(place.text(), "");
}

#[test]
fn rows_that_a_dead_store_never_committed_are_not_appended_to() {
    let mut place = Place::new();
    let mut open = place.recover(&place.initialise().unwrap());
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    open.committer.commit(&first).unwrap();
    prepare(&mut open, 2, &place.batch(&["b"]));
    drop(open);

    place.context.incarnation = "two".to_owned();
    place.config.if_exists = IfExists::Append;
    let error = place.initialise().unwrap_err();
    assert!(matches!(error, SinkError::UncommittedRows { length: 11, found: 22, .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("cut the file to 11 bytes"), "{text}");
    assert!(text.contains("if_exists = \"replace\""), "{text}");
    assert_eq!(place.text().lines().count(), 2, "nothing is touched");
    assert_eq!(place.note().incarnation, "one");

    OpenOptions::new().write(true).open(&place.config.path).unwrap().set_len(11).unwrap();
    let start = place.initialise().unwrap();
    // A dead run of this store wrote behind what it found: that is cut, and nothing else.
    prepare(&mut place.recover(&start), 1, &place.batch(&["lost"]));
    assert_eq!(place.initialise().unwrap(), start);
    assert_eq!(place.text(), "{\"id\":\"a\"}\n");
}

#[test]
fn a_file_without_its_note_is_not_cut() {
    let place = Place::new();
    let start = place.initialise().unwrap();
    let mut open = place.recover(&start);
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    open.committer.commit(&first).unwrap();
    prepare(&mut open, 2, &place.batch(&["b"]));
    drop(open);

    let note = fs::read(place.note_path()).unwrap();
    fs::remove_file(place.note_path()).unwrap();
    for last in [&start, &first] {
        let error = open_error(&place, last);
        assert!(matches!(error, SinkError::NoteMissing { .. }), "{error}");
        assert!(error.to_string().contains("rows.jsonl.millrace"), "{error}");
        assert!(error.to_string().contains("if_exists"), "{error}");
    }
    assert_eq!(place.text().lines().count(), 2, "nothing is touched");
    fs::write(place.note_path(), note).unwrap();
    place.recover(&first);
    assert_eq!(place.text(), "{\"id\":\"a\"}\n");

    fs::remove_file(&place.config.path).unwrap();
    fs::remove_file(place.note_path()).unwrap();
    assert!(matches!(open_error(&place, &first), SinkError::OutputMissing { .. }));
}

#[test]
fn a_tidied_empty_file_gets_its_note_again() {
    let place = Place::new();
    let start = place.initialise().unwrap();
    fs::remove_file(&place.config.path).unwrap();
    fs::remove_file(place.note_path()).unwrap();
    let mut open = place.open(&start);
    open.committer.discard_beyond(&start).unwrap();
    assert_eq!(place.note().length, 0);
    prepare(&mut open, 1, &place.batch(&["lost"]));
    drop(open);
    place.recover(&start);
    assert_eq!(place.text(), "");
}

#[test]
fn another_file_of_the_same_name_is_not_cut() {
    let place = Place::new();
    let mut open = place.recover(&place.initialise().unwrap());
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    open.committer.commit(&first).unwrap();
    drop(open);
    let other = "something quite different\n";
    fs::write(&place.config.path, other).unwrap();
    let error = place.open(&first).committer.discard_beyond(&first).unwrap_err();
    assert!(matches!(error, SinkError::OtherFile { length: 11, .. }), "{error}");
    assert!(error.to_string().contains("rows.jsonl.millrace"), "{error}");
    assert_eq!(place.text(), other);
}

#[test]
fn an_epoch_that_is_given_up_is_no_longer_noted() {
    let place = Place::new();
    let start = place.initialise().unwrap();
    let mut open = place.recover(&start);
    let first = prepare(&mut open, 1, &place.batch(&["a"]));
    open.committer.commit(&first).unwrap();
    drop(open);
    place.open(&start).committer.discard_beyond(&start).unwrap();
    assert_eq!((place.note().length, place.text().len()), (0, 0));
}

fn open_error(place: &Place, last: &Handle) -> SinkError {
    open(&place.config, &place.context, last).err().expect("a refusal")
}

#[test]
fn changes_that_take_something_back_are_refused() {
    let place = Place::new();
    let mut open = place.recover(&place.initialise().unwrap());
    let mut batch = place.batch(&["a", "b", "c"]);
    let mut meta = RowMeta::clone(&batch.meta);
    let operations = [Operation::Insert, Operation::Delete, Operation::Read];
    meta.operations = Operations::Each(operations.map(|code| code as u8).to_vec().into());
    batch.meta = Arc::new(meta);
    let refused = open.sink.write(&batch).unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].row, 1);
    open.sink.prepare(1).unwrap();
    assert_eq!(place.text(), "{\"id\":\"a\"}\n{\"id\":\"c\"}\n");
}

#[test]
fn what_is_no_file_and_a_note_that_is_none_are_refused() {
    let mut place = Place::new();
    let start = place.initialise().unwrap();
    fs::write(place.note_path(), "?").unwrap();
    assert!(matches!(open_error(&place, &start), SinkError::NoteDamaged { .. }));
    place.config.path = place.folder.path().to_owned();
    assert!(matches!(place.initialise().unwrap_err(), SinkError::NotAFile { .. }));
}

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Decimal64Array, StringArray};
use arrow_buffer::BooleanBuffer;
use tempfile::TempDir;

use super::*;
use crate::record::{Batch, Column, DataType, Field, Operation, Operations, RowMeta, Schema};

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("id", DataType::Text, false),
        Field::new("amount", DataType::Decimal { precision: 18, scale: 2 }, true),
    ])
}

fn batch(ids: &[&str], first_major: i64) -> Batch {
    let rows = ids.len();
    let amounts: Decimal64Array = (0..rows as i64).map(|row| (row > 0).then_some(row)).collect();
    let amounts = amounts.with_precision_and_scale(18, 2).unwrap();
    let columns: [ArrayRef; 2] = [Arc::new(StringArray::from(ids.to_vec())), Arc::new(amounts)];
    Batch {
        schema: Arc::new(schema()),
        columns: columns.into_iter().map(Column::from).collect(),
        meta: Arc::new(RowMeta {
            origin: "test".into(),
            operations: Operations::All(Operation::Insert),
            event_times: None,
            processing_times: vec![0; rows].into(),
            majors: (first_major..first_major + rows as i64).collect::<Vec<_>>().into(),
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

fn sealed(folder: &TempDir, epoch: Epoch, batches: &[Batch]) -> Option<Sealed> {
    let mut writer = SegmentWriter::new("s", folder.path().to_owned(), &schema());
    for batch in batches {
        writer.append(batch).unwrap();
    }
    writer.seal(epoch).unwrap()
}

fn read(folder: &TempDir, sealed: &Sealed) -> Result<Vec<SegmentRows>, SinkError> {
    SegmentReader::open("s", folder.path(), sealed, &schema())?.collect()
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn rows_come_back_as_they_were_with_what_goes_with_them() {
    let folder = TempDir::new().unwrap();
    let mut partial = batch(&["c"], 7);
    partial.columns[1].unchanged = Some(BooleanBuffer::new_set(1));
    let mut meta = RowMeta::clone(&partial.meta);
    meta.operations = Operations::Each(vec![Operation::Update as u8].into());
    meta.minors = Some(vec![3].into());
    partial.meta = Arc::new(meta);

    let sealed = sealed(&folder, 4, &[batch(&["a", "b\0b"], 1), partial]).unwrap();
    assert_eq!((sealed.file.as_str(), sealed.rows), ("00000000000000000004.arrow", 3));
    let batches = read(&folder, &sealed).unwrap();
    let [first, second] = &batches[..] else { panic!("{} batches", batches.len()) };
    assert_eq!(first.columns()[0].as_string::<i32>().value(1), "b\0b");
    assert!(first.columns()[1].is_null(0));
    assert_eq!(first.sequence(1), (2, 0));
    assert_eq!(first.operation(0), Operation::Insert);
    assert!(first.unchanged(0).is_none());
    assert_eq!(second.sequence(0), (7, 3));
    assert_eq!(second.operation(0), Operation::Update);
    let unchanged = second.unchanged(0).unwrap();
    assert_eq!((unchanged.has(0), unchanged.has(1)), (false, true));
}

#[test]
fn a_slice_is_written_as_what_it_shows() {
    let folder = TempDir::new().unwrap();
    let mut sliced = batch(&["a", "b", "c"], 1);
    for column in &mut sliced.columns {
        column.values = column.values.slice(1, 2);
    }
    let mut meta = RowMeta::clone(&sliced.meta);
    meta.majors = meta.majors.slice(1, 2);
    sliced.meta = Arc::new(meta);
    sliced.rows = 2;
    let sealed = sealed(&folder, 1, &[sliced]).unwrap();
    let batches = read(&folder, &sealed).unwrap();
    assert_eq!(batches[0].len(), 2);
    assert_eq!(batches[0].columns()[0].as_string::<i32>().value(0), "b");
    assert_eq!(batches[0].sequence(0), (2, 0));
}

#[test]
fn an_epoch_without_rows_has_no_segment() {
    let folder = TempDir::new().unwrap();
    assert_eq!(sealed(&folder, 1, &[batch(&[], 1)]), None);
    assert!(names(&folder).is_empty());
}

#[test]
fn a_cut_a_grown_and_a_changed_file_are_told_apart_from_a_good_one() {
    let folder = TempDir::new().unwrap();
    let sealed = sealed(&folder, 1, &[batch(&["a", "b"], 1)]).unwrap();
    let path = folder.path().join(&sealed.file);
    let good = fs::read(&path).unwrap();
    let problem = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        match read(&folder, &sealed).err() {
            Some(SinkError::SegmentDamaged { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    };
    assert!(problem(&good[..good.len() - 1]).contains("were written"));
    assert!(problem(&[&good[..], b"x"].concat()).contains("were written"));
    for at in [0, good.len() / 2, good.len() - 1] {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        assert_eq!(problem(&bytes), "the checksum differs");
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(read(&folder, &sealed).unwrap().len(), 1);
}

#[test]
fn a_segment_of_other_columns_is_refused() {
    let folder = TempDir::new().unwrap();
    let sealed = sealed(&folder, 1, &[batch(&["a"], 1)]).unwrap();
    let other = Schema::new(vec![Field::new("id", DataType::Text, false)]);
    let error = SegmentReader::open("s", folder.path(), &sealed, &other).err().unwrap();
    assert!(error.to_string().contains("other columns"), "{error}");
}

#[test]
fn what_no_handle_names_is_removed_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let kept = sealed(&folder, 2, &[batch(&["a"], 1)]).unwrap();
    sealed(&folder, 3, &[batch(&["b"], 2)]).unwrap();
    // A writer that dies without sealing.
    let mut dead = SegmentWriter::new("s", folder.path().to_owned(), &schema());
    dead.append(&batch(&["c"], 3)).unwrap();
    drop(dead);
    let mut other = OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(folder.path().join("notes.txt"))
        .unwrap();
    other.write_all(b"mine").unwrap();

    remove_others("s", folder.path(), Some(&kept.file)).unwrap();
    assert_eq!(names(&folder), [kept.file.as_str(), "notes.txt"]);
    remove_up_to("s", folder.path(), &kept.file).unwrap();
    remove_up_to("s", folder.path(), &kept.file).unwrap();
    assert_eq!(names(&folder), ["notes.txt"]);
}

#[test]
fn confirming_an_epoch_leaves_the_later_ones() {
    let folder = TempDir::new().unwrap();
    let first = sealed(&folder, 9, &[batch(&["a"], 1)]).unwrap();
    let second = sealed(&folder, 10, &[batch(&["b"], 2)]).unwrap();
    let mut open = SegmentWriter::new("s", folder.path().to_owned(), &schema());
    open.append(&batch(&["c"], 3)).unwrap();
    remove_up_to("s", folder.path(), &first.file).unwrap();
    assert_eq!(names(&folder), [second.file.as_str(), UNSEALED]);
    assert!(open.seal(11).unwrap().is_some());
}

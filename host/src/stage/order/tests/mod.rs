//! Rows that wait: their order, their bound, and what they share a batch with.

mod model;
mod saves;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, Int64Array, StringArray};
use arrow_buffer::{BooleanBuffer, Buffer};
use tempfile::TempDir;

use super::*;
use crate::record::{Before, Column, DataType, Field, Operation, Operations, Schema};

const ROOMY: u64 = 1 << 30;

/// A row as it goes in and must come out.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    id: i64,
    time: i64,
    /// `None`: unchanged.
    note: Option<Option<String>>,
    operation: Operation,
    minor: i32,
}

/// What the rows of a batch have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Lane {
    input: usize,
    origin: &'static str,
    base: i64,
}

const PLAIN: Lane = Lane { input: 0, origin: "rows.jsonl", base: 0 };

fn row(id: i64, time: i64) -> Row {
    Row { id, time, note: Some(Some(format!("n{id}"))), operation: Operation::Insert, minor: 0 }
}

fn rows(first_id: i64, times: &[i64]) -> Vec<Row> {
    times.iter().zip(first_id..).map(|(time, id)| row(id, *time)).collect()
}

/// Input 0 has the id first, input 1 a uuid before it.
fn schemas() -> Vec<Arc<Schema>> {
    let id = Field::new("id", DataType::Int64, false);
    let note = Field::new("note", DataType::Text, true);
    let uuid = Field::new("key", DataType::Uuid, false);
    vec![
        Arc::new(Schema::new(vec![id.clone(), note.clone()])),
        Arc::new(Schema::new(vec![uuid, id, note])),
    ]
}

fn batch(from: Lane, rows: &[Row]) -> Batch {
    let ids: Int64Array = rows.iter().map(|row| Some(row.id)).collect();
    let notes: StringArray = rows.iter().map(|row| row.note.clone().flatten()).collect();
    let unchanged = rows.iter().any(|row| row.note.is_none());
    let note = Column {
        values: Arc::new(notes),
        unchanged: unchanged
            .then(|| BooleanBuffer::collect_bool(rows.len(), |at| rows[at].note.is_none())),
    };
    let mut columns = vec![Column::from(Arc::new(ids) as ArrayRef), note];
    if from.input == 1 {
        let keys: Vec<u8> = rows.iter().flat_map(|row| i128::from(row.id).to_le_bytes()).collect();
        let keys = FixedSizeBinaryArray::new(16, Buffer::from(keys), None);
        columns.insert(0, Column::from(Arc::new(keys) as ArrayRef));
    }
    let inserts = rows.iter().all(|row| row.operation == Operation::Insert);
    let codes: Vec<u8> = rows.iter().map(|row| row.operation as u8).collect();
    let minors = rows.iter().any(|row| row.minor != 0);
    let meta = RowMeta {
        origin: from.origin.into(),
        operations: if inserts {
            Operations::All(Operation::Insert)
        } else {
            Operations::Each(codes.into())
        },
        event_times: Some((rows.iter().map(|row| row.time).collect(), None)),
        processing_times: rows.iter().map(|row| row.id + 1).collect(),
        majors: rows.iter().map(|row| row.id + 2).collect(),
        minors: minors.then(|| rows.iter().map(|row| row.minor).collect()),
        mixed: None,
        late: None,
        base: from.base,
    };
    Batch {
        schema: Arc::clone(&schemas()[from.input]),
        columns,
        meta: Arc::new(meta),
        rows: rows.len(),
        selection: None,
        before: None,
    }
}

/// The rows of a batch that left, after checks of what hangs together in it.
fn read(input: usize, batch: &Batch) -> Vec<Row> {
    assert!(batch.selection.is_none() && batch.before.is_none() && batch.meta.late.is_none());
    assert_eq!(batch.schema, schemas()[input]);
    let ids = batch.columns[input].values.as_primitive::<Int64Type>();
    let note = &batch.columns[input + 1];
    let notes = note.values.as_string::<i32>();
    let (times, nulls) = batch.meta.event_times.as_ref().unwrap();
    assert!(nulls.is_none());
    let row = |row: usize| {
        let id = ids.value(row);
        if input == 1 {
            let key = batch.columns[0].values.as_fixed_size_binary().value(row);
            assert_eq!(key, i128::from(id).to_le_bytes());
        }
        assert_eq!((batch.meta.processing_times[row], batch.meta.majors[row]), (id + 1, id + 2));
        let unchanged = note.unchanged.as_ref().is_some_and(|bits| bits.value(row));
        let text = notes.is_valid(row).then(|| notes.value(row).to_owned());
        Row {
            id,
            time: times[row],
            note: (!unchanged).then_some(text),
            operation: batch.meta.operations.get(row),
            minor: batch.meta.sequence(row).1,
        }
    };
    (0..batch.rows).map(row).collect()
}

fn release(buffer: &mut OrderBuffer, watermark: i64) -> Vec<i64> {
    let mut ids = Vec::new();
    while let Some((input, batch)) = buffer.next_released(watermark, 3) {
        ids.extend(read(input, &batch).iter().map(|row| row.id));
    }
    ids
}

fn restored(folder: &TempDir, segments: &[OrderSegment], released: i64) -> OrderBuffer {
    let mut buffer = OrderBuffer::new(ROOMY);
    buffer.restore(folder.path(), segments, &schemas(), released, |_, _| None).unwrap();
    buffer
}

#[test]
fn a_row_at_the_watermark_leaves_with_the_next_release() {
    let mut buffer = OrderBuffer::new(ROOMY);
    buffer.push(0, batch(PLAIN, &rows(0, &[5, 3, 9]))).unwrap();
    assert_eq!(release(&mut buffer, 5), [1, 0]);
    buffer.push(0, batch(PLAIN, &rows(3, &[5, 4, 6]))).unwrap();
    assert_eq!(buffer.earliest(), Some(4));
    assert_eq!(release(&mut buffer, 5), [4, 3]);
    assert_eq!(release(&mut buffer, i64::MAX), [5, 2]);
    assert_eq!((buffer.rows(), buffer.bytes(), buffer.earliest()), (0, 0, None));
}

#[test]
fn rows_of_one_time_leave_in_the_order_of_their_arrival() {
    let mut buffer = OrderBuffer::new(ROOMY);
    for first in [0, 4, 8] {
        buffer.push(0, batch(PLAIN, &rows(first, &[7, 7, 1, 7]))).unwrap();
    }
    assert_eq!(release(&mut buffer, 7), [2, 6, 10, 0, 1, 3, 4, 5, 7, 8, 9, 11]);
}

#[test]
fn few_rows_of_a_large_batch_do_not_keep_it_and_stay_in_order() {
    let mut buffer = OrderBuffer::new(ROOMY);
    let times: Vec<i64> = (0..1_000).map(|row| if row % 100 == 0 { 50 } else { 1 }).collect();
    buffer.push(0, batch(PLAIN, &rows(0, &times))).unwrap();
    buffer.push(0, batch(PLAIN, &rows(1_000, &[50]))).unwrap();
    let before = buffer.bytes();
    assert_eq!(release(&mut buffer, 1).len(), 990);
    assert!(buffer.bytes() * 8 < before, "{} of {before}", buffer.bytes());
    let rows = buffer.chunks[&0].batch.rows;
    assert!(rows <= 40, "{rows}");
    let expected: Vec<i64> = (0..=10).map(|row| row * 100).collect();
    assert_eq!(release(&mut buffer, 50), expected);
}

#[test]
fn a_batch_that_leaves_whole_is_not_copied_and_a_small_piece_that_comes_is() {
    let mut buffer = OrderBuffer::new(ROOMY);
    let times: Vec<i64> = (0..5_000).collect();
    let large = batch(PLAIN, &rows(0, &times));
    let address = |batch: &Batch| batch.columns[0].values.to_data().buffers()[0].as_ptr();
    buffer.push(0, large.clone()).unwrap();
    let (_, same) = buffer.next_released(i64::MAX, 10_000).unwrap();
    assert_eq!(address(&same), address(&large));

    let mut piece = batch(PLAIN, &rows(0, &[1]));
    for (column, whole) in piece.columns.iter_mut().zip(&large.columns) {
        column.values = whole.values.slice(0, 1);
    }
    buffer.push(0, piece).unwrap();
    assert!(buffer.chunks.values().all(|chunk| chunk.batch.bytes() < large.bytes() / 8));
}

#[test]
fn inputs_do_not_share_a_batch_and_rows_keep_their_origins() {
    let mut buffer = OrderBuffer::new(ROOMY);
    let froms = [
        PLAIN,
        Lane { origin: "other.jsonl", ..PLAIN },
        Lane { base: 7, ..PLAIN },
        Lane { input: 1, ..PLAIN },
    ];
    for (from, first) in froms.into_iter().zip([0, 10, 20, 30]) {
        buffer.push(from.input, batch(from, &rows(first, &[1, 2]))).unwrap();
    }
    // The same origin as a text of its own.
    buffer.push(1, batch(froms[3], &rows(40, &[2]))).unwrap();
    let mut found = Vec::new();
    while let Some((input, batch)) = buffer.next_released(2, 100) {
        let ids: Vec<i64> = read(input, &batch).iter().map(|row| row.id).collect();
        let origin = |row| {
            let (origin, base) = batch.meta.origin_of(row);
            format!("{origin}-{base}")
        };
        found.push((input, (0..batch.rows).map(origin).collect::<Vec<_>>().join(" "), ids));
    }
    let several = "rows.jsonl-0 other.jsonl-0 rows.jsonl-7".to_owned();
    let expected = [
        (0, several.clone(), vec![0, 10, 20]),
        (1, "rows.jsonl-0".to_owned(), vec![30]),
        (0, several, vec![1, 11, 21]),
        (1, "rows.jsonl-0 rows.jsonl-0".to_owned(), vec![31, 40]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn dead_rows_before_images_and_empty_batches_do_not_wait() {
    let mut buffer = OrderBuffer::new(ROOMY);
    buffer.push(0, batch(PLAIN, &[])).unwrap();
    assert_eq!((buffer.rows(), buffer.bytes()), (0, 0));
    let mut partly = batch(PLAIN, &rows(0, &[1, 2]));
    partly.before =
        Some(Before { present: BooleanBuffer::new_set(2), columns: partly.columns.clone() });
    partly.select(&BooleanBuffer::collect_bool(2, |row| row == 1));
    buffer.push(0, partly).unwrap();
    assert_eq!(release(&mut buffer, 2), [1]);
}

#[test]
fn a_batch_beyond_the_bound_is_refused_whole() {
    let mut buffer = OrderBuffer::new(ROOMY);
    buffer.push(0, batch(PLAIN, &rows(0, &[5_000_000, 1_000_000]))).unwrap();
    let mut buffer = OrderBuffer::new(buffer.bytes() + 100);
    buffer.push(0, batch(PLAIN, &rows(0, &[5_000_000, 1_000_000]))).unwrap();
    let bytes = buffer.bytes();
    let error = buffer.push(0, batch(PLAIN, &rows(2, &[9_000_000, 2_000_000]))).unwrap_err();
    let OrderError::Full { rows, bytes: wanted, max_bytes, earliest, latest } = &error else {
        panic!("{error}");
    };
    assert_eq!((*rows, *earliest, *latest), (4, 1_000_000, 9_000_000));
    assert!(wanted > max_bytes);
    let text = error.to_string();
    assert!(text.contains("from 1970-01-01T00:00:01") && text.contains("disorder"), "{text}");
    assert_eq!((buffer.rows(), buffer.bytes()), (2, bytes));
    assert_eq!(release(&mut buffer, i64::MAX), [1, 0]);
}

#[test]
fn a_row_without_an_event_time_is_named() {
    let mut buffer = OrderBuffer::new(ROOMY);
    let mut untimed = batch(PLAIN, &rows(0, &[1, 2]));
    let mut meta = RowMeta::clone(&untimed.meta);
    let times = meta.event_times.take().unwrap().0;
    meta.event_times = Some((times, Some(vec![true, false].into())));
    let second = meta.position(1);
    untimed.meta = Arc::new(meta);
    let error = buffer.push(0, untimed).unwrap_err();
    assert!(error.to_string().contains(&second), "{error}");
    assert_eq!(buffer.rows(), 0);
}

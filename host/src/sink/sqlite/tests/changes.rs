//! Updates, deletes and truncates in upsert mode.

use arrow_buffer::BooleanBuffer;

use super::*;
use crate::record::Operation::{Delete, Insert, Truncate, Update};

#[test]
fn the_later_sequence_wins_within_an_epoch_and_across_epochs() {
    let place = Place::new(WriteMode::Upsert);
    let mut open = place.open(&place.initialise().unwrap());
    let first = place.batch(&[
        (Insert, "a", Some(100), 5),
        (Update, "a", Some(200), 7),
        (Update, "a", Some(300), 6),
        (Insert, "b", Some(1), 8),
    ]);
    pass(&mut open, 1, &first);
    assert_eq!(place.rows(), ["a=2.00", "b=0.01"]);
    let second = place.batch(&[
        (Update, "a", Some(400), 4),
        (Update, "b", None, 8),
        (Insert, "c", Some(-5), 9),
    ]);
    pass(&mut open, 2, &second);
    assert_eq!(place.rows(), ["a=2.00", "b=-", "c=-0.05"]);
}

#[test]
fn deletes_and_truncates_remove_what_is_not_newer() {
    let place = Place::new(WriteMode::Upsert);
    let mut open = place.open(&place.initialise().unwrap());
    let rows = [
        (Insert, "a", Some(1), 5),
        (Insert, "b", Some(2), 6),
        (Delete, "a", None, 7),
        (Delete, "b", None, 4),
        (Delete, "never there", None, 8),
    ];
    pass(&mut open, 1, &place.batch(&rows));
    assert_eq!(place.rows(), ["b=0.02"]);
    let rows = [(Insert, "c", Some(3), 20), (Truncate, "", None, 10)];
    pass(&mut open, 2, &place.batch(&rows));
    assert_eq!(place.rows(), ["c=0.03"]);
}

#[test]
fn an_unchanged_column_keeps_the_stored_value() {
    let place = Place::new(WriteMode::Upsert);
    let mut open = place.open(&place.initialise().unwrap());
    pass(&mut open, 1, &place.batch(&[(Insert, "a", Some(150), 1)]));
    let partial = |id, major| {
        let mut batch = place.batch(&[(Update, id, None, major)]);
        batch.columns[1].unchanged = Some(BooleanBuffer::new_set(1));
        batch
    };
    pass(&mut open, 2, &partial("a", 2));
    pass(&mut open, 3, &partial("new", 3));
    assert_eq!(place.rows(), ["a=1.50", "new=-"]);
    pass(&mut open, 4, &place.batch(&[(Update, "a", Some(1), 1)]));
    assert_eq!(place.rows(), ["a=1.50", "new=-"], "the partial update's sequence is stored");
}

#[test]
fn a_partial_update_without_its_row_halts_where_null_would_be_wrong() {
    let fields = vec![
        Field::new("id", DataType::Text, false),
        Field::new("amount", DataType::Decimal { precision: 18, scale: 2 }, false),
    ];
    let schema = Schema { key: vec![0], ..Schema::new(fields) };
    let place = Place::with_schema(WriteMode::Upsert, schema);
    let mut open = place.open(&place.initialise().unwrap());
    pass(&mut open, 1, &place.batch(&[(Insert, "a", Some(150), 1)]));
    let mut partial = place.batch(&[(Update, "a", None, 2)]);
    partial.columns[1].unchanged = Some(BooleanBuffer::new_set(1));
    pass(&mut open, 2, &partial);
    assert_eq!(place.rows(), ["a=1.50"]);
    let mut partial = place.batch(&[(Update, "b", None, 3)]);
    partial.columns[1].unchanged = Some(BooleanBuffer::new_set(1));
    let handle = prepare(&mut open, 3, &partial);
    let error = open.committer.commit(&handle).unwrap_err();
    assert!(matches!(&error, SinkError::NoStoredRow { column, .. } if column == "amount"));
    assert_eq!(place.texts("SELECT CAST(epoch AS TEXT) FROM _millrace_commits"), ["2"]);
}

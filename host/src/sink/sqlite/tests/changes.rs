//! Updates, deletes and truncates in upsert mode.

use arrow_buffer::BooleanBuffer;

use super::*;
use crate::record::Operation::{Delete, Insert, Read, Truncate, Update};

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

/// A batch of one change whose amount is unchanged.
fn partial(place: &Place, operation: Operation, id: &str, major: i64) -> Batch {
    let mut batch = place.batch(&[(operation, id, None, major)]);
    batch.columns[1].unchanged = Some(BooleanBuffer::new_set(1));
    batch
}

/// What is kept beside the table.
fn unplaced(place: &Place) -> Vec<String> {
    place.texts(
        "SELECT pipeline || ' ' || sink || ' ' || table_name || ' ' || \"key\" || ' ' || \"row\"
             || ' ' || major || ' ' || minor || ' ' || epoch
         FROM _millrace_unplaced ORDER BY major",
    )
}

#[test]
fn an_unchanged_column_keeps_the_stored_value() {
    let place = Place::new(WriteMode::Upsert);
    let mut open = place.open(&place.initialise().unwrap());
    pass(&mut open, 1, &place.batch(&[(Insert, "a", Some(150), 1)]));
    pass(&mut open, 2, &partial(&place, Update, "a", 2));
    assert_eq!(place.rows(), ["a=1.50"]);
    pass(&mut open, 3, &place.batch(&[(Update, "a", Some(1), 1)]));
    assert_eq!(place.rows(), ["a=1.50"], "the partial update's sequence is stored");
    // The row that it completes may come in the same epoch.
    let mut batch = place.batch(&[(Insert, "b", Some(200), 4), (Update, "b", None, 5)]);
    batch.columns[1].unchanged = Some(BooleanBuffer::from(vec![false, true]));
    pass(&mut open, 4, &batch);
    assert_eq!(place.rows(), ["a=1.50", "b=2.00"]);
    let tables = "SELECT name FROM sqlite_schema WHERE name = '_millrace_unplaced'";
    assert!(place.texts(tables).is_empty(), "nothing was to be kept");
}

#[test]
fn an_update_that_finds_no_row_is_kept_beside_the_table_once() {
    let nullable = Place::new(WriteMode::Upsert);
    let fields = vec![
        Field::new("id", DataType::Text, false),
        Field::new("amount", DataType::Decimal { precision: 18, scale: 2 }, false),
    ];
    let schema = Schema { key: vec![0], ..Schema::new(fields) };
    for place in [nullable, Place::with_schema(WriteMode::Upsert, schema)] {
        let mut open = place.open(&place.initialise().unwrap());
        pass(&mut open, 1, &place.batch(&[(Insert, "a", Some(150), 1)]));
        let handle = prepare(&mut open, 2, &partial(&place, Update, "new\n", 2));
        for _ in 0..2 {
            assert_eq!(open.committer.commit(&handle).unwrap(), Committed::Done);
        }
        // What was deleted has no row either.
        pass(&mut open, 3, &place.batch(&[(Delete, "a", Some(0), 3)]));
        pass(&mut open, 4, &partial(&place, Update, "a", 4));
        assert!(place.rows().is_empty());
        assert_eq!(
            unplaced(&place),
            [
                r#"p s wagers {"id":"new\n"} {"id":"new\n"} 2 0 2"#,
                r#"p s wagers {"id":"a"} {"id":"a"} 4 0 4"#,
            ]
        );
        pass(&mut open, 5, &place.batch(&[(Insert, "a", Some(5), 5)]));
        assert_eq!(place.rows(), ["a=0.05"]);
    }
}

#[test]
fn what_is_kept_beside_a_table_goes_when_the_table_is_emptied() {
    let mut place = Place::new(WriteMode::Upsert);
    let mut open = place.open(&place.initialise().unwrap());
    pass(&mut open, 1, &partial(&place, Update, "a", 1));
    drop(open);
    assert_eq!(unplaced(&place).len(), 1);
    place.context.incarnation = "two".to_owned();
    place.config.if_exists = IfExists::Replace;
    place.initialise().unwrap();
    assert!(unplaced(&place).is_empty());
}

#[test]
fn a_new_row_without_all_of_its_values_is_refused_before_the_checkpoint() {
    let place = Place::new(WriteMode::Upsert);
    let mut open = place.open(&place.initialise().unwrap());
    for operation in [Insert, Read] {
        let refused = open.sink.write(&partial(&place, operation, "a", 1)).unwrap();
        let [refusal] = &*refused else { panic!("{refused:?}") };
        assert_eq!(refusal.column.as_deref(), Some("amount"));
        assert!(refusal.reason.contains("REPLICA IDENTITY FULL"), "{}", refusal.reason);
        assert!(refusal.reason.contains("reselecting"), "{}", refusal.reason);
    }
    let handle = open.sink.prepare(1).unwrap().handle;
    assert_eq!(open.committer.commit(&handle).unwrap(), Committed::Done);
    assert!(place.rows().is_empty());
}

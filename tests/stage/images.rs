//! Before images, and values that the source did not send.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_buffer::BooleanBuffer;
use millrace::record::{Batch, Before, Column, Operation, Schema};
use serde_json::json;

use super::support::{Row, batch, contract, open, places, revenue, row, schema, through};
use Operation::{Delete, Insert, Update};

/// Updates of these numbers, whose before images have 100 more; rows of `without` have none.
fn updates(numbers: std::ops::Range<i64>, without: &[i64], schema: &Arc<Schema>) -> Batch {
    let rows: Vec<Row> = numbers.clone().map(|number| row(number, Update)).collect();
    let before: Vec<Row> = numbers.clone().map(|number| row(number + 100, Update)).collect();
    let present: BooleanBuffer = numbers.map(|number| !without.contains(&number)).collect();
    let columns = batch(&before, schema, 2).columns;
    Batch { before: Some(Before { present, columns }), ..batch(&rows, schema, 3) }
}

fn ids(column: &Column) -> Vec<i64> {
    column.values.as_primitive::<Int64Type>().values().to_vec()
}

#[test]
fn an_update_follows_which_of_its_images_are_kept() {
    // After images of an even index are kept, and before images of every third.
    let params =
        json!({"do": "echo", "extras": ["before"], "keep": "even", "keep_before": "thirds"});
    let schema = schema(false);
    let mut stage = open(contract(params.clone(), &schema));
    let (made, letters) = through(&mut stage, updates(0..10, &[5, 6], &schema));
    assert!(letters.is_empty());
    assert_eq!(
        places(&made),
        [
            "update test:0",
            // Neither image of 1 and 7 is kept: the target never had the row.
            "update test:2",
            "delete test:3",
            "update test:4",
            // What the row was before is not known: the target may have it.
            "delete test:5",
            "update test:6",
            "update test:8",
            "delete test:9",
        ]
    );
    let appended = super::support::schema(true);
    let mut stage = open(contract(params, &appended));
    let (made, _) = through(&mut stage, updates(0..4, &[], &appended));
    assert_eq!(places(&made), ["update test:0", "update test:2"]);
}

#[test]
fn before_images_go_through_beside_the_after_images_and_past_dead_rows() {
    let schema = schema(false);
    let mut stage = open(contract(json!({"do": "echo", "extras": ["before"]}), &schema));
    let mut wagers = updates(0..6, &[2], &schema);
    wagers.selection = Some(BooleanBuffer::from(vec![true, false, true, true, true, false]));
    let (made, _) = through(&mut stage, wagers);
    assert_eq!(places(&made), ["update test:0", "update test:2", "update test:3", "update test:4"]);
    let before = made.before.expect("both images went through");
    assert_eq!(before.columns.len(), made.schema.fields.len());
    for row in [0, 3, 4] {
        assert!(before.present.value(row));
        assert_eq!(ids(&before.columns[0])[row], row as i64 + 100);
        assert_eq!(ids(&made.columns[0])[row], row as i64);
    }
    assert!(!before.present.value(2));
}

#[test]
fn a_transform_that_asks_for_no_before_images_leaves_none_that_do_not_fit_its_columns() {
    let schema = schema(false);
    let first = revenue(&schema);
    let params = json!({"do": "echo", "extras": ["before"]});
    let mut second = open(contract(params, &first.outputs[0]));
    let (made, _) = through(&mut open(first), updates(0..4, &[1], &schema));
    if let Some(before) = &made.before {
        assert_eq!(before.columns.len(), made.schema.fields.len());
    }
    // Nor does a stage behind it that asks for them stumble.
    let (made, letters) = through(&mut second, made);
    assert!(letters.is_empty());
    assert_eq!(made.selected(), 4);
}

/// Numbers of which those in `unsent` did not come.
fn unsent(rows: i64, unsent: &[i64]) -> Column {
    let sent = |number: &i64| !unsent.contains(number);
    let values: Int64Array = (0..rows).map(|number| sent(&number).then_some(number)).collect();
    let values: ArrayRef = Arc::new(values);
    Column { values, unchanged: Some((0..rows).map(|number| !sent(&number)).collect()) }
}

fn unsent_rows(column: &Column) -> Vec<usize> {
    column.unchanged.as_ref().map_or(Vec::new(), |bits| bits.set_indices().collect())
}

#[test]
fn unchanged_is_kept_by_a_transform_that_gives_the_column_back() {
    let schema = schema(false);
    let mut stage = open(contract(json!({"do": "echo"}), &schema));
    let rows: Vec<Row> = (0..11).map(|number| row(number, Update)).collect();
    let mut wagers = batch(&rows, &schema, 0);
    wagers.columns[2] = unsent(11, &[1, 4, 9]);
    let (made, _) = through(&mut stage, wagers.clone());
    assert_eq!(unsent_rows(&made.columns[2]), [1, 4, 9]);
    assert!(made.columns[2].values.is_null(4));
    // Past dead rows the bits are gathered for the way there, and spread out on the way back.
    wagers.selection = Some((0..11).map(|row| row != 0 && row != 9).collect());
    let (made, _) = through(&mut stage, wagers);
    let living = |row: &usize| ![0, 9].contains(row);
    let rows: Vec<usize> = unsent_rows(&made.columns[2]).into_iter().filter(living).collect();
    assert_eq!(rows, [1, 4]);
    let numbers = made.columns[2].values.as_primitive::<Int64Type>();
    assert_eq!((numbers.value(3), numbers.value(10)), (3, 10));
}

#[test]
fn unchanged_is_kept_in_columns_that_a_transform_does_not_read() {
    let schema = schema(false);
    let rows = [row(0, Update), row(1, Delete), row(2, Insert), row(3, Update)];
    let mut wagers = batch(&rows, &schema, 0);
    wagers.columns[1].unchanged = Some(BooleanBuffer::from(vec![true, true, false, false]));
    let (made, letters) = through(&mut open(revenue(&schema)), wagers);
    assert!(letters.is_empty());
    assert_eq!(places(&made), ["update test:0", "delete test:1", "insert test:2", "update test:3"]);
    assert_eq!(unsent_rows(&made.columns[1]), [0, 1]);
}

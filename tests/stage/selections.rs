//! Dead rows never cross and stay dead, whatever else becomes of their batch.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use millrace::record::Operation;
use serde_json::json;

use super::support::{
    Row, batch, contract, open, places, refused, revenue, row, schema, shown, through, uncounted,
};
use Operation::{Delete, Insert, Truncate, Update};

fn dead(row: Row) -> Row {
    Row { living: false, ..row }
}

#[test]
fn dead_rows_are_neither_refused_nor_revived() {
    for append_only in [true, false] {
        let schema = schema(append_only);
        let rows = [
            row(1, Insert),
            dead(refused(2, Insert)),
            dead(uncounted(3, Update)),
            row(4, Update),
            dead(row(5, Delete)),
            dead(row(6, Truncate)),
            row(7, Insert),
            row(8, Delete),
        ];
        let (made, letters) = through(&mut open(revenue(&schema)), batch(&rows, &schema, 9));
        assert!(letters.is_empty());
        assert_eq!(
            places(&made),
            ["insert test:1", "update test:4", "insert test:7", "delete test:8"]
        );
    }
}

#[test]
fn the_guest_counts_living_rows_only_and_their_order_stays() {
    let schema = schema(false);
    let mut stage = open(contract(json!({"do": "echo", "keep": "even"}), &schema));
    let rows: Vec<Row> =
        (0..40).map(|number| Row { living: number % 4 != 1, ..row(number, Insert) }).collect();
    let (made, _) = through(&mut stage, batch(&rows, &schema, 3));
    let living = rows.iter().filter(|row| row.living);
    let expected: Vec<String> =
        living.step_by(2).map(|row| format!("insert test:{}", row.number)).collect();
    assert_eq!(places(&made), expected);
    let crossed = batch(&rows, &schema, 0);
    let echoed: Vec<String> = shown(&crossed).into_iter().step_by(2).collect();
    assert_eq!(shown(&made), echoed);
}

#[test]
fn a_batch_that_is_mostly_dead_comes_to_the_same() {
    let schema = schema(false);
    let mut stage = open(revenue(&schema));
    let mut rows: Vec<Row> = (0..33).map(|number| dead(refused(number, Insert))).collect();
    rows[5] = row(5, Insert);
    rows[17] = uncounted(17, Update);
    rows[32] = row(32, Delete);
    let (made, letters) = through(&mut stage, batch(&rows, &schema, 1));
    assert!(letters.is_empty());
    assert_eq!(places(&made), ["insert test:5", "delete test:17", "delete test:32"]);
}

#[test]
fn a_batch_without_a_living_row_makes_nothing() {
    let schema = schema(false);
    let mut stage = open(revenue(&schema));
    let rows = [dead(refused(1, Insert)), dead(uncounted(2, Update)), dead(row(3, Delete))];
    let (made, letters) = through(&mut stage, batch(&rows, &schema, 0));
    assert!(letters.is_empty() && made.selected() == 0);
}

#[test]
fn slices_are_read_from_where_they_begin() {
    let schema = schema(false);
    let mut stage = open(revenue(&schema));
    let rows: Vec<Row> = (0..19)
        .map(|number| Row { bet: (number % 3 != 0).then_some(number * 100), ..row(number, Insert) })
        .collect();
    let whole = through(&mut stage, batch(&rows, &schema, 0)).0;
    for pad in [1, 7, 8, 13] {
        let sliced = through(&mut stage, batch(&rows, &schema, pad)).0;
        assert_eq!(shown(&sliced), shown(&whole));
        let ids = sliced.columns[0].values.as_primitive::<Int64Type>().values();
        assert_eq!(ids.to_vec(), (0..19).collect::<Vec<i64>>());
    }
}

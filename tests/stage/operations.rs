//! What each operation comes to: mapped, left out, passed by, or turned into a delete.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use millrace::record::{Batch, Operation, Operations};
use millrace::telemetry::NodeCounters;
use serde_json::json;

use super::support::{
    batch, contract, open, open_counted, places, refused, revenue, row, schema, shown, through,
    uncounted,
};
use Operation::{Delete, Insert, Read, Truncate, Update};

/// The places of the columns that `wager_revenue` adds.
const ADDED: std::ops::Range<usize> = 6..10;

#[test]
fn inserts_reads_and_updates_are_mapped_and_keep_their_order_and_operation() {
    for append_only in [true, false] {
        let schema = schema(append_only);
        let rows = [row(1, Insert), row(2, Read), row(3, Update), row(4, Insert)];
        let (made, letters) = through(&mut open(revenue(&schema)), batch(&rows, &schema, 3));
        assert!(letters.is_empty());
        assert_eq!(
            places(&made),
            ["insert test:1", "read test:2", "update test:3", "insert test:4"]
        );
        assert!(shown(&made).iter().all(|row| row.contains("\"net_amount\":7.50")), "{made:?}");
    }
}

#[test]
fn an_insert_or_a_read_that_is_left_out_is_gone() {
    for append_only in [true, false] {
        let schema = schema(append_only);
        let rows = [uncounted(1, Insert), row(2, Insert), uncounted(3, Read)];
        let (made, letters) = through(&mut open(revenue(&schema)), batch(&rows, &schema, 0));
        assert!(letters.is_empty());
        assert_eq!(places(&made), ["insert test:2"]);
    }
}

#[test]
fn an_update_that_is_left_out_becomes_a_delete_of_its_key() {
    let schema = schema(false);
    let mut stage = open(revenue(&schema));
    let rows = [row(1, Insert), uncounted(2, Update), row(3, Update), uncounted(4, Insert)];
    let (made, _) = through(&mut stage, batch(&rows, &schema, 0));
    assert_eq!(places(&made), ["insert test:1", "delete test:2", "update test:3"]);
    assert_eq!(shown(&made)[1], "delete test:2 2");
    // The same where the whole batch has one operation.
    let rows = [row(5, Update), uncounted(6, Update)];
    let made = through(&mut stage, batch(&rows, &schema, 0)).0;
    assert_eq!(places(&made), ["update test:5", "delete test:6"]);
    let made = through(&mut stage, batch(&[uncounted(7, Update)], &schema, 0)).0;
    assert_eq!(shown(&made), ["delete test:7 7"]);
}

#[test]
fn an_update_that_is_left_out_of_what_only_appends_is_gone() {
    let schema = schema(true);
    let rows = [row(1, Update), uncounted(2, Update), uncounted(3, Insert)];
    let (made, _) = through(&mut open(revenue(&schema)), batch(&rows, &schema, 0));
    assert_eq!(places(&made), ["update test:1"]);
}

#[test]
fn deletes_and_truncates_pass_by_with_their_columns_and_null_in_the_added_ones() {
    for append_only in [true, false] {
        let schema = schema(append_only);
        // The function would refuse or leave out these very values.
        let rows = [refused(1, Delete), row(2, Insert), uncounted(3, Delete), refused(4, Truncate)];
        let (made, letters) = through(&mut open(revenue(&schema)), batch(&rows, &schema, 5));
        assert!(letters.is_empty());
        assert_eq!(
            places(&made),
            ["delete test:1", "insert test:2", "delete test:3", "truncate test:4"]
        );
        assert_eq!(made.columns[0].values.as_primitive::<Int64Type>().values(), &[1, 2, 3, 4]);
        for column in &made.columns[ADDED] {
            let null: Vec<bool> = (0..4).map(|row| column.values.is_null(row)).collect();
            assert_eq!(null, [true, false, true, true]);
        }
    }
}

#[test]
fn a_batch_of_which_no_row_crosses_passes_by_whole() {
    let schema = schema(false);
    let mut stage = open(revenue(&schema));
    for operation in [Delete, Truncate] {
        let rows = [refused(1, operation), refused(2, operation)];
        let (made, letters) = through(&mut stage, batch(&rows, &schema, 2));
        assert!(letters.is_empty());
        assert_eq!(made.selected(), 2);
        assert_eq!(made.columns[0].values.as_primitive::<Int64Type>().values(), &[1, 2]);
        assert!(made.columns[ADDED].iter().all(|column| column.values.null_count() == 2));
        assert!(made.columns[ADDED.start + 1].values.as_primitive_opt::<Int32Type>().is_some());
    }
    let (made, _) = through(&mut stage, batch(&[], &schema, 0));
    assert_eq!((made.rows, made.selected()), (0, 0));
}

#[test]
fn a_transform_that_takes_deletes_sees_them() {
    let schema = schema(false);
    let mut stage = open(contract(json!({"do": "echo", "keep": "even"}), &schema));
    let rows = [row(1, Delete), row(2, Delete), row(3, Truncate), row(4, Update), row(5, Update)];
    let (made, _) = through(&mut stage, batch(&rows, &schema, 0));
    assert_eq!(
        places(&made),
        ["delete test:1", "truncate test:3", "delete test:4", "update test:5"]
    );
}

#[test]
fn one_operation_for_all_or_one_for_each_is_the_same() {
    let schema = schema(false);
    let mut stage = open(revenue(&schema));
    for operation in [Insert, Update, Delete, Truncate, Read] {
        let rows = [row(1, operation), uncounted(2, operation), refused(3, operation)];
        let one = batch(&rows, &schema, 0);
        let codes = Operations::Each(one.meta.operations.codes(one.rows));
        let mut meta = (*one.meta).clone();
        meta.operations = codes;
        let each = Batch { meta: Arc::new(meta), ..one.clone() };
        let (one, one_letters) = through(&mut stage, one);
        let (each, each_letters) = through(&mut stage, each);
        assert_eq!(shown(&one), shown(&each));
        assert_eq!(one_letters, each_letters);
    }
}

#[test]
fn what_becomes_of_rows_is_counted() {
    let schema = schema(false);
    let counters: Arc<NodeCounters> = Arc::default();
    let mut stage = open_counted(revenue(&schema), &counters);
    let mut dead = row(7, Insert);
    dead.living = false;
    let rows = [
        row(1, Insert),
        uncounted(2, Insert),
        uncounted(3, Update),
        refused(4, Insert),
        row(5, Delete),
        row(6, Update),
        dead,
    ];
    through(&mut stage, batch(&rows, &schema, 0));
    let counted = [
        &counters.batches,
        &counters.rows_in,
        &counters.rows_out,
        &counters.filtered,
        &counters.rejected,
    ];
    // The update that became a delete goes on.
    assert_eq!(counted.map(NodeCounters::get), [1, 6, 4, 1, 1]);
}

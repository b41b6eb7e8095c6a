//! Rows that a transform makes: their ports, their places, and how their sequence goes on.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use millrace::record::{Batch, Operation};
use millrace::stage::{Numbering, Stage, StageOutput};
use millrace::telemetry::Clock;
use serde_json::json;

use super::support::{NOW, batch, contract, places, row, schema, tables};
use Operation::{Insert, Update};

fn emitting(emitted: i64) -> Stage {
    let config = contract(json!({"do": "emit"}), &schema(false));
    Stage::open(config, Arc::default(), Clock::Fixed(NOW), Numbering::alone(emitted))
        .expect("the stage opens")
}

fn apply(stage: &mut Stage, numbers: &[i64]) -> StageOutput {
    let rows: Vec<_> = numbers.iter().map(|number| row(*number, Update)).collect();
    stage.apply(0, batch(&rows, &schema(false), 1), &tables()).expect("the stage goes on")
}

fn majors(batch: &Batch) -> Vec<i64> {
    batch.meta.majors.to_vec()
}

#[test]
fn sequences_go_on_from_where_they_were() {
    let mut stage = emitting(100);
    let output = apply(&mut stage, &[0, 1, 2, 3]);
    let ports: Vec<usize> = output.batches.iter().map(|(port, _)| *port).collect();
    assert_eq!(ports, [0, 1]);
    assert_eq!(majors(&output.batches[0].1), [100, 101]);
    assert_eq!(majors(&output.batches[1].1), [102, 103, 104, 105]);
    assert_eq!(stage.emitted(), 106);
    let output = apply(&mut stage, &[4]);
    assert_eq!(majors(&output.batches[0].1), [106]);
    assert_eq!(majors(&output.batches[1].1), [107]);
    assert_eq!(stage.emitted(), 108);
    // Opened again from there, it says what it would have said.
    let mut again = emitting(106);
    let repeated = apply(&mut again, &[4]);
    assert_eq!(majors(&repeated.batches[1].1), majors(&output.batches[1].1));
    assert_eq!(again.emitted(), stage.emitted());
}

#[test]
fn rows_of_its_own_have_its_operations_times_and_name() {
    let mut stage = emitting(7);
    let output = apply(&mut stage, &[4, 1, 6]);
    let (evens, all) = (&output.batches[0].1, &output.batches[1].1);
    // The guest says the remainder by five as the operation's code.
    assert_eq!(places(evens), ["read contract#:7", "update contract#:8"]);
    assert_eq!(places(all), ["insert contract#:9", "insert contract#:10", "insert contract#:11"]);
    assert_eq!(evens.schema.key, [0]);
    assert!(!evens.schema.append_only);
    assert_eq!(all.columns[0].values.as_primitive::<Int64Type>().values(), &[4, 1, 6]);
    // The last row's moment is the call's.
    assert_eq!(evens.meta.processing_times.to_vec(), [NOW + 6, NOW + 6]);
    let (times, nulls) = evens.meta.event_times.as_ref().expect("the port has event times");
    assert_eq!(times[0], 4_000);
    assert!(nulls.as_ref().is_some_and(|nulls| nulls.is_valid(0) && nulls.is_null(1)));
    assert!(all.meta.event_times.is_none() && all.before.is_none());
}

#[test]
fn rows_that_it_refuses_are_letters_and_dead_rows_are_not_seen() {
    let mut stage = emitting(0);
    let mut rows = [row(-1, Insert), row(-2, Insert), row(2, Insert)];
    rows[0].living = false;
    let schema = schema(false);
    let output = stage.apply(0, batch(&rows, &schema, 0), &tables()).expect("the stage goes on");
    let letters: Vec<_> = output
        .rejected
        .iter()
        .map(|letter| (letter.position.as_str(), letter.reason.as_str(), letter.column.as_deref()))
        .collect();
    assert_eq!(letters, [("test:-2", "-2 is negative", Some("id"))]);
    let all = &output.batches[1].1;
    assert_eq!(all.columns[0].values.as_primitive::<Int64Type>().values(), &[-2, 2]);
}

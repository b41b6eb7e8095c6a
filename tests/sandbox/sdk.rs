//! A guest on the SDK's row functions: what comes beside columns, and a panic that names its row.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_buffer::NullBuffer;
use millrace::record::{Column, DataType};
use millrace::sandbox::{Call, Instance, Mapped, Outcome, Place, SandboxError};
use serde_json::json;

use super::support::{artifact, call, context, has_ended, id};

fn guest() -> Instance {
    artifact("sdk_guest.wasm").open(&context(json!({}), id())).expect("the guest opens")
}

fn numbers(ids: Vec<i64>) -> Vec<Column> {
    let ids: ArrayRef = Arc::new(Int64Array::from(ids));
    vec![ids.into()]
}

/// Lets the guest see inserts of these ids, all without an event time.
fn see(guest: &mut Instance, ids: Vec<i64>) -> Result<Outcome, SandboxError> {
    let (columns, rows) = (numbers(ids.clone()), ids.len());
    let call = Call {
        operations: Some(vec![0; rows].into()),
        event_times: Some((vec![0; rows].into(), Some(NullBuffer::new_null(rows)))),
        ..call(&columns)
    };
    guest.process(call)
}

fn mapped(outcome: Outcome) -> Mapped {
    match outcome {
        Outcome::Mapped { mapped, rejected } if rejected.is_empty() => mapped,
        other => panic!("rows were rejected or emitted: {other:?}"),
    }
}

fn texts(column: &Column) -> Vec<Option<&str>> {
    column.values.as_string::<i32>().iter().collect()
}

#[test]
fn event_times_and_operations_reach_a_row_function() {
    let mut guest = guest();
    let input = &guest.description().inputs[0];
    assert!(input.extras.event_times && input.extras.operations);
    assert!(!input.extras.processing_times && !input.extras.before);
    let fields = &guest.description().outputs[0].fields;
    let types: Vec<DataType> = fields.iter().map(|field| field.data_type).collect();
    assert_eq!(types, [DataType::Text, DataType::Json, DataType::Timestamp]);

    let columns = numbers(vec![7, 8, 9]);
    let nulls = NullBuffer::from(vec![true, false, true]);
    let call = Call {
        operations: Some(vec![0, 1, 4].into()),
        event_times: Some((vec![1_000, 0, -5].into(), Some(nulls))),
        ..call(&columns)
    };
    let answer = mapped(guest.process(call).expect("the guest answers"));
    assert!(answer.after.kept.is_none());
    let [label, details, at] = &answer.after.columns[..] else { panic!("three columns") };
    assert_eq!(texts(label), [Some("insert 7"), Some("update 8"), Some("read 9")]);
    assert_eq!(
        texts(details),
        [Some(r#"[7,"insert"]"#), Some(r#"[8,"update"]"#), Some(r#"[9,"read"]"#)]
    );
    let at = at.values.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(at.iter().collect::<Vec<_>>(), [Some(1_000), None, Some(-5)]);
}

#[test]
fn event_times_that_every_row_has_come_without_a_bitmap() {
    let mut guest = guest();
    let columns = numbers(vec![1, 2]);
    let call = Call {
        operations: Some(vec![0, 0].into()),
        event_times: Some((vec![5, 6].into(), None)),
        ..call(&columns)
    };
    let answer = mapped(guest.process(call).expect("the guest answers"));
    let at = answer.after.columns[2].values.as_primitive::<TimestampMicrosecondType>();
    assert_eq!(at.null_count(), 0);
    assert_eq!(at.values(), &[5_i64, 6][..]);
}

#[test]
fn what_a_row_function_counts_adds_up() {
    let mut guest = guest();
    for rows in [3, 0, 17] {
        let answer = mapped(see(&mut guest, (0..rows).collect()).expect("the guest answers"));
        assert_eq!(answer.after.columns[0].values.len(), usize::try_from(rows).expect("few"));
    }
    assert_eq!(guest.counters().collect::<Vec<_>>(), [("rows_seen", 20)]);
}

#[test]
fn a_panic_names_its_row() {
    // In a whole block, at its edges, and in a partial one.
    for bad in [0, 7, 8, 13] {
        let mut guest = guest();
        let ids = (0..14).map(|row| if row == bad { -1 } else { row }).collect();
        match see(&mut guest, ids) {
            Err(SandboxError::Trapped { at, trap }) => {
                assert_eq!(at.call, "process");
                assert_eq!(trap.place, Place::Row(usize::try_from(bad).expect("a row")));
                assert!(trap.message.contains("id -1 is one too many"), "{}", trap.message);
                assert!(trap.message.contains("lib.rs"), "{}", trap.message);
            }
            other => panic!("it panics at row {bad}: {other:?}"),
        }
        has_ended(&mut guest);
    }
}

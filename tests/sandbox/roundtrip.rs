//! Columns there and back: every type, nulls, the unchanged state, slices, selections, before images.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow_buffer::BooleanBuffer;
use millrace::record::{Column, DataType, Field};
use millrace::sandbox::{Before, Call, Instance, Mapped, Outcome};
use serde_json::json;

use super::columns::{ROWS, every_type};
use super::support::{call, contract};

fn mapped(instance: &mut Instance, call: Call<'_>) -> Mapped {
    match instance.process(call).expect("the guest answers") {
        Outcome::Mapped { mapped, rejected } if rejected.is_empty() => mapped,
        other => panic!("rows were rejected or emitted: {other:?}"),
    }
}

fn same(one: &[Column], other: &[Column]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert_eq!(&one.values, &other.values);
        assert_eq!(one.unchanged, other.unchanged);
    }
}

#[test]
fn every_type_comes_back_as_it_went_whole_or_sliced() {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = every_type().into_iter().unzip();
    let mut instance = contract(json!({"do": "echo"}), fields);
    for (start, rows) in [(0, ROWS), (3, 17), (8, 8), (1, 1), (16, 5), (4, 0)] {
        let columns: Vec<Column> =
            arrays.iter().map(|array| Column::from(array.slice(start, rows))).collect();
        let answer = mapped(&mut instance, call(&columns));
        assert!(answer.after.kept.is_none());
        assert!(answer.before.is_none());
        same(&answer.after.columns, &columns);
    }
}

#[test]
fn a_column_without_nulls_comes_back_without_a_bitmap() {
    let field = Field::new("n", DataType::Int64, false);
    let mut instance = contract(json!({"do": "echo"}), vec![field]);
    let columns = [Column::from(Arc::new(Int64Array::from_iter_values(0..9)) as ArrayRef)];
    let answer = mapped(&mut instance, call(&columns));
    assert!(answer.after.columns[0].values.nulls().is_none());
    same(&answer.after.columns, &columns);
}

#[test]
fn unchanged_is_a_third_state_both_ways() {
    let field = Field::new("n", DataType::Int64, false);
    let mut instance = contract(json!({"do": "echo"}), vec![field]);
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3), None, Some(5)]));
    let unchanged = BooleanBuffer::from(vec![false, true, false, true, false]);
    let columns = [Column { values, unchanged: Some(unchanged) }];
    let answer = mapped(&mut instance, call(&columns));
    same(&answer.after.columns, &columns);
    // Sliced so that it starts within a byte.
    let columns = [Column {
        values: columns[0].values.slice(1, 3),
        unchanged: columns[0].unchanged.as_ref().map(|bits| bits.slice(1, 3)),
    }];
    let answer = mapped(&mut instance, call(&columns));
    same(&answer.after.columns, &columns);
}

#[test]
fn texts_and_bools_can_be_unchanged_too() {
    let fields =
        vec![Field::new("t", DataType::Text, false), Field::new("b", DataType::Bool, true)];
    let mut instance = contract(json!({"do": "echo"}), fields);
    let unchanged = BooleanBuffer::from(vec![true, false, false]);
    let texts = StringArray::from(vec![None, Some("häuser"), Some("")]);
    let bools = BooleanArray::from(vec![None, Some(true), None]);
    let columns = [Arc::new(texts) as ArrayRef, Arc::new(bools)]
        .map(|values| Column { values, unchanged: Some(unchanged.clone()) });
    let answer = mapped(&mut instance, call(&columns));
    same(&answer.after.columns, &columns);
}

#[test]
fn a_selection_comes_back() {
    let field = Field::new("n", DataType::Int64, false);
    let mut instance = contract(json!({"do": "echo", "keep": "even"}), vec![field]);
    let columns = [Column::from(Arc::new(Int64Array::from_iter_values(0..11)) as ArrayRef)];
    let kept = mapped(&mut instance, call(&columns)).after.kept.expect("some rows are left out");
    assert_eq!(kept.set_indices().collect::<Vec<_>>(), [0, 2, 4, 6, 8, 10]);
}

#[test]
fn before_images_come_back_beside_the_after_images() {
    let field = Field::new("n", DataType::Int64, true);
    let params = json!({"do": "echo", "extras": ["before"]});
    let mut instance = contract(params, vec![field]);
    assert!(instance.description().inputs[0].extras.before);
    let column =
        |values: Vec<Option<i64>>| Column::from(Arc::new(Int64Array::from(values)) as ArrayRef);
    let after = [column(vec![Some(1), None, Some(3)])];
    let before = Before {
        present: BooleanBuffer::from(vec![true, false, true]),
        columns: vec![column(vec![Some(10), None, Some(30)])],
    };
    let answer = mapped(&mut instance, Call { before: Some(&before), ..call(&after) });
    same(&answer.after.columns, &after);
    let images = answer.before.expect("both images were given");
    assert_eq!(images.kept.as_ref(), Some(&before.present));
    same(&images.columns, &before.columns);
}

#[test]
fn every_nan_becomes_the_canonical_one() {
    let field = Field::new("x", DataType::Float64, false);
    let mut instance = contract(json!({"do": "echo"}), vec![field]);
    let odd = f64::from_bits(0xfff8_0000_0000_0001);
    let columns = [Column::from(Arc::new(Float64Array::from(vec![odd, 1.5])) as ArrayRef)];
    let answer = mapped(&mut instance, call(&columns));
    let floats = answer.after.columns[0].values.as_primitive::<Float64Type>();
    assert_eq!(floats.value(0).to_bits(), f64::NAN.to_bits());
    assert_eq!(floats.value(1).to_bits(), 1.5_f64.to_bits());
}

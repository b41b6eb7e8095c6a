//! Values that tables would not keep, against a check of one value after the other.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, Date32Array, Decimal64Array, Decimal128Array, Float32Array,
    Float64Array, Int16Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::BooleanBuffer;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::checks::refusals;
use super::super::column_type::ColumnType;
use super::super::mapping::{Mapped, Origin};
use crate::record::{
    Batch, Column, DataType, Field, Operation, Operations, RowMeta, Schema, write_value,
};

fn batch(data_type: DataType, values: ArrayRef) -> Batch {
    let rows = values.len();
    Batch {
        schema: Arc::new(Schema::new(vec![Field::new("c", data_type, true)])),
        columns: vec![Column::from(values)],
        meta: Arc::new(RowMeta::plain("test", Operations::All(Operation::Insert), rows)),
        rows,
        selection: None,
        before: None,
    }
}

fn mapped(field: DataType, target: ColumnType, required: bool, key: bool) -> Mapped {
    Mapped { name: "c".to_owned(), origin: Origin::Input(0), field, target, required, key }
}

fn refused(field: DataType, target: ColumnType, values: ArrayRef) -> Vec<usize> {
    let rows = refusals(&[mapped(field, target, false, false)], &batch(field, values), None);
    rows.into_iter().map(|refusal| refusal.row).collect()
}

fn reasons(field: DataType, target: ColumnType, values: ArrayRef) -> Vec<String> {
    let rows = refusals(&[mapped(field, target, false, false)], &batch(field, values), None);
    rows.into_iter().map(|refusal| refusal.reason).collect()
}

/// Whether a target keeps a value, told from its text as JSON.
fn keeps(field: DataType, target: &ColumnType, values: &ArrayRef, row: usize) -> bool {
    if values.is_null(row) {
        return true;
    }
    let mut text = Vec::new();
    write_value(&mut text, field, &**values, row);
    let text = String::from_utf8(text).unwrap();
    let text = match field {
        DataType::Text => serde_json::from_str::<String>(&text).unwrap(),
        _ => text.trim_matches('"').to_owned(),
    };
    match target {
        ColumnType::TinyInt => text.parse::<i8>().is_ok(),
        ColumnType::SmallInt => text.parse::<i16>().is_ok(),
        ColumnType::Int => text.parse::<i32>().is_ok(),
        ColumnType::BigInt => text.parse::<i64>().is_ok(),
        ColumnType::LargeInt => text.parse::<i128>().is_ok(),
        ColumnType::Decimal { precision, scale } => {
            let whole = text.trim_start_matches('-').split('.').next().unwrap().to_owned();
            whole.trim_start_matches('0').len() <= usize::from(precision - scale)
        }
        ColumnType::Varchar(bytes) | ColumnType::Char(bytes) => {
            let is_padded = matches!(target, ColumnType::Char(_));
            text.len() <= *bytes as usize && !(is_padded && text.ends_with('\0'))
        }
        _ => true,
    }
}

fn agree(field: DataType, target: &ColumnType, values: &ArrayRef) -> Result<(), TestCaseError> {
    let naive: Vec<usize> =
        (0..values.len()).filter(|row| !keeps(field, target, values, *row)).collect();
    prop_assert_eq!(refused(field, target.clone(), Arc::clone(values)), naive, "{:?}", values);
    Ok(())
}

fn targets_of_integers() -> impl Strategy<Value = ColumnType> {
    prop_oneof![
        Just(ColumnType::TinyInt),
        Just(ColumnType::SmallInt),
        Just(ColumnType::Int),
        Just(ColumnType::BigInt),
        Just(ColumnType::LargeInt),
        (1..=38_u8, 0..=38_u8).prop_map(|(precision, scale)| ColumnType::Decimal {
            precision,
            scale: scale.min(precision)
        }),
    ]
}

/// Numbers of any number of digits.
fn numbers(digits: u32) -> impl Strategy<Value = i128> {
    (0..=digits, any::<u128>(), any::<bool>()).prop_map(|(digits, bits, minus)| {
        let value = i128::try_from(bits % 10_u128.pow(digits)).unwrap();
        if minus { -value } else { value }
    })
}

proptest! {
    #[test]
    fn integers(target in targets_of_integers(), values in vec(option::of(numbers(19)), 0..40)) {
        let narrow = |value: Option<i128>| value.and_then(|value| i64::try_from(value).ok());
        let longs: Vec<Option<i64>> = values.into_iter().map(narrow).collect();
        let shorts: Vec<Option<i16>> = longs.iter().map(|v| v.map(|v| v as i16)).collect();
        let ints: Vec<Option<i32>> = longs.iter().map(|v| v.map(|v| v as i32)).collect();
        agree(DataType::Int64, &target, &(Arc::new(Int64Array::from(longs)) as ArrayRef))?;
        agree(DataType::Int32, &target, &(Arc::new(Int32Array::from(ints)) as ArrayRef))?;
        agree(DataType::Int16, &target, &(Arc::new(Int16Array::from(shorts)) as ArrayRef))?;
    }

    #[test]
    fn decimals(
        scale in 0..=18_u8,
        more in 0..=6_u8,
        whole in 1..=20_u8,
        small in vec(option::of(numbers(18)), 0..40),
        great in vec(option::of(numbers(38)), 0..40),
    ) {
        let target = ColumnType::Decimal { precision: whole + scale + more, scale: scale + more };
        let of_scale = i8::try_from(scale).unwrap();
        let narrow = |value: i128| i64::try_from(value).unwrap();
        let small: Decimal64Array = small.into_iter().map(|value| value.map(narrow)).collect();
        let small = small.with_precision_and_scale(18, of_scale).unwrap();
        let field = DataType::Decimal { precision: 18, scale };
        agree(field, &target, &(Arc::new(small) as ArrayRef))?;
        let great: Decimal128Array = great.into_iter().collect();
        let great = great.with_precision_and_scale(38, of_scale).unwrap();
        let field = DataType::Decimal { precision: 38, scale };
        agree(field, &target, &(Arc::new(great) as ArrayRef))?;
    }

    #[test]
    fn texts(
        values in vec(option::of("[a\0é]{0,6}"), 0..40),
        bytes in 0..8_u32,
        padded in any::<bool>(),
    ) {
        let target = if padded { ColumnType::Char(bytes) } else { ColumnType::Varchar(bytes) };
        agree(DataType::Text, &target, &(Arc::new(StringArray::from(values)) as ArrayRef))?;
    }

    #[test]
    fn timestamps(
        seconds in vec(option::of(-70_000_000_000..260_000_000_000_i64), 0..20),
        unit in prop_oneof![Just(1_i64), Just(1_000), Just(1_000_000)],
        scale in 0..=6_u8,
    ) {
        let moment = |second: i64| second * 1_000_000 + second.rem_euclid(7) * unit;
        let values: Vec<_> = seconds.into_iter().map(|second| second.map(moment)).collect();
        let target = ColumnType::DateTime { scale };
        let values = Arc::new(TimestampMicrosecondArray::from(values)) as ArrayRef;
        let first = -719_528_i64 * 86_400_000_000;
        let last = 2_932_897_i64 * 86_400_000_000;
        let micros = values.as_any().downcast_ref::<TimestampMicrosecondArray>().unwrap();
        let unit = 10_i64.pow(6 - u32::from(scale));
        let naive: Vec<usize> = (0..micros.len())
            .filter(|row| micros.is_valid(*row))
            .filter(|row| {
                let value = micros.value(*row);
                value < first || value >= last || value.rem_euclid(unit) != 0
            })
            .collect();
        prop_assert_eq!(refused(DataType::Timestamp, target, values), naive);
    }
}

#[test]
fn floats_are_finite() {
    let doubles = Float64Array::from(vec![Some(1.5), None, Some(f64::NAN), Some(f64::INFINITY)]);
    assert_eq!(refused(DataType::Float64, ColumnType::Double, Arc::new(doubles)), [2, 3]);
    let singles = Float32Array::from(vec![f32::NEG_INFINITY, f32::MAX]);
    assert_eq!(refused(DataType::Float32, ColumnType::Double, Arc::new(singles)), [0]);
}

#[test]
fn dates_have_years_of_four_digits() {
    let days = Date32Array::from(vec![-719_528, -719_529, 2_932_896, 2_932_897, 0]);
    assert_eq!(refused(DataType::Date, ColumnType::Date, Arc::new(days)), [1, 3]);
}

#[test]
fn bytes_are_counted_as_base64() {
    let bytes = BinaryArray::from(vec![&b"abc"[..], b"abcd", b""]);
    assert_eq!(refused(DataType::Binary, ColumnType::Varchar(4), Arc::new(bytes)), [1]);
}

#[test]
fn reasons_name_the_value_and_the_type() {
    let money = Decimal64Array::from(vec![123_456]).with_precision_and_scale(18, 2).unwrap();
    let field = DataType::Decimal { precision: 18, scale: 2 };
    let target = ColumnType::Decimal { precision: 5, scale: 2 };
    assert_eq!(
        reasons(field, target, Arc::new(money)),
        ["1234.56 has too many digits before the point for DECIMAL(5,2)"]
    );
    let numbers = Arc::new(Int64Array::from(vec![300]));
    assert_eq!(
        reasons(DataType::Int64, ColumnType::TinyInt, numbers),
        ["300 is out of the range of TINYINT"]
    );
    let texts = Arc::new(StringArray::from(vec!["éé"]));
    assert_eq!(
        reasons(DataType::Text, ColumnType::Varchar(3), texts),
        ["4 bytes of text, too many for VARCHAR(3)"]
    );
}

#[test]
fn nulls_are_refused_where_the_table_takes_none_and_jsons_too() {
    let texts = Arc::new(StringArray::from(vec![Some("1"), None, Some(" null ")])) as ArrayRef;
    let batch = batch(DataType::Json, texts);
    let required = mapped(DataType::Json, ColumnType::Json, true, false);
    let rows = refusals(&[required], &batch, None);
    assert_eq!(rows.iter().map(|refusal| refusal.row).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(rows[0].column.as_deref(), Some("c"));
    let free = mapped(DataType::Json, ColumnType::Json, false, false);
    assert!(refusals(&[free], &batch, None).is_empty());
}

#[test]
fn deletes_are_looked_at_in_their_key_only_and_unknown_values_not_at_all() {
    let texts = Arc::new(StringArray::from(vec!["long", "long", "long"])) as ArrayRef;
    let mut batch = batch(DataType::Text, texts);
    let deletes = BooleanBuffer::from(vec![true, false, false]);
    batch.columns[0].unchanged = Some(BooleanBuffer::from(vec![false, true, false]));
    let rows = |key| {
        let column = mapped(DataType::Text, ColumnType::Varchar(1), key, key);
        let found = refusals(&[column], &batch, Some(&deletes));
        found.into_iter().map(|refusal| refusal.row).collect::<Vec<_>>()
    };
    assert_eq!(rows(false), [2]);
    assert_eq!(rows(true), [0, 2]);
}

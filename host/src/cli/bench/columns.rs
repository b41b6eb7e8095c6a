//! Made-up columns of every type, and batches of them.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal64Array, Decimal128Array,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, ScalarBuffer};

use crate::record::{Before, Column, DataType};
use crate::sandbox::{Call, Description, Keys};

/// 2026-01-01T00:00:00Z in microseconds since 1970.
const START: i64 = 1_767_225_600_000_000;
/// One in so many values of a nullable column is null.
const NULL_EVERY: usize = 10;

/// One made-up batch and all that could go with it.
pub(super) struct Rows {
    rows: usize,
    columns: Vec<Column>,
    before: Before,
    operations: ScalarBuffer<u8>,
    times: ScalarBuffer<i64>,
    key_groups: Vec<u16>,
    key_offsets: Vec<i32>,
    keys: Vec<u8>,
}

impl Rows {
    /// So many rows of columns of these types, each nullable or not.
    pub(super) fn new(types: &[(DataType, bool)], rows: usize) -> Self {
        let columns: Vec<Column> = types
            .iter()
            .enumerate()
            .map(|(index, (data_type, nullable))| {
                Column::from(values(*data_type, *nullable, rows, index))
            })
            .collect();
        let before = Before { present: BooleanBuffer::new_unset(rows), columns: columns.clone() };
        let number = |row: usize| i64::try_from(row).unwrap_or(i64::MAX);
        let keys: Vec<u8> = (0..rows).flat_map(|row| number(row % 1_000).to_be_bytes()).collect();
        Self {
            rows,
            columns,
            before,
            operations: vec![0; rows].into(),
            times: (0..rows).map(|row| START + 2_000 * number(row)).collect::<Vec<_>>().into(),
            key_groups: (0..rows)
                .map(|row| u16::try_from(row % 1_000).unwrap_or_default())
                .collect(),
            key_offsets: (0..=rows).map(|row| i32::try_from(row * 8).unwrap_or(i32::MAX)).collect(),
            keys,
        }
    }

    /// The call with what the transform asks for.
    pub(super) fn call(&self, description: &Description) -> Call<'_> {
        let wants = description.inputs.first().map(|input| input.extras).unwrap_or_default();
        Call {
            input: 0,
            schema: 0,
            rows: self.rows,
            columns: &self.columns,
            before: wants.before.then_some(&self.before),
            operations: wants.operations.then(|| self.operations.clone()),
            event_times: wants.event_times.then(|| (self.times.clone(), None)),
            processing_times: wants.processing_times.then(|| self.times.clone()),
            keys: description.keyed.then_some(Keys {
                groups: &self.key_groups,
                offsets: &self.key_offsets,
                encoded: &self.keys,
            }),
            now: START,
        }
    }
}

/// Small even numbers that differ from row to row and from column to column.
fn noise(row: usize, column: usize) -> i64 {
    let mixed = (row as u64 ^ ((column as u64) << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    i64::try_from(mixed >> 50).unwrap_or_default()
}

/// A column of a type; where it may be null, a tenth of it is.
fn values(data_type: DataType, nullable: bool, rows: usize, column: usize) -> ArrayRef {
    let number = |row: usize| {
        let null = nullable && row % NULL_EVERY == NULL_EVERY - 1;
        (!null).then(|| noise(row, column))
    };
    let numbers = (0..rows).map(number);
    let small = |number: i64| i16::try_from(number).unwrap_or_default();
    match data_type {
        DataType::Bool => {
            Arc::new(numbers.map(|number| number.map(|n| n % 2 == 0)).collect::<BooleanArray>())
        }
        DataType::Int16 => {
            Arc::new(numbers.map(|number| number.map(small)).collect::<Int16Array>())
        }
        DataType::Int32 => {
            Arc::new(numbers.map(|n| n.map(|n| i32::from(small(n)))).collect::<Int32Array>())
        }
        DataType::Int64 => Arc::new(numbers.collect::<Int64Array>()),
        DataType::Float32 => {
            Arc::new(numbers.map(|n| n.map(|n| f32::from(small(n)))).collect::<Float32Array>())
        }
        DataType::Float64 => {
            Arc::new(numbers.map(|n| n.map(|n| f64::from(small(n)))).collect::<Float64Array>())
        }
        DataType::Decimal { .. } => decimals(data_type, numbers),
        DataType::Text => Arc::new(texts(numbers, |n| format!("w-{n:05}"))),
        DataType::Json => Arc::new(texts(numbers, |n| format!("{{\"n\":{n}}}"))),
        DataType::Binary => {
            let bytes: Vec<Option<[u8; 8]>> = numbers.map(|n| n.map(i64::to_be_bytes)).collect();
            Arc::new(bytes.iter().map(|bytes| bytes.as_ref()).collect::<BinaryArray>())
        }
        DataType::Date => {
            let days = |n: i64| 20_000 + i32::from(small(n));
            Arc::new(numbers.map(|n| n.map(days)).collect::<Date32Array>())
        }
        DataType::Time => {
            let micros = |n: i64| n * 1_000_000 % 86_400_000_000;
            Arc::new(numbers.map(|n| n.map(micros)).collect::<Time64MicrosecondArray>())
        }
        DataType::Timestamp => {
            let micros = |n: i64| START + n * 1_000;
            Arc::new(numbers.map(|n| n.map(micros)).collect::<TimestampMicrosecondArray>())
        }
        DataType::Uuid => uuids(numbers),
    }
}

fn texts(numbers: impl Iterator<Item = Option<i64>>, text: impl Fn(i64) -> String) -> StringArray {
    numbers.map(|number| number.map(&text)).collect()
}

/// Decimals of few digits, so that they fit every precision from 5 on; below that, single digits.
fn decimals(data_type: DataType, numbers: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let DataType::Decimal { precision, scale } = data_type else {
        unreachable!("the caller has looked at the type")
    };
    let scale = i8::try_from(scale).unwrap_or(i8::MAX);
    let fitting = move |number: i64| if precision < 5 { number % 10 } else { number };
    let numbers = numbers.map(move |number| number.map(fitting));
    if precision <= 18 {
        let array = numbers.collect::<Decimal64Array>();
        Arc::new(array.with_precision_and_scale(precision, scale).expect("a decimal type is valid"))
    } else {
        let array = numbers.map(|number| number.map(i128::from)).collect::<Decimal128Array>();
        Arc::new(array.with_precision_and_scale(precision, scale).expect("a decimal type is valid"))
    }
}

fn uuids(numbers: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let mut bytes = Vec::new();
    let mut valid = Vec::new();
    for number in numbers {
        bytes.extend_from_slice(&i128::from(number.unwrap_or_default()).to_be_bytes());
        valid.push(number.is_some());
    }
    let nulls = arrow_buffer::NullBuffer::from(valid);
    Arc::new(FixedSizeBinaryArray::new(16, Buffer::from_vec(bytes), Some(nulls)))
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;

    #[test]
    fn every_type_has_values_of_its_arrow_type_and_a_tenth_null() {
        for name in DataType::NAMES.into_iter().chain(["decimal(3,1)", "decimal(38,4)"]) {
            let data_type: DataType = name.parse().expect("a listed name");
            let array = values(data_type, true, 100, 3);
            assert_eq!(array.data_type(), &data_type.arrow(), "{name}");
            assert_eq!((array.len(), array.null_count()), (100, 10), "{name}");
            assert_eq!(values(data_type, false, 100, 3).null_count(), 0, "{name}");
        }
    }
}

//! A column of each type, with values at the ends of its range and with nulls.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal64Array, Decimal128Array,
    FixedSizeBinaryArray, Float32Array, Float64Array, Int16Array, Int32Array, Int64Array,
    StringArray, Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_buffer::{Buffer, NullBuffer};
use millrace::record::{DataType, Field};

/// Rows of each column: no multiple of 8.
pub(super) const ROWS: usize = 21;

/// A field and a column of `ROWS` rows for each type; a fifth is null.
pub(super) fn every_type() -> Vec<(Field, ArrayRef)> {
    let types: Vec<(DataType, ArrayRef)> = vec![
        (DataType::Bool, Arc::new(picked(&[true, false, true]).collect::<BooleanArray>())),
        (DataType::Int16, Arc::new(picked(&[i16::MIN, 0, i16::MAX]).collect::<Int16Array>())),
        (DataType::Int32, Arc::new(picked(&[i32::MIN, 0, i32::MAX]).collect::<Int32Array>())),
        (DataType::Int64, Arc::new(picked(&[i64::MIN, 0, i64::MAX]).collect::<Int64Array>())),
        (DataType::Float32, Arc::new(picked(&[f32::MIN, -0.0, 0.1]).collect::<Float32Array>())),
        (DataType::Float64, Arc::new(picked(&[f64::MIN, -0.0, 0.1]).collect::<Float64Array>())),
        short_decimal(),
        long_decimal(),
        (DataType::Text, Arc::new(picked(&["", "häuser", "x\0y"]).collect::<StringArray>())),
        (DataType::Binary, Arc::new(BinaryArray::from(bytes()))),
        (DataType::Date, Arc::new(picked(&[-719_162_i32, 0, 2_932_896]).collect::<Date32Array>())),
        (DataType::Time, {
            Arc::new(picked(&[0_i64, 1, 86_399_999_999]).collect::<Time64MicrosecondArray>())
        }),
        (DataType::Timestamp, {
            let ends = [-62_135_596_800_000_000, 0, 253_402_300_799_999_999_i64];
            Arc::new(picked(&ends).collect::<TimestampMicrosecondArray>())
        }),
        (DataType::Uuid, uuids()),
        (DataType::Json, Arc::new(picked(&["{}", "[1]", "null"]).collect::<StringArray>())),
    ];
    let field = |data_type: DataType| Field::new(&format!("c {data_type}"), data_type, true);
    types.into_iter().map(|(data_type, values)| (field(data_type), values)).collect()
}

fn is_null(row: usize) -> bool {
    row % 5 == 2
}

/// The values in turns, every fifth null.
fn picked<T: Copy>(values: &[T]) -> impl Iterator<Item = Option<T>> {
    (0..ROWS).map(|row| (!is_null(row)).then(|| values[row % values.len()]))
}

fn short_decimal() -> (DataType, ArrayRef) {
    let most = 999_999_999_999_999_999_i64;
    let values = picked(&[-most, 0, most]).collect::<Decimal64Array>();
    let values = values.with_precision_and_scale(18, 4).expect("a decimal of 18 digits");
    (DataType::Decimal { precision: 18, scale: 4 }, Arc::new(values))
}

fn long_decimal() -> (DataType, ArrayRef) {
    let most = 10_i128.pow(38) - 1;
    let values = picked(&[-most, 0, most]).collect::<Decimal128Array>();
    let values = values.with_precision_and_scale(38, 10).expect("a decimal of 38 digits");
    (DataType::Decimal { precision: 38, scale: 10 }, Arc::new(values))
}

fn bytes() -> Vec<Option<&'static [u8]>> {
    picked(&[&b""[..], b"\xff\x00", b"abc"]).collect()
}

fn uuids() -> ArrayRef {
    let bytes: Vec<u8> = (0..ROWS * 16).map(|index| (index % 251) as u8).collect();
    let nulls: NullBuffer = (0..ROWS).map(|row| !is_null(row)).collect();
    Arc::new(FixedSizeBinaryArray::new(16, Buffer::from_vec(bytes), Some(nulls)))
}

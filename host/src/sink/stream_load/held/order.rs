//! The values of a sequence column, in a form that compares.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as Arrow, TimeUnit};

/// A sequence column's value; null is below all others.
pub(super) type Sequence = Option<i128>;

/// The value of a row. A type that has no order as a number answers null, so that the later arrival
/// wins; the configuration refuses such columns.
pub(super) fn value(column: &ArrayRef, row: usize) -> Sequence {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        Arrow::Boolean => i128::from(column.as_boolean().value(row)),
        Arrow::Int16 => i128::from(column.as_primitive::<Int16Type>().value(row)),
        Arrow::Int32 => i128::from(column.as_primitive::<Int32Type>().value(row)),
        Arrow::Int64 => i128::from(column.as_primitive::<Int64Type>().value(row)),
        Arrow::Decimal64(..) => i128::from(column.as_primitive::<Decimal64Type>().value(row)),
        Arrow::Decimal128(..) => column.as_primitive::<Decimal128Type>().value(row),
        Arrow::Date32 => i128::from(column.as_primitive::<Date32Type>().value(row)),
        Arrow::Time64(TimeUnit::Microsecond) => {
            i128::from(column.as_primitive::<Time64MicrosecondType>().value(row))
        }
        Arrow::Timestamp(TimeUnit::Microsecond, _) => {
            i128::from(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        Arrow::Float32 => ranked(f64::from(column.as_primitive::<Float32Type>().value(row))),
        Arrow::Float64 => ranked(column.as_primitive::<Float64Type>().value(row)),
        _ => return None,
    })
}

/// A number that orders as the float does.
fn ranked(float: f64) -> i128 {
    // Negative zero is zero: adding zero makes it so.
    let bits = (float + 0.0).to_bits() as i64;
    i128::from(if bits < 0 { bits ^ i64::MAX } else { bits })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int64Array};

    use super::*;

    #[test]
    fn values_order_as_their_numbers_do_and_null_is_below() {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![
            None,
            Some(f64::MIN),
            Some(-1.5),
            Some(-0.0),
            Some(1e-300),
            Some(2.0),
            Some(f64::MAX),
        ]));
        assert!((1..7).all(|row| value(&floats, row - 1) < value(&floats, row)));
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![None, Some(i64::MIN), Some(3)]));
        assert!((1..3).all(|row| value(&integers, row - 1) < value(&integers, row)));
    }
}

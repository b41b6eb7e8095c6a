//! The values of a sequence column, in a form that compares.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as Arrow, TimeUnit};

/// A sequence column's value; null is below all others, and a float that is no number above them.
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
    // There are many that are no number, of both signs.
    if float.is_nan() {
        return i128::MAX;
    }
    // Negative zero is zero: adding zero makes it so.
    let bits = (float + 0.0).to_bits() as i64;
    i128::from(if bits < 0 { bits ^ i64::MAX } else { bits })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        Decimal128Array, Float32Array, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    };

    use super::*;

    fn assert_rises(column: ArrayRef) {
        for row in 1..column.len() {
            assert!(value(&column, row - 1) < value(&column, row), "row {row} of {column:?}");
        }
    }

    #[test]
    fn values_order_as_their_numbers_do_and_null_is_below() {
        assert_rises(Arc::new(Float64Array::from(vec![
            None,
            Some(f64::NEG_INFINITY),
            Some(f64::MIN),
            Some(-1.5),
            Some(-0.0),
            Some(f64::MIN_POSITIVE / 2.0),
            Some(1e-300),
            Some(2.0),
            Some(f64::MAX),
            Some(f64::INFINITY),
            Some(f64::NAN),
        ])));
        assert_rises(Arc::new(Float32Array::from(vec![None, Some(f32::MIN), Some(0.1)])));
        let ends = [None, Some(i64::MIN), Some(-1), Some(0), Some(i64::MAX)];
        assert_rises(Arc::new(Int64Array::from(ends.to_vec())));
        assert_rises(Arc::new(TimestampMicrosecondArray::from(ends.to_vec())));
    }

    #[test]
    fn decimals_of_all_digits_and_of_unsigned_numbers_keep_their_order() {
        let greatest = 10_i128.pow(38) - 1;
        let unsigned = i128::from(u64::MAX);
        let values = vec![None, Some(-greatest), Some(0), Some(unsigned), Some(greatest)];
        let column = Decimal128Array::from(values).with_precision_and_scale(38, 4);
        assert_rises(Arc::new(column.expect("38 digits are allowed")));
    }

    #[test]
    fn zeros_are_equal_and_so_are_all_that_are_no_numbers() {
        let floats = vec![0.0, -0.0, f64::NAN, -f64::NAN, f64::from_bits(f64::NAN.to_bits() + 1)];
        let column: ArrayRef = Arc::new(Float64Array::from(floats));
        assert_eq!(value(&column, 0), value(&column, 1));
        assert_eq!(value(&column, 2), value(&column, 3));
        assert_eq!(value(&column, 2), value(&column, 4));
    }

    #[test]
    fn what_has_no_order_as_a_number_tells_none() {
        let words: ArrayRef = Arc::new(StringArray::from(vec!["b", "a"]));
        assert_eq!((value(&words, 0), value(&words, 1)), (None, None));
    }
}

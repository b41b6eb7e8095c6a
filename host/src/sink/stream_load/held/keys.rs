//! Keys as bytes, and their hashes.
//!
//! *Invariants*: equal keys encode alike, others never do; the hash is the same in every run, since
//! parts of an epoch that is run again are found by it.
//! *Not here*: the keys of stages, whose encoding their modules see (`stage`).

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal64Type, Decimal128Type, Float32Type, Float64Type,
    Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_schema::{DataType as Arrow, TimeUnit};
use xxhash_rust::xxh64::xxh64;

/// The hash of an encoded key: the upper half of a longer one, which is enough for parts and for
/// the index, and half as much to keep.
#[inline]
pub(super) fn hash(key: &[u8]) -> u32 {
    (xxh64(key, 0) >> 32) as u32
}

/// The keys of some rows.
#[derive(Debug, Default)]
pub(super) struct EncodedKeys {
    /// Where each key ends.
    ends: Vec<usize>,
    bytes: Vec<u8>,
}

impl EncodedKeys {
    /// Encodes the keys of `rows` rows, whose cells the columns hold in the order of the key.
    pub(super) fn of(columns: &[&ArrayRef], rows: usize) -> Self {
        let mut keys = Self::default();
        keys.encode(columns, rows);
        keys
    }

    /// The same into buffers that are used again.
    pub(super) fn encode(&mut self, columns: &[&ArrayRef], rows: usize) {
        self.ends.clear();
        self.bytes.clear();
        self.ends.reserve(rows);
        let cells: Vec<Cells<'_>> = columns.iter().map(|column| Cells::of(column)).collect();
        for row in 0..rows {
            for cells in &cells {
                cells.append(row, &mut self.bytes);
            }
            self.ends.push(self.bytes.len());
        }
    }

    /// The key of a row.
    #[inline]
    pub(super) fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }
}

/// One key column.
enum Cells<'a> {
    Bits(&'a BooleanArray),
    /// Cells of equal width, one after the other.
    Fixed(&'a [u8], usize, &'a ArrayRef),
    Float32(&'a [f32], &'a ArrayRef),
    Float64(&'a [f64], &'a ArrayRef),
    Uuids(&'a FixedSizeBinaryArray),
    Text(&'a StringArray),
    Binary(&'a BinaryArray),
}

impl<'a> Cells<'a> {
    fn of(column: &'a ArrayRef) -> Self {
        match column.data_type() {
            Arrow::Boolean => Self::Bits(column.as_boolean()),
            Arrow::Int16 => fixed::<Int16Type>(column),
            Arrow::Int32 => fixed::<Int32Type>(column),
            Arrow::Int64 => fixed::<Int64Type>(column),
            Arrow::Float32 => Self::Float32(column.as_primitive::<Float32Type>().values(), column),
            Arrow::Float64 => Self::Float64(column.as_primitive::<Float64Type>().values(), column),
            Arrow::Decimal64(..) => fixed::<Decimal64Type>(column),
            Arrow::Decimal128(..) => fixed::<Decimal128Type>(column),
            Arrow::Date32 => fixed::<Date32Type>(column),
            Arrow::Time64(TimeUnit::Microsecond) => fixed::<Time64MicrosecondType>(column),
            Arrow::Timestamp(TimeUnit::Microsecond, _) => fixed::<TimestampMicrosecondType>(column),
            Arrow::FixedSizeBinary(_) => Self::Uuids(column.as_fixed_size_binary()),
            Arrow::Utf8 => Self::Text(column.as_string()),
            Arrow::Binary => Self::Binary(column.as_binary()),
            other => panic!("no column type is carried by {other}"),
        }
    }

    #[inline]
    fn append(&self, row: usize, key: &mut Vec<u8>) {
        match self {
            Self::Bits(cells) => sized(key, cells.is_valid(row), &[u8::from(cells.value(row))]),
            Self::Fixed(bytes, width, column) => {
                sized(key, column.is_valid(row), &bytes[row * width..][..*width]);
            }
            Self::Float32(values, column) => {
                // Negative zero is zero: adding zero makes it so.
                sized(key, column.is_valid(row), &(values[row] + 0.0).to_le_bytes());
            }
            Self::Float64(values, column) => {
                sized(key, column.is_valid(row), &(values[row] + 0.0).to_le_bytes());
            }
            Self::Uuids(cells) => sized(key, cells.is_valid(row), cells.value(row)),
            Self::Text(cells) => {
                measured(key, cells.is_valid(row), cells.value(row).as_bytes());
            }
            Self::Binary(cells) => measured(key, cells.is_valid(row), cells.value(row)),
        }
    }
}

fn fixed<T: ArrowPrimitiveType>(column: &ArrayRef) -> Cells<'_> {
    // The buffer of a sliced array's values begins at its first value.
    let values = column.as_primitive::<T>().values();
    Cells::Fixed(values.inner().as_slice(), size_of::<T::Native>(), column)
}

/// A cell of a width that the column has.
fn sized(key: &mut Vec<u8>, is_valid: bool, bytes: &[u8]) {
    key.push(u8::from(is_valid));
    if is_valid {
        key.extend_from_slice(bytes);
    }
}

/// A cell that says its length, so that cells side by side stay apart.
fn measured(key: &mut Vec<u8>, is_valid: bool, bytes: &[u8]) {
    if is_valid {
        // Arrow's own offsets are 31 bits, so that the length after which null comes is free.
        key.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        key.extend_from_slice(bytes);
    } else {
        key.extend_from_slice(&u32::MAX.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Float64Array, Int64Array};

    use super::*;

    #[test]
    fn keys_of_several_columns_stay_apart() {
        let text = |values: [Option<&str>; 4]| -> ArrayRef {
            Arc::new(StringArray::from(values.to_vec()))
        };
        let left = text([Some("ab"), Some("a"), None, Some("")]);
        let right = text([Some("c"), Some("bc"), Some(""), None]);
        let keys = EncodedKeys::of(&[&left, &right], 4);
        for one in 0..4 {
            for other in 0..4 {
                assert_eq!(keys.get(one) == keys.get(other), one == other);
            }
        }
    }

    #[test]
    fn a_slice_starts_at_its_own_row_and_zeros_are_equal() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7, -1]));
        let whole = EncodedKeys::of(&[&numbers], 2);
        let sliced = EncodedKeys::of(&[&numbers.slice(1, 1)], 1);
        assert_eq!(whole.get(1), sliced.get(0));
        let zeros: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0]));
        let zeros = EncodedKeys::of(&[&zeros], 2);
        assert_eq!(zeros.get(0), zeros.get(1));
    }
}
